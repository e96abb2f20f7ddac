"""The loops that are timed beside Mulligan's do the same updates: from equal weights, on equal samples and latents, to equal weights.

Dropout is switched off in both for that, as each draws its own; that it stands in the same places is compared with the layers.
What needs JAX or Keras (`pip install -c constraints.txt -e ".[bench]"`) runs where they are installed, and says what it covers.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mulligan.errors import UsageError
from mulligan.runs.folder import Run
from mulligan.testing.games import EAGER
from mulligan.training.compiling import stepper
from mulligan.training.session import Session
from mulligan.training.state import named
from mulligan.verbs import new_session

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STEPS = 3
DENSE = ("generator.network.widths=[16,24]", "discriminator.network.widths=[24,16]")
CONVOLUTIONAL = ("generator.network.width=2", "discriminator.network.width=3")
ANNEALED = (f"horizon={64 * STEPS * 2}",)  # half of the way in a few steps
# What is set for a test: nets that the recipe describes are small, so are what the plain loops make of it; the others are as published.
SETTINGS = {
    "dense-dropout": ("discriminator.network.dropout=0",),
    "shallow": (),
    "dense-batchnorm": (),
    "points": (),
    "dense-smooth": ("generator.network.dropout=0", "discriminator.network.dropout=0"),
    "modern-dense-28": (*DENSE, *ANNEALED),
    "modern-dense-32": (*DENSE, *ANNEALED),
    "modern-conv-28": (*CONVOLUTIONAL, *ANNEALED),
    "modern-conv-32": (*CONVOLUTIONAL, *ANNEALED),
}
PLAYERS = ("generator", "discriminator")


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a script of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture(params=SETTINGS)
def played(request: pytest.FixtureRequest, benchmarks: Any, tmp_path: Path) -> "Played":
    return Played(benchmarks("systems"), request.param, tmp_path)


class Played:
    """Some steps of Mulligan: the weights before and after, by player, and what each step was played with."""

    def __init__(self, systems: Any, system: str, folder: Path) -> None:
        self.system = systems.SYSTEMS[system]
        self.recipe, self.dataset = self.system.resolved(folder, (*EAGER, *SETTINGS[system]))
        self.images = systems.images_of(self.dataset)
        self.session = new_session(Run(folder / "run").prepare(), self.recipe, self.dataset)
        self.before = self.weights("parameters")
        self.given: list[list[Tensor]] = []
        self.figures: list[dict[str, float]] = []
        play = stepper(self.session.game, self.recipe)
        for _ in range(STEPS):
            batches, draws, knobs = self.session.inputs()
            self.given.append(_in_order(self.session, batches, draws))
            figures, finite = play(self.session.state, batches, draws, knobs)
            assert finite
            self.figures.append({name: float(value) for name, value in figures.items()})
            self.session.step += 1
        self.after = self.weights("parameters")

    def weights(self, part: str) -> dict[str, list[Tensor]]:
        """Tensors of that part of the state, in their order."""
        state = named(self.session.state)
        return {player: [t.clone() for name, t in state[player].items() if name.startswith(f"{part}/")] for player in PLAYERS}


def _in_order(session: Session, batches: Any, draws: Any) -> list[Tensor]:
    """Real samples and latents, turn by turn."""
    found = []
    for batch, drawn in zip(batches, draws, strict=True):
        found += [] if batch is None else [session.game.kind.encode(batch.target)]
        found += [drawn["z"]] if "z" in drawn else []
    return found


def assert_as_far(ours: list[Tensor], theirs: list[Tensor], start: list[Tensor], share: float = 0.02) -> None:
    """Both have come to the same place, up to a small share of the way from the start: Adam makes much of rounding."""
    assert [tuple(one.shape) for one in ours] == [tuple(other.shape) for other in theirs]
    ways = [(one - begun).norm() for one, begun in zip(ours, start, strict=True)]
    assert sum(way > 0 for way in ways) >= len(ways) - 1  # D's last bias does not matter where samples are compared in pairs
    apart = [(one - other).norm() for one, other in zip(ours, theirs, strict=True)]
    assert not [(float(distance), float(way)) for distance, way in zip(apart, ways, strict=True) if distance > share * way]


@pytest.mark.parametrize("fused", [False, True])
def test_plain_loop(played: Played, fused: bool) -> None:
    plain = played.system.plain(played.recipe, played.images, fused, "cpu")
    flattens = played.images is not None and played.system.recipe != "modern"
    for player in PLAYERS:
        network: nn.Module = getattr(plain, player)
        with torch.no_grad():
            for own, given in zip(network.parameters(), played.before[player], strict=True):
                own.copy_(given)
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    if plain.average is not None:
        plain.average.load_state_dict(plain.generator.state_dict())
    for given in played.given:
        real, *others = given
        plain.update(real.flatten(1) if flattens else real, *others)
    for player in PLAYERS:
        assert_as_far(played.after[player], [t.detach() for t in getattr(plain, player).parameters()], played.before[player])
    buffers = [t for name, t in plain.generator.named_buffers() if not name.endswith("num_batches_tracked")]
    torch.testing.assert_close(buffers, played.weights("buffers")["generator"], rtol=1e-3, atol=1e-5)
    averaged = played.weights("ema")["generator"]
    assert bool(averaged) == (plain.average is not None)
    if plain.average is not None:
        assert_as_far(averaged, list(plain.average.parameters()), played.before["generator"])


@pytest.mark.parametrize("system", SETTINGS)
def test_plain_loop_has_the_same_layers(benchmarks: Any, system: str, tmp_path: Path) -> None:
    """Dropout, which the test above switches off, stands in the same places with the same share."""
    known = benchmarks("systems").SYSTEMS[system]
    recipe, dataset = known.resolved(tmp_path, EAGER)
    plain = known.plain(recipe, benchmarks("systems").images_of(dataset), False, "cpu")
    for player in PLAYERS:
        ours = _layers(recipe.players[player].network.build(recipe.signature()))
        theirs = _layers(getattr(plain, player))
        if player == "discriminator" and theirs[-1] == "Sigmoid":
            theirs.pop()  # a loop of an introduction takes the cross-entropy of probabilities, Mulligan of logits
        assert theirs == ours


def _layers(network: nn.Module) -> list[str]:
    """Leaves of a network as words, but for those that only change shapes."""
    leaves = [leaf for leaf in network.modules() if not list(leaf.children())]
    words = [f"Dropout {leaf.p}" if isinstance(leaf, nn.Dropout) else type(leaf).__name__.removesuffix("1d") for leaf in leaves]
    return [word for word in words if word not in ("Flatten", "Unflatten")]


def test_recipe_that_the_loops_do_not_know_is_refused(benchmarks: Any, tmp_path: Path) -> None:
    system = benchmarks("systems").SYSTEMS["modern-dense-28"]
    for setting, strange in (
        ("augmentations.cutout.weight=0.5", "augmentations="),
        ("discriminator.network.spectral=true", "spectral=True"),
        ("penalties.one-centred.weight=1", "the penalty one-centred"),
        ("loss.name=hinge", "the loss hinge"),
    ):
        with pytest.raises(UsageError, match=strange):
            system.resolved(tmp_path, (setting,))


def test_jax(played: Played, benchmarks: Any) -> None:
    """All systems: weights and averages after some steps, and the loss of G. Not covered: dropout, and what JAX draws itself."""
    jax = pytest.importorskip("jax")
    jax_scan = benchmarks("jax_scan")
    recipe = json.loads(played.recipe.model_dump_json())
    g, d = jax_scan.nets(recipe, "float32")
    state = jax_scan.first_state(recipe, g, d, jax.random.key(0))
    for player, net in zip(PLAYERS, (g, d), strict=True):
        begun = _as_jax(net, played.before[player])
        own = getattr(state, player)
        own = own._replace(parameters=begun, average=None if own.average is None else begun)
        state = state._replace(**{player: own})
    update = jax.jit(lambda state, drawn: jax_scan.updated(recipe, g, d, state, drawn))
    for given, figures in zip(played.given, played.figures, strict=True):
        real, z, *others, z_g = (value.permute(0, 2, 3, 1).numpy() if value.ndim == 4 else value.numpy() for value in given)
        drawn = jax_scan.Drawn(real, z, others[0] if others else real, z_g, jax.random.split(jax.random.key(1), 6))
        state, told = update(state, drawn)
        assert float(told["loss of G"]) == pytest.approx(figures["generator.loss"], rel=1e-3)
    for player, net in zip(PLAYERS, (g, d), strict=True):
        parts = [("parameters", getattr(state, player).parameters)]
        if (average := getattr(state, player).average) is not None:
            parts.append(("ema", average))
        for part, layers in parts:
            assert_as_far(
                *(_in_a_row(each) for each in (_as_jax(net, played.weights(part)[player]), layers, _as_jax(net, played.before[player])))
            )


def _in_a_row(layers: Any) -> list[Tensor]:
    return [torch.from_numpy(np.array(layer[name])) for layer in layers for name in sorted(layer)]


def _as_jax(net: Any, tensors: list[Tensor]) -> list[dict[str, np.ndarray]]:
    """Weights as JAX has them: inputs before outputs, and channels last."""
    found, left = [], [tensor.numpy() for tensor in tensors]
    sizes = net.sizes()
    for place, size in enumerate(sizes):
        layer = {"weight": left.pop(0), "bias": left.pop(0)}
        layer["weight"] = layer["weight"].transpose(2, 3, 1, 0) if len(size) == 4 else layer["weight"].T
        if net.normalises and place < len(sizes) - 1:
            layer |= {"scale": left.pop(0), "offset": left.pop(0)}
        found.append(layer)
    side, channels = (net.sides()[-1], sizes[1][-2]) if net.convolutional and net.generates else (0, 0)
    if net.convolutional and not net.generates:
        side, channels = net.sides()[-1], sizes[-2][-1]
    if not net.convolutional and len(net.shape) == 3:
        side, channels = net.shape[0], net.shape[2]
    order = np.arange(channels * side * side).reshape(channels, side, side).transpose(1, 2, 0).flatten()
    if len(order):
        if net.generates:
            edge = found[0] if net.convolutional else found[-1]
            edge |= {"weight": edge["weight"][:, order], "bias": edge["bias"][order]}
        else:
            edge = found[-1] if net.convolutional else found[0]
            edge |= {"weight": edge["weight"][order]}
    return found


def test_jax_draws_what_the_recipe_says(benchmarks: Any, tmp_path: Path) -> None:
    """What the test above leaves out: samples and latents of the right numbers, and dropout of the right share that is off in inference."""
    jax = pytest.importorskip("jax")
    jax_scan, jax_nets = benchmarks("jax_scan"), benchmarks("jax_nets")
    systems = benchmarks("systems")
    recipe, dataset = systems.SYSTEMS["dense-smooth"].resolved(tmp_path)
    described = json.loads(recipe.model_dump_json())
    images = jax.numpy.asarray(systems.images_of(dataset).transpose(0, 2, 3, 1))
    drawn = jax_scan.drawn(described, images, jax.random.key(0))
    assert drawn.real.shape == (64, 28, 28, 1)
    assert (float(drawn.real.min()), float(drawn.real.max())) == (-1.0, 1.0)
    assert drawn.z.shape == drawn.z_g.shape == (64, 100)
    assert -1 <= float(drawn.z.min()) < -0.9
    assert 0.9 < float(drawn.z.max()) <= 1
    assert not (drawn.z == drawn.z_g).any()
    g, _ = jax_scan.nets(described, "float32")
    h = jax.numpy.ones((1000, 20))
    dropped = jax_nets._dropped(g, h, jax.random.key(0))
    assert float((dropped == 0).mean()) == pytest.approx(0.3, abs=0.02)
    assert float(dropped.mean()) == pytest.approx(1.0, abs=0.02)
    parameters, moving = jax_nets.begun(g, jax.random.key(0))
    one, other = (jax_nets.applied(g, parameters, moving, drawn.z, jax.random.key(n), inference=True)[0] for n in range(2))
    assert (one == other).all()


@pytest.mark.filterwarnings("default")
def test_keras_original(benchmarks: Any, tmp_path: Path) -> None:
    """`dense-dropout` with its dropout switched off: losses and accuracies of some steps, and that each call moves its own network alone.

    Not compared: the weights, since Keras adds its epsilon in another place.
    """
    pytest.importorskip("tensorflow")
    pytest.importorskip("keras")
    keras_original = benchmarks("keras_original")
    played = Played(benchmarks("systems"), "dense-dropout", tmp_path)
    original = keras_original.models(dropout=0.0)
    for player in PLAYERS:
        weights = [tensor.numpy().T for tensor in played.before[player]]
        getattr(original, player).set_weights(weights)
    for given, figures in zip(played.given, played.figures, strict=True):
        real, z, z_g = (tensor.numpy() for tensor in given)
        told = keras_original.updated(original, real.transpose(0, 2, 3, 1), z, z_g, on_batch=True)
        for side in ("real", "fake"):
            assert told[f"loss on {side}"] == pytest.approx(figures[f"discriminator.loss.{side}"], rel=5e-3)
            assert told[f"accuracy on {side}"] == pytest.approx(figures[f"discriminator.accuracy.{side}"], abs=1 / 64)
        assert told["loss of G"] == pytest.approx(figures["generator.loss"], rel=5e-3)
    assert played.figures[0]["generator.loss"] != pytest.approx(played.figures[-1]["generator.loss"], rel=2e-2)  # so the losses tell apart
