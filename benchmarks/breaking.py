"""Ways to break a training on purpose, each at several strengths: what the doctor is measured by.

A fault is either a set of settings, which hold from the beginning, or something that is done to a session before each step from an
onset on. Sessions whose state is a row of a stack (`training/together.py`) are broken in the same way, because everything here writes
in place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from mulligan.data.dataset import Dataset, Endless, Split
from mulligan.recipe import Recipe
from mulligan.training.session import Session

Act = Callable[[Session, float], None]  # (session, strength), before a step
Change = Callable[[Dataset, float], Dataset]


@dataclass(frozen=True)
class Fault:
    """One way to break a training.

    named: verdicts that name it rightly. settings: by the recipe as it is and strength. act: done before each step from the onset on.
    change: what is done to the training data before the start; the doctor is given the whole. tuned: whether thresholds were chosen by
    it.
    """

    name: str
    named: tuple[str, ...]
    strengths: tuple[float, ...]
    tuned: bool
    settings: Callable[[Recipe, float], Mapping[str, Any]] = lambda recipe, strength: {}
    act: Act | None = None
    change: Change | None = None
    onset: float = 0.0
    images_only: bool = False


def _rates(recipe: Recipe, generator: float, discriminator: float) -> dict[str, Any]:
    """The rates of a recipe, each times a factor."""
    factors = {"generator": generator, "discriminator": discriminator}
    own = {name: recipe.players[name].optimiser for name in factors}
    return {f"{name}.optimiser.rate": optimiser.rate * factors[name] for name, optimiser in own.items() if optimiser is not None}


def _penalties(recipe: Recipe, factor: float) -> dict[str, Any]:
    """The weights of a recipe's penalties, each times a factor."""
    return {f"penalties.{name}.weight": penalty.weight * factor for name, penalty in recipe.penalties.items()}


def constant_generator(session: Session, strength: float) -> None:
    """G ignores its latent: all weights that it meets first are zero, by degrees (1: altogether).

    In a G with a mixture these are the means of its components: the spread within them stays, so that G is a single component, which may
    learn again to reach the data.
    """
    _first_weights(session, lambda weights: weights.mul_(1 - strength))


def drifting(session: Session, strength: float) -> None:
    """G's weights move a little further in one fixed direction at each step."""
    player = session.state["generator"]
    direction = torch.randn(player.parameters.shape, generator=torch.Generator().manual_seed(1))
    step = strength * player.parameters.norm() / direction.norm() * direction
    player.parameters += step
    if player.ema is not None:
        player.ema += step


def poisoned(session: Session, strength: float) -> None:
    """Numbers of D become not finite: one weight in so many."""
    player = session.state["discriminator"]
    player.parameters[:: max(int(1 / strength), 1)] = torch.nan


def frozen_discriminator(session: Session, strength: float) -> None:
    """D forgets what it learnt: its weights shrink at each step."""
    session.state["discriminator"].parameters.mul_(1 - strength)


def shaken(session: Session, strength: float) -> None:
    """G's weights are knocked back and forth by noise."""
    player = session.state["generator"]
    generator = torch.Generator().manual_seed(session.step // 20)
    noise = torch.randn(player.parameters.shape, generator=generator)
    player.parameters += strength * player.parameters.norm() / noise.norm() * noise
    if player.ema is not None:
        player.ema.copy_(player.parameters)


def lost_kinds(session: Session, strength: float) -> None:
    """From now on the training data lack a share of their kinds: classes of images, a side of the plane for points."""
    source = session.source
    if isinstance(source.split, Endless):
        if getattr(source, "_narrowed", False):
            return
        source.split = Endless(_without_side(source.split, strength))
        source._narrowed = True  # type: ignore[attr-defined]  # noted on the one object that is narrowed once
        return
    assert source._target is not None
    label = source.split.label
    assert label is not None
    kept = torch.from_numpy(label >= round(strength * 10))
    if len(kept) == len(source._target):
        source._target = source._target[kept]
        source._permutations.clear()


def _without_side(split: Endless, strength: float) -> Callable[[int, np.random.Generator], np.ndarray]:
    def draw(count: int, generator: np.random.Generator) -> np.ndarray:
        rows = split.draw(8 * count, generator)
        turn = np.arctan2(rows[:, 1], rows[:, 0]) / (2 * np.pi) + 0.5
        kept: np.ndarray = rows[turn >= strength][:count]
        return kept

    return draw


def few_images(dataset: Dataset, strength: float) -> Dataset:
    """Only so many training samples are left."""
    assert isinstance(dataset.train, Split)
    count = int(strength)
    label = None if dataset.train.label is None else dataset.train.label[:count]
    return replace(dataset, train=Split(dataset.train.target[:count], label))


FAULTS = (
    Fault(
        "rates too high",
        ("diverged", "oscillating", "mode-collapse", "discriminator-wins", "generator-wins"),
        (10, 30, 100),
        True,
        lambda recipe, s: _rates(recipe, s, s),
    ),
    Fault(
        "D far too strong",
        ("discriminator-wins", "mode-collapse", "mode-dropping"),
        (10, 30),
        True,
        lambda recipe, s: {**_penalties(recipe, 1e-7), **_rates(recipe, 1 / s, s)},
    ),
    Fault("penalty far too strong", ("generator-wins", "mode-collapse", "mode-dropping"), (100, 1000), True, _penalties),
    Fault("G constant", ("mode-collapse",), (0.2, 1.0), True, act=constant_generator, onset=0.5),
    Fault("few images", ("memorising", "overfitting-discriminator", "mode-dropping"), (20, 50), True, change=few_images, images_only=True),
    Fault(
        "D forgets", ("generator-wins", "mode-collapse", "diverged", "oscillating"), (0.02, 0.2), True, act=frozen_discriminator, onset=0.5
    ),
    Fault(
        "D far too weak",
        ("generator-wins", "mode-collapse", "mode-dropping"),
        (0.01, 0.001),
        False,
        lambda recipe, s: _rates(recipe, 1.0, s),
    ),
    Fault("kinds lost", ("mode-dropping",), (0.3, 0.5), True, act=lost_kinds, onset=0.4),
    Fault("noise off", ("mode-collapse",), (0.9, 1.0), False, act=constant_generator, onset=0.1),
    Fault("numbers not finite", ("diverged",), (0.001, 1.0), False, act=poisoned, onset=0.3),
    Fault(
        "slow drift",
        ("diverged", "oscillating", "mode-collapse", "mode-dropping", "discriminator-wins"),
        (0.002, 0.01),
        False,
        act=drifting,
        onset=0.4,
    ),
    Fault("G shaken", ("oscillating", "diverged", "mode-collapse", "discriminator-wins"), (0.05, 0.2), False, act=shaken, onset=0.5),
    Fault(
        "no penalty",
        ("oscillating", "mode-collapse", "mode-dropping", "discriminator-wins", "diverged"),
        (1.0, 4.0),
        False,
        lambda recipe, s: {**_penalties(recipe, 1e-7), **_rates(recipe, s, s)},
    ),
)


def _first_weights(session: Session, act: Callable[[torch.Tensor], object]) -> None:
    """Act on the weights of G that multiply the latent: the first matrix of its parameters, also in its average."""
    player = session.state["generator"]
    for flat in (player.parameters, player.ema):
        if flat is not None:
            act(next(view for view in player.layout.views(flat).values() if view.ndim >= 2))
