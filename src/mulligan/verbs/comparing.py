"""Compare: score cards of several runs under one protocol, and a picture of them side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mulligan.errors import CheckpointError, UsageError
from mulligan.metrics.figures import ScoreCard
from mulligan.runs import comparison, facts
from mulligan.runs.folder import Run
from mulligan.runs.writing import write_bytes
from mulligan.verbs.evaluating import evaluate
from mulligan.verbs.opening import recorded_figures


@dataclass(frozen=True)
class Compared:
    """One run of a comparison: what it is, how long it trained, its score card."""

    run: Path
    recipe: str
    data: str
    images: int
    seconds: float
    card: ScoreCard

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        told = {"run": str(self.run), "recipe": self.recipe, "data": self.data, "images": self.images, "seconds": self.seconds}
        return {**told, **self.card.as_dict()}


def compare(targets: Sequence[Path | str], *, n: int | None = None, to: Path | None = None) -> list[Compared]:
    """The score cards of runs, all under one protocol: those on record where they agree, and taken anew where they do not.

    targets: two run folders or more, of the same data. n: samples of each side; that of the recorded cards if absent. to: where the
    picture is written, a PNG. Raises UsageError for runs of other data, DataError, DiskError.
    """
    if to is not None and to.suffix.lower() != ".png":
        raise UsageError(f"{to.name}: the picture of a comparison is written as .png", "Name such a file")
    runs = [Run(Path(target)) for target in targets]
    if len(runs) < 2:
        raise UsageError("one run alone cannot be compared", "Give two or more")
    recipes = [run.read_recipe() for run in runs]
    prints = {recipe.data.fingerprint for recipe in recipes}
    if len(prints) > 1:
        raise UsageError("these runs were trained on different data, whose figures cannot be compared", "Give runs of the same data")
    cards = [_recorded(run) for run in runs]
    protocols = {card.protocol.comparable() for card in cards if card is not None}
    if None in cards or len(protocols) > 1 or (n is not None and any(card is not None and card.protocol.n != n for card in cards)):
        known = [card.protocol.n for card in cards if card is not None]
        count = n or max(known, default=2000)
        cards = [evaluate(run.path, n=count, seed=recipe.seed + 1) for run, recipe in zip(runs, recipes, strict=True)]
    if to is not None:
        write_bytes(to, comparison.picture(runs))
    found = []
    for run, recipe, card in zip(runs, recipes, cards, strict=True):
        assert card is not None  # taken anew where one was missing
        known_facts = facts.read(run)
        done = known_facts.progress if known_facts else facts.Progress()
        found.append(Compared(run.path, recipe.name, recipe.data.source, done.images, done.seconds, card))
    return found


def _recorded(run: Run) -> ScoreCard | None:
    """The card on record of a run's newest model; none where training went on since, or where it cannot be read."""
    if not facts.is_current(run):
        return None
    try:
        return recorded_figures(run)
    except CheckpointError:
        return None
