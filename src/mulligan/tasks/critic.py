"""What games with a discriminator share: its penalties, how its scores are read, and the turns it takes."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from mulligan import find
from mulligan.errors import UsageError
from mulligan.penalties.slope import Noted
from mulligan.recipe import Recipe
from mulligan.training.game import Tensors


class Sided(Protocol):
    """A critic that is told which side samples are taken for."""

    def __call__(self, samples: Tensor, side: str) -> Tensor:
        """Logits (N,) of samples (N, ...)."""


def scores(loss: Any, d_real: Tensor | None, d_fake: Tensor | None) -> Tensors:
    """Figures of D's logits: scores as the loss reads them, accuracies where a sign means a verdict, pairs where both are there."""
    figures: Tensors = {}
    for side, logits, right in (("real", d_real, 1.0), ("fake", d_fake, -1.0)):
        if logits is None:
            continue
        logits = logits.detach().float()
        read = torch.sigmoid(logits) if loss.reading == "probability" else logits
        figures[f"discriminator.score.{side}"] = read.mean()
        if loss.reading in ("probability", "raw"):
            middle = 0.0 if loss.reading == "probability" else 0.5
            figures[f"discriminator.accuracy.{side}"] = ((logits - middle) * right > 0).float().mean()
    if d_real is not None and d_fake is not None:
        if loss.reading == "difference":
            figures["discriminator.difference"] = (d_real.detach().float().mean() - d_fake.detach().float().mean()).reshape(())
        if loss.reading == "pairs":
            figures["discriminator.pairs"] = (d_real.detach() > d_fake.detach()).float().mean()
    return figures


def penalties_of(recipe: Recipe) -> dict[str, Any]:
    """The penalties on D that are terms of its objective, by name."""
    found = {name: find.load("penalties", name) for name in recipe.penalties}
    return {name: penalty for name, penalty in found.items() if penalty.sees}


def constraint_of(recipe: Recipe) -> Callable[[Tensors, Tensors], Tensors] | None:
    """The constraint on D's weights, or None; more than one is refused."""
    constraints = [(name, find.load("penalties", name)) for name in recipe.penalties]
    constraints = [(name, thing) for name, thing in constraints if not thing.sees]
    if not constraints:
        return None
    if len(constraints) > 1:
        raise UsageError(
            f"penalties {', '.join(name for name, _ in constraints)}: one constraint on the weights is enough", "Drop the others"
        )
    name, thing = constraints[0]

    def constraint(parameters: Tensors, knobs: Tensors) -> Tensors:
        constrained: Tensors = thing.constraint(parameters, knobs[f"penalty.{name}"])
        return constrained

    return constraint


def penalty_terms(
    penalties: dict[str, Any],
    shares: Mapping[str, float],
    critic: Sided,
    real: Tensor | None,
    fake: Tensor | None,
    draws: Tensors,
    knobs: Tensors,
) -> tuple[Tensors, Tensors]:
    """Weighted penalties by name, one number for each sample that they are taken at: those penalties that see what is there.

    Beside them by side the logits of all its samples, where a penalty took the slope at all of them: D need not judge those again.

    shares: of the samples that each is taken at, the first ones, whose order in a batch is random; 1 where absent.
    critic: the first samples of a batch and the side that they are taken for, real or fake -> their logits. What lies between the two
    sides counts as real.
    """
    present = {side: samples for side, samples in (("real", real), ("fake", fake)) if samples is not None}
    critics = {side: Noted(partial(critic, side=side)) for side in present}
    terms = {}
    for name, penalty in penalties.items():
        if set(penalty.sees) <= present.keys():
            side = "real" if "real" in penalty.sees else "fake"
            count = max(1, round(shares.get(name, 1.0) * len(present[side])))
            few = {side: samples if count == len(samples) else samples[:count] for side, samples in present.items()}
            mix = draws.get(f"mix.{name}")
            mix = mix if mix is None else mix[:count]  # of packs, too, there are fewer than of samples
            found = penalty.penalty(critics[side], few.get("real"), few.get("fake"), mix)
            terms[f"discriminator.penalty.{name}"] = knobs[f"penalty.{name}"] * found
    said = {side: critics[side].said_of(samples) for side, samples in present.items()}
    return terms, {side: logits for side, logits in said.items() if logits is not None}
