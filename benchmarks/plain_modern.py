"""`modern` as a plain PyTorch loop: pairing loss, both zero-centred penalties by autograd's double backward, an average of G's weights.

The numbers (widths, rates, gamma, betas, half-life) come from the resolved recipe, the code shares nothing with Mulligan. Where papers'
own loops differ, this takes the cheaper way: D's opinion serves the loss and its penalty alike, and only D's weights get gradients.
"""

import copy
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from plain import Plain, set_trainable, shuffled
from torch import Tensor, nn
from torch.nn.functional import softplus

from mulligan.errors import UsageError
from mulligan.recipe import Adam, Ema, Network, Recipe

OUTPUTS: dict[str, Callable[[], nn.Module]] = {"symmetric": nn.Tanh, "unit": nn.Sigmoid}
SMALLEST = 8  # side of the smallest map of a convolutional net


def modern(recipe: Recipe, images: np.ndarray, fused: bool = False, device: str = "cpu") -> Plain:
    """Two updates: D on real and fake with both penalties, then G against other real samples. images: uint8 (N, C, H, W)."""
    generator, discriminator = recipe.players["generator"], recipe.players["discriminator"]
    if recipe.loss.name != "pairing" or any(
        player.network.model_dump().get("normalisation", "none") != "none" for player in (generator, discriminator)
    ):
        raise UsageError(f"{recipe.name}: this loop has the pairing loss and no normalisation", "Teach it to benchmarks/plain_modern.py")
    assert generator.optimiser is not None
    assert discriminator.optimiser is not None
    shape = images.shape[1:]
    g = nets(generator.network, recipe.latent.size, shape, OUTPUTS[recipe.scaling]()).to(device)
    d = nets(discriminator.network, recipe.latent.size, shape, None).to(device)
    average = copy.deepcopy(g).requires_grad_(False) if generator.ema else None
    adam_g, adam_d = adam(g, generator.optimiser, fused), adam(d, discriminator.optimiser, fused)
    x = torch.from_numpy(images).to(device).float()
    batches = shuffled(x / 127.5 - 1 if recipe.scaling == "symmetric" else x / 255, recipe.batch)
    seen = 0

    def step() -> dict[str, float]:
        z, z_g = torch.randn(2, recipe.batch, recipe.latent.size, device=device)
        return update(next(batches), z, next(batches), z_g)

    def update(real: Tensor, z: Tensor, real_g: Tensor, z_g: Tensor) -> dict[str, float]:
        nonlocal seen
        progress = seen / recipe.horizon
        gammas = {name: penalty.weight * falling(progress, penalty.final, penalty.falling) for name, penalty in recipe.penalties.items()}
        for optimiser, settings in ((adam_g, generator.optimiser), (adam_d, discriminator.optimiser)):
            assert settings is not None
            for group in optimiser.param_groups:
                group["lr"] = settings.rate * falling(progress, settings.final)

        set_trainable(d, True)
        adam_d.zero_grad()
        with torch.no_grad():
            fake = g(z)
        real, fake = real.detach().requires_grad_(), fake.requires_grad_()
        judged_real, judged_fake = d(real), d(fake)
        loss_d = softplus(judged_fake - judged_real).mean()
        for name, judged, sample in (("zero-centred-real", judged_real, real), ("zero-centred-fake", judged_fake, fake)):
            if name in gammas:
                (slope,) = torch.autograd.grad(judged.sum(), sample, create_graph=True)
                loss_d = loss_d + gammas[name] / 2 * slope.square().flatten(1).sum(1).mean()
        loss_d.backward(inputs=list(d.parameters()))
        adam_d.step()

        set_trainable(d, False)
        adam_g.zero_grad()
        loss_g = softplus(d(real_g) - d(g(z_g))).mean()
        loss_g.backward()
        adam_g.step()
        seen += len(real)
        if average is not None and generator.ema is not None:
            keep = decay(generator.ema, seen, len(real))
            with torch.no_grad():
                for mean, weight in zip(average.parameters(), g.parameters(), strict=True):
                    mean.lerp_(weight, 1 - keep)
        pairs = (judged_real > judged_fake).float().mean().item()
        return {"loss of D": loss_d.item(), "loss of G": loss_g.item(), "pairs ranked rightly": pairs}

    return Plain(g, d, step, update, average)


def adam(network: nn.Module, settings: Adam, fused: bool) -> torch.optim.Adam:
    """The optimiser of a network."""
    betas = (settings.beta1, settings.beta2)
    return torch.optim.Adam(network.parameters(), lr=settings.rate, betas=betas, eps=settings.epsilon, fused=fused)


def falling(progress: float, final: float, how: str = "cosine") -> float:
    """From 1 to `final` over a progress from 0 to 1."""
    if how == "geometric":
        return final ** min(progress, 1.0)
    return final + (1 - final) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def decay(ema: Ema, images: int, shown: int) -> float:
    """What an average keeps at a step: its half-life is a share of the images so far."""
    half_life = ema.share * images if ema.half_life is None else min(ema.share * images, ema.half_life)
    return 0.5 ** (shown / half_life)


def nets(network: Network, latent: int, shape: tuple[int, ...], output: nn.Module | None) -> nn.Sequential:
    """A network as the recipe describes it, of plain modules. output: what bounds a generator's samples; absent for a discriminator."""
    described = network.model_dump()
    of_this_kind = {"mlp": dense, "conv": convolutional}[network.name]
    layers = of_this_kind(described, latent, shape, output is not None)
    return nn.Sequential(*layers, output) if output is not None else nn.Sequential(*layers, nn.Flatten(0))


def dense(described: dict, latent: int, shape: tuple[int, ...], generates: bool) -> list[nn.Module]:
    """Fully connected layers."""
    sizes = [latent if generates else math.prod(shape), *described["widths"]]
    layers: list[nn.Module] = [] if generates else [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers += [scaled(nn.Linear(inputs, outputs)), nn.ReLU() if described["activation"] == "relu" else nn.LeakyReLU(described["slope"])]
        if described["dropout"]:
            layers.append(nn.Dropout(described["dropout"]))
    if not generates:
        return [*layers, nn.Linear(sizes[-1], 1)]
    return [*layers, nn.Linear(sizes[-1], math.prod(shape)), nn.Unflatten(1, shape)]


def convolutional(described: dict, latent: int, shape: tuple[int, ...], generates: bool) -> list[nn.Module]:
    """3x3 convolutions on maps that are halved until at most 8 wide (D), or doubled from there (G)."""
    sides = [shape[1]]
    while sides[-1] > SMALLEST:
        sides.append((sides[-1] + 1) // 2)
    widths = [min(described["width"] * 2**place, described["largest"]) for place in range(len(sides))]
    if generates:
        start = (widths[-1], sides[-1], sides[-1])
        layers = [scaled(nn.Linear(latent, math.prod(start))), nn.Unflatten(1, start), nn.LeakyReLU(described["slope"])]
        for inputs, outputs in zip(widths[::-1], widths[-2::-1], strict=False):
            layers.append(nn.Upsample(scale_factor=2, mode=described["resampling"]))
            layers += [scaled(nn.Conv2d(inputs, outputs, 3, padding=1)), nn.LeakyReLU(described["slope"])]
        return [*layers, nn.Conv2d(widths[0], shape[0], 3, padding=1)]
    layers = []
    for place, (inputs, outputs) in enumerate(zip([shape[0], *widths], widths, strict=False)):
        layers += [scaled(nn.Conv2d(inputs, outputs, 3, stride=2 if place else 1, padding=1)), nn.LeakyReLU(described["slope"])]
        if described["dropout"] and place:
            layers.append(nn.Dropout(described["dropout"]))
    return [*layers, nn.Flatten(), nn.Linear(widths[-1] * sides[-1] ** 2, 1)]


def scaled(layer: nn.Linear | nn.Conv2d) -> nn.Linear | nn.Conv2d:
    """A layer with the first weights of He et al. 2015 and biases of zero."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
