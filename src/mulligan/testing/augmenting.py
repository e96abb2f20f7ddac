"""Check of augmentations."""

from typing import Any

import torch
from torch import Tensor

from mulligan import find
from mulligan.testing.demand import demand, differences, found, tensor, title
from mulligan.training.game import Draw

SHAPES = ((1, 8, 8), (3, 9, 9), (2,))
DISTRIBUTIONS = ("normal", "uniform", "unit")
COUNT = 6


def check_augmentation(thing: Any) -> None:
    """Check an augmentation.

    Its attributes are there; at strength 0 it changes nothing, bit by bit, and at full strength something; it is pure, keeps shape and
    type, changes each sample by that sample's own numbers alone, has the right gradient with respect to the samples (also once more
    differentiated), and reads its strength from a tensor, which may differ between games that are played side by side.

    thing: a name, or a namespace as `mulligan.augmentations` describes it. Raises AssertionError, UsageError for what is missing.

    >>> check_augmentation("cutout")
    """
    augmentation = found("augmentations", thing)
    name = title(augmentation)
    needs_image = find.attribute(augmentation, "needs_image")
    demand(isinstance(needs_image, bool), f"{name}.needs_image is {needs_image!r}: expected True or False")
    most = find.attribute(augmentation, "most")
    demand(most is None or (isinstance(most, float) and most > 0), f"{name}.most is {most!r}: expected a positive number, or None")
    for shape in SHAPES:
        if len(shape) == 3 or not needs_image:
            _check_shape(f"{name} for {shape}", augmentation, shape, most or 0.5)


def _check_shape(name: str, augmentation: Any, shape: tuple[int, ...], full: float) -> None:
    wanted = find.attribute(augmentation, "draws")(shape)
    for key, draw in wanted.items():
        demand(isinstance(key, str) and key.isidentifier(), f"{name}: draws something called {key!r}")
        demand(draw[0] in DISTRIBUTIONS, f"{name}: draws from {draw[0]!r}: expected one of {', '.join(DISTRIBUTIONS)}")
    augment = find.attribute(augmentation, "augment")
    generator = torch.Generator().manual_seed(0)
    samples = torch.rand((COUNT, *shape), generator=generator, dtype=torch.float64) + 0.5
    drawn = {key: Draw(*draw).make(COUNT, generator).double() for key, draw in wanted.items()}
    before = {key: numbers.clone() for key, numbers in {"samples": samples, **drawn}.items()}
    strength = torch.tensor(full, dtype=torch.float64)

    def changed(x: Tensor) -> Tensor:
        result: Tensor = augment(x, {key: numbers[: len(x)] for key, numbers in drawn.items()}, strength)
        return result

    result = tensor(name, changed(samples))
    demand(result.shape == samples.shape, f"{name}: gave {tuple(result.shape)} for {tuple(samples.shape)}")
    demand(result.dtype == samples.dtype, f"{name}: gave {result.dtype} for {samples.dtype}")
    demand(all(torch.equal(before[key], now) for key, now in {"samples": samples, **drawn}.items()), f"{name}: changed its argument")
    demand(torch.equal(augment(samples, drawn, torch.zeros_like(strength)), samples), f"{name}: at strength 0 it changes samples")
    demand(not torch.equal(result, samples), f"{name}: at strength {full:g} it changes nothing")
    demand(torch.equal(changed(samples), result), f"{name}: gave another result for the same numbers")
    demand(torch.allclose(changed(samples[:4]), result[:4]), f"{name}: a sample depends on the samples beside it")
    _check_gradients(name, changed, samples)
    strengths = torch.stack([torch.zeros_like(strength), strength])
    try:
        mapped = torch.vmap(lambda s: augment(samples, drawn, s))(strengths)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise AssertionError(f"{name}: its strength has to be read from a tensor, without looking at its value: {reason}") from error
    demand(torch.allclose(mapped, torch.stack([samples, result])), f"{name}: two strengths side by side give other results than one by one")


def _check_gradients(name: str, changed: Any, samples: Tensor) -> None:
    def total(x: Tensor) -> Tensor:
        value: Tensor = changed(x).square().sum()
        return value

    slope = torch.func.grad(total)(samples)
    expected = differences(lambda x: changed(x).square(), samples)
    demand(torch.allclose(slope, expected, atol=1e-5), f"{name}: its gradient is not its slope")
    demand(bool((slope != 0).any()), f"{name}: nothing comes back through it")
    bend = torch.func.grad(lambda x: torch.func.grad(total)(x).square().sum())(samples)
    demand(bool(bend.isfinite().all() and (bend != 0).any()), f"{name}: a gradient penalty cannot be taken through it")
