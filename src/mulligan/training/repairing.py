"""repair=on: what a finding's remedy means for a recipe, and when it is applied. Nothing is measured here."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from mulligan.diagnostics.diagnosis import HEALTHY, WARMING_UP
from mulligan.diagnostics.finding import Diagnosis, Finding
from mulligan.recipe import Ema, Recipe
from mulligan.training.controls import Repair

MOST = 3  # repairs of a run
PROBES = 3  # reports in a row at which a finding must have held
SIGNALS = 2  # independent signals that must agree about it
WEIGHT = 1.0  # of the zero-centred penalties, where a recipe has none
PROBABILITY = 0.5  # of an augmentation, where a recipe has none
ZERO_CENTRED = ("zero-centred-real", "zero-centred-fake")
SHIFT = "translation"  # the augmentation that any images bear


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


def good_steps(before: tuple[int, ...], step: int) -> tuple[int, ...]:
    """The steps whose checkpoints are kept to go back to, with one more: the first, and enough to reach beyond the reports of a fault.

    >>> good_steps((0, 2, 3, 4, 5), 6)
    (0, 3, 4, 5, 6)
    """
    known = (*(known for known in before if known < step), step)
    return known if len(known) <= PROBES + 2 else (known[0], *known[-(PROBES + 1) :])


def in_vain(repairs: Sequence[Repair], since: int) -> list[Repair]:
    """The repairs that were of no use, newest first: a fault holds again since no later step than it was found at before.

    >>> one = Repair(verdict="mode-collapse", evidence="", failed=40, back_to=10, changes={})
    >>> len(in_vain([one, one], since=30)), len(in_vain([one, one], since=50))
    (2, 0)
    """
    return list(takewhile(lambda repair: since <= repair.failed, reversed(repairs)))


def last_good(steps: Sequence[int], since: int, vain: int = 0) -> int | None:
    """Where to go back to: the newest good step before a fault began, after repairs in vain as many further back; or the oldest there is.

    >>> last_good((2, 3, 4, 5), since=4), last_good((2, 3), since=1), last_good((2, 3, 4, 5), since=4, vain=1)
    (3, 2, 2)
    """
    before = sorted(step for step in steps if step < since)
    return before[-1 - vain] if len(before) > vain else min(steps, default=None)


def remedied(recipe: Recipe, change: Mapping[str, Any], power: int = 1) -> dict[str, Any]:
    """What a finding's change means for this recipe: dotted keys with their new values; empty where a run that has begun cannot take it.

    change: what to change -> a factor, or a value: `rate` (of all players), `generator.rate`, `discriminator.rate`, `penalty` (the
    zero-centred ones are added where there is none), `ema` (half-life), `augmentation`. Others need other networks, and so a new run.
    power: how often each factor is applied, more often after repairs of the same in vain.

    >>> from mulligan.recipes.modern import modern
    >>> from mulligan.recipe import Data
    >>> recipe = modern(Data(source="digits", kind="image", shape=(1, 28, 28)))
    >>> remedied(recipe, {"penalty": 3.0})["penalties.zero-centred-real.weight"]
    30.0
    """
    factors = {what: value**power if isinstance(value, int | float) else value for what, value in change.items()}
    return {key: value for what, factor in factors.items() for key, value in _meant(recipe, what, factor).items()}


def changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe with dotted keys set; parts that are not there yet (a penalty) begin with their defaults."""
    if not changes:
        return recipe
    values = recipe.model_dump(mode="json")
    for key, value in changes.items():
        place = values
        *path, last = key.split(".")
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return Recipe.model_validate(values)


def adds(recipe: Recipe, changes: Mapping[str, Any]) -> bool:
    """Whether changes make another game of it, and not only other strengths."""
    return makeup(changed(recipe, changes)) != makeup(recipe)


def makeup(recipe: Recipe) -> tuple[frozenset[str], frozenset[str]]:
    """What a game is made of and a repair may add to: names of penalties and of augmentations. Their strengths are knobs."""
    return frozenset(recipe.penalties), frozenset(recipe.augmentations)


def _meant(recipe: Recipe, what: str, factor: Any) -> dict[str, Any]:
    """Dotted keys and values of one change."""
    if what == "augmentation" and recipe.data.kind == "image" and not recipe.augmentations:
        return {f"augmentations.{SHIFT}.weight": PROBABILITY}
    if not isinstance(factor, int | float):
        return {}
    if what == "rate" or what.endswith(".rate"):
        player = what.rpartition(".")[0]
        moving = {name: made.optimiser for name, made in recipe.players.items() if made.optimiser is not None and player in ("", name)}
        return {f"players.{name}.optimiser.rate": optimiser.rate * factor for name, optimiser in moving.items()}
    if what == "penalty" and "discriminator" in recipe.players:
        # Next to nothing, tripled, is nothing. Points have scales of their own.
        least = WEIGHT if factor > 1 and recipe.data.kind == "image" else 0.0
        present = {name: penalty for name, penalty in recipe.penalties.items() if name != "weight-clipping"}
        if present:
            return {f"penalties.{name}.weight": max(penalty.weight * factor, least) for name, penalty in present.items()}
        return {f"penalties.{name}.weight": WEIGHT for name in ZERO_CENTRED} if factor > 1 else {}
    if what == "ema":
        averaged: dict[str, Ema] = {name: made.ema for name, made in recipe.players.items() if made.ema is not None}
        return {f"players.{name}.ema.share": min(ema.share * factor, 1.0) for name, ema in averaged.items()}
    if what == "augmentation":
        return {f"augmentations.{name}.weight": min(view.weight * factor, 1.0) for name, view in recipe.augmentations.items()}
    return {}
