"""The systems in JAX: a step as a pure function, and several steps in one call by `lax.scan`. Started by `steps.py`.

Written plainly from the recipe's JSON, sharing no code with Mulligan: Adam and the schedules too. Batches and latents are drawn inside the
scan by JAX's own numbers, with replacement, so that every batch is whole. Networks in bfloat16 have weights in float32 beside.
"""

import math
import time
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax_nets import OF_SCALING, Net, Parameters, applied, begun
from lockstep import Block, serve

MOST_STEPS = 10  # in a call
# XLA calls another code for convolutions that stand in a loop: a step within a scan took 8 times as long as one outside of it on a CPU
# (jax 0.10.2, dev/LOG.md), and a call costs nothing beside it.
MOST_CONVOLUTIONAL = 1


class Player(NamedTuple):
    """What changes of a network: weights, moments, average (None where there is none), moving statistics, number of updates."""

    parameters: Parameters
    first: Parameters
    second: Parameters
    average: Parameters | None
    moving: Parameters
    updates: Array


class State(NamedTuple):
    """What a scan carries."""

    generator: Player
    discriminator: Player
    seen: Array  # images


class Drawn(NamedTuple):
    """What one step is played with. real_g: what G's samples are compared with, by a loss that compares."""

    real: Array
    z: Array
    real_g: Array
    z_g: Array
    keys: Array  # for dropout, one for each pass: D on real, D on fake, G for D, G, D on real for G, D on fake for G


def nets(recipe: dict[str, Any], precision: str) -> tuple[Net, Net]:
    """Generator and discriminator of a recipe."""
    shape = tuple(recipe["data"]["shape"])
    shape = (*shape[1:], shape[0]) if len(shape) == 3 else shape
    made = []
    for name in ("generator", "discriminator"):
        described = recipe["players"][name]["network"]
        bounded = described.get("output", "linear")
        bounded = OF_SCALING[recipe["scaling"]] if bounded == "auto" else bounded
        made.append(Net(described, recipe["latent"]["size"], shape, name == "generator", bounded, getattr(jnp, precision)))
    return made[0], made[1]


def first_state(recipe: dict[str, Any], g: Net, d: Net, key: Array) -> State:
    """The state before the first step."""
    players = []
    for name, net, own in zip(("generator", "discriminator"), (g, d), jax.random.split(key), strict=True):
        parameters, moving = begun(net, own)
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        average = jax.tree.map(jnp.copy, parameters) if recipe["players"][name]["ema"] else None
        players.append(Player(parameters, zeros, jax.tree.map(jnp.copy, zeros), average, moving, jnp.zeros(())))
    return State(players[0], players[1], jnp.zeros(()))


def updated(recipe: dict[str, Any], g: Net, d: Net, state: State, drawn: Drawn) -> tuple[State, dict[str, Array]]:
    """One step: the updates of the recipe."""
    progress = state.seen / recipe["horizon"]
    strength = {
        name: penalty["weight"] * falling(progress, penalty["final"], penalty["falling"]) for name, penalty in recipe["penalties"].items()
    }
    pairing, smoothing = recipe["loss"]["name"] == "pairing", recipe["loss"]["smoothing"]
    softplus = jax.nn.softplus

    def judge(parameters: Parameters, x: Array, key: Array) -> Array:
        return applied(d, parameters, state.discriminator.moving, x, key)[0]

    def penalties(parameters: Parameters, real: Array | None, fake: Array | None, keys: Array) -> Array:
        total = jnp.zeros(())
        for name, samples, key in (("zero-centred-real", real, keys[0]), ("zero-centred-fake", fake, keys[1])):
            if name in strength and samples is not None:
                slope = jax.grad(lambda x, key=key: judge(parameters, x, key).sum())(samples)
                total += strength[name] / 2 * (slope**2).sum() / len(samples)
        return total

    def on_real(parameters: Parameters) -> Array:
        judged = judge(parameters, drawn.real, drawn.keys[0])
        return (softplus(-judged) + smoothing * judged).mean() + penalties(parameters, drawn.real, None, drawn.keys)

    def on_fake(parameters: Parameters, fake: Array) -> Array:
        return softplus(judge(parameters, fake, drawn.keys[1])).mean() + penalties(parameters, None, fake, drawn.keys)

    def on_both(parameters: Parameters, fake: Array) -> Array:
        if not pairing:
            return on_real(parameters) + on_fake(parameters, fake)
        judged = judge(parameters, fake, drawn.keys[1]) - judge(parameters, drawn.real, drawn.keys[0])
        return softplus(judged).mean() + penalties(parameters, drawn.real, fake, drawn.keys)

    inference = recipe["turns"]["fakes"] == "inference"
    generator, discriminator = state.generator, state.discriminator
    fake, moving = applied(g, generator.parameters, generator.moving, drawn.z, drawn.keys[2], inference)
    generator = generator._replace(moving=moving)
    moved = partial(move, recipe["players"]["discriminator"], progress, state.seen, recipe["batch"])
    figures = {}
    if recipe["turns"]["separate"]:
        figures["loss on real"], gradient = jax.value_and_grad(on_real)(discriminator.parameters)
        discriminator = moved(discriminator, gradient)
        figures["loss on fake"], gradient = jax.value_and_grad(on_fake)(discriminator.parameters, fake)
    else:
        figures["loss of D"], gradient = jax.value_and_grad(on_both)(discriminator.parameters, fake)
    discriminator = moved(discriminator, gradient)

    def of_generator(parameters: Parameters) -> tuple[Array, Parameters]:
        made, moving = applied(g, parameters, generator.moving, drawn.z_g, drawn.keys[3])
        judged = judge(discriminator.parameters, made, drawn.keys[5])
        if pairing:
            judged = judged - judge(discriminator.parameters, drawn.real_g, drawn.keys[4])
        return softplus(-judged).mean(), moving

    (figures["loss of G"], moving), gradient = jax.value_and_grad(of_generator, has_aux=True)(generator.parameters)
    generator = move(recipe["players"]["generator"], progress, state.seen, recipe["batch"], generator._replace(moving=moving), gradient)
    return State(generator, discriminator, state.seen + recipe["batch"]), figures


def move(described: dict[str, Any], progress: Array, seen: Array, batch: int, player: Player, gradient: Parameters) -> Player:
    """One update by Adam (Kingma and Ba 2015, algorithm 1), and a step of the average."""
    settings, ema = described["optimiser"], described["ema"]
    beta1, beta2, updates = settings["beta1"], settings["beta2"], player.updates + 1
    rate = settings["rate"] * falling(progress, settings["final"])
    first = jax.tree.map(lambda m, slope: beta1 * m + (1 - beta1) * slope, player.first, gradient)
    second = jax.tree.map(lambda v, slope: beta2 * v + (1 - beta2) * slope**2, player.second, gradient)

    def step(weight: Array, m: Array, v: Array) -> Array:
        return weight - rate / (1 - beta1**updates) * m / (jnp.sqrt(v) / jnp.sqrt(1 - beta2**updates) + settings["epsilon"])

    parameters = jax.tree.map(step, player.parameters, first, second)
    average = player.average
    if average is not None:
        half_life = ema["share"] * (seen + batch)
        half_life = half_life if ema["half_life"] is None else jnp.minimum(half_life, ema["half_life"])
        keep = 0.5 ** (batch / half_life)
        average = jax.tree.map(lambda mean, weight: keep * mean + (1 - keep) * weight, average, parameters)
    return Player(parameters, first, second, average, player.moving, updates)


def falling(progress: Array, final: float, how: str = "cosine") -> Array:
    """From 1 to `final` over a progress from 0 to 1."""
    progress = jnp.minimum(progress, 1.0)
    return final**progress if how == "geometric" else final + (1 - final) * (1 + jnp.cos(math.pi * progress)) / 2


def drawn(recipe: dict[str, Any], images: Array | None, key: Array) -> Drawn:
    """What the next step is played with. images: uint8 (N, H, W, C); None for points of the parabola."""
    keys, batch = jax.random.split(key, 10), recipe["batch"]
    size = (batch, recipe["latent"]["size"])
    latents = jax.random.normal if recipe["latent"]["distribution"] == "normal" else partial(jax.random.uniform, minval=-1.0)

    def real(key: Array) -> Array:
        if images is None:
            x = jax.random.uniform(key, (batch,), minval=-0.5, maxval=0.5)
            return jnp.stack([x, x * x], 1)
        pixels = images[jax.random.randint(key, (batch,), 0, len(images))].astype(jnp.float32)
        return pixels / 127.5 - 1 if recipe["scaling"] == "symmetric" else pixels / 255

    return Drawn(real(keys[0]), latents(keys[1], size), real(keys[2]), latents(keys[3], size), keys[4:])


def scan(recipe: dict[str, Any], images: Array | None, precision: str, steps: int) -> Any:
    """A compiled function of (state, key): so many steps in one call (one alone: no scan) -> (state, key, figures of the last step)."""
    g, d = nets(recipe, precision)

    def body(carry: tuple[State, Array], _: None) -> tuple[tuple[State, Array], dict[str, Array]]:
        state, key = carry
        key, own = jax.random.split(key)
        state, figures = updated(recipe, g, d, state, drawn(recipe, images, own))
        return (state, key), figures

    def call(state: State, key: Array) -> tuple[State, Array, dict[str, Array]]:
        if steps == 1:
            (state, key), figures = body((state, key), None)
            return state, key, figures
        (state, key), figures = lax.scan(body, (state, key), None, length=steps)
        return state, key, jax.tree.map(lambda values: values[-1], figures)

    return jax.jit(call, donate_argnums=0)


def make(asked: dict[str, Any]) -> tuple[Block, dict[str, Any]]:
    """A block of steps as it was asked for: recipe, precision, images (path of an array, or null), steps in a block."""
    recipe = asked["recipe"]
    images = None if asked["images"] is None else jnp.asarray(np.load(asked["images"]).transpose(0, 2, 3, 1))
    g, d = nets(recipe, asked["precision"])
    together = min(asked["steps"], MOST_CONVOLUTIONAL if d.convolutional else MOST_STEPS)
    call = scan(recipe, images, asked["precision"], together)
    state, key = first_state(recipe, g, d, jax.random.key(0)), jax.random.key(1)

    def block(steps: int) -> list[float]:
        nonlocal state, key
        seconds = []
        for _ in range(-(-steps // together)):
            begun = time.perf_counter()
            state, key, figures = call(state, key)
            read = {name: float(value) for name, value in figures.items()}  # waits for the call
            seconds.append((time.perf_counter() - begun) / together)
            assert all(math.isfinite(value) for value in read.values())
        return seconds

    weights = {name: sum(leaf.size for leaf in jax.tree.leaves(getattr(state, name).parameters)) for name in ("generator", "discriminator")}
    return block, {"weights": weights, "versions": {"jax": jax.__version__}, "steps in a call": together}


if __name__ == "__main__":
    serve(make)
