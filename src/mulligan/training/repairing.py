"""repair=on: what a finding's remedy means for a recipe, and when it is applied. Nothing is measured here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mulligan.diagnostics.diagnosis import HEALTHY, WARMING_UP
from mulligan.diagnostics.finding import Diagnosis, Finding
from mulligan.recipe import Ema, Recipe

MOST = 3  # repairs of a run
PROBES = 3  # reports in a row at which a finding must have held
SIGNALS = 2  # independent signals that must agree about it
WEIGHT = 1.0  # of the zero-centred penalties, where a recipe has none
PROBABILITY = 0.5  # of an augmentation, where a recipe has none
ZERO_CENTRED = ("zero-centred-real", "zero-centred-fake")
SHIFT = "translation"  # the augmentation that any images bear


class Repaired(NamedTuple):
    """A recipe with a remedy applied: its changes as dotted keys with their new values."""

    recipe: Recipe
    changes: dict[str, Any]


def due(lines: Sequence[Mapping[str, Any]], diagnosis: Diagnosis) -> Finding | None:
    """The gravest finding that two signals agree about and that has held over three probes; None if there is none.

    lines: the history with this report's line as the last. A finding's `since_step` is the first report of those at which it held
    without a break.
    """
    steps = [line["step"] for line in lines]
    for finding in diagnosis.findings:
        held = [step for step in steps if finding.since_step is not None and step >= finding.since_step]
        if finding.name not in (HEALTHY, WARMING_UP) and len(finding.signals) >= SIGNALS and len(held) >= PROBES:
            return finding
    return None


def is_good(diagnosis: Diagnosis) -> bool:
    """Whether a state may be gone back to."""
    return diagnosis.verdict in (HEALTHY, WARMING_UP)


def apply(recipe: Recipe, change: Mapping[str, Any]) -> Repaired | None:
    """The recipe with the change that a finding names; None where nothing of it can be applied to a run that has begun.

    change: what to change -> a factor, or a value: `rate` (of all players), `generator.rate`, `discriminator.rate`, `penalty` (the
    zero-centred ones are added where there is none), `ema` (half-life), `augmentation`. Others need other networks, and so a new run.
    """
    values = recipe.model_dump(mode="json")
    changes: dict[str, Any] = {}
    for what, factor in change.items():
        for key, value in _changed(recipe, what, factor).items():
            changes[key] = value
            place = values
            *path, last = key.split(".")
            for part in path:
                place = place.setdefault(part, {})
            place[last] = value
    return Repaired(Recipe.model_validate(values), changes) if changes else None


def _changed(recipe: Recipe, what: str, factor: Any) -> dict[str, Any]:
    """Dotted keys and values of one change."""
    if not isinstance(factor, int | float):
        return {}
    if what == "rate" or what.endswith(".rate"):
        player = what.rpartition(".")[0]
        moving = {name: made.optimiser for name, made in recipe.players.items() if made.optimiser is not None and player in ("", name)}
        return {f"players.{name}.optimiser.rate": optimiser.rate * factor for name, optimiser in moving.items()}
    if what == "penalty" and "discriminator" in recipe.players:
        present = {name: penalty for name, penalty in recipe.penalties.items() if name != "weight-clipping"}
        if present:
            return {f"penalties.{name}.weight": penalty.weight * factor for name, penalty in present.items()}
        return {f"penalties.{name}.weight": WEIGHT for name in ZERO_CENTRED}
    if what == "ema":
        averaged: dict[str, Ema] = {name: made.ema for name, made in recipe.players.items() if made.ema is not None}
        return {f"players.{name}.ema.share": min(ema.share * factor, 1.0) for name, ema in averaged.items()}
    if what == "augmentation" and recipe.data.kind == "image":
        present_views = recipe.augmentations
        if present_views:
            return {f"augmentations.{name}.weight": min(view.weight * factor, 1.0) for name, view in present_views.items()}
        return {f"augmentations.{SHIFT}.weight": PROBABILITY}
    return {}
