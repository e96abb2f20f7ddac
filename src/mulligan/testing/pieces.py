"""A run in pieces, and all that a run leaves behind: what it takes to test that a resumed run is the uninterrupted one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.runs import checkpoints, history
from mulligan.runs.folder import Run
from mulligan.testing.demand import demand
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop
from mulligan.training.observing import Observer
from mulligan.verbs import Quiet, new_session


@dataclass(frozen=True)
class Left:
    """What a run left behind, without its clock: tensors by player, facts of its newest checkpoint, history, samples."""

    groups: dict[str, dict[str, Tensor]]
    facts: dict[str, Any]
    history: list[dict[str, str]]
    samples: dict[str, bytes]

    def demand_equal(self, other: "Left") -> None:
        """Raise AssertionError unless both are equal, bit by bit."""
        demand(self.facts == other.facts, f"facts: {self.facts} and {other.facts}")
        demand(len(self.history) == len(other.history), f"lines of history: {len(self.history)} and {len(other.history)}")
        for one, two in zip(self.history, other.history, strict=True):
            demand(one == two, f"history: {set(one.items()) ^ set(two.items())}")
        demand(self.samples.keys() == other.samples.keys(), f"samples: {sorted(self.samples)} and {sorted(other.samples)}")
        strange = [name for name, content in self.samples.items() if content != other.samples[name]]
        for player, group in self.groups.items():
            theirs = other.groups[player]
            strange += [f"{player}.{name}" for name in group if not _equal(group[name], theirs.get(name))]
        demand(not strange, f"not the same: {', '.join(strange)}")


def train_in_pieces(folder: Path, recipe: Recipe, dataset: Dataset, *stops: int | None) -> Left:
    """Train up to each of these steps (None: to the end), every piece from what is on disk, as a new process would.

    recipe: resolved, with nothing left to `auto` in its machine. Neither report nor model is made. Returns what is left of the run.
    """
    run = Run(folder).prepare()
    for stop in stops:
        session = new_session(run, recipe, dataset)
        checkpoint = checkpoints.newest(run)
        if checkpoint is None:
            session.save()
        else:
            session.restore(checkpoint)
            history.cut(run, checkpoint.step)
        Loop(session, Budget(steps=stop), Quiet(), Observer(session)).run()
    return left(run)


def left(run: Run) -> Left:
    """What a run left. Raises AssertionError where it has no checkpoint."""
    newest = checkpoints.newest(run)
    if newest is None:
        raise AssertionError(f"{run.path} has no checkpoint")
    return Left(
        groups=newest.groups,
        facts={name: value for name, value in newest.facts.items() if name != "seconds"},
        history=[{name: json.dumps(value) for name, value in line.items() if name not in history.CLOCKS} for line in history.read(run)],
        samples={path.name: path.read_bytes() for path in sorted(run.samples.glob("step-*"))},
    )


def _equal(one: Tensor, other: Tensor | None) -> bool:
    return other is not None and one.shape == other.shape and bool((one == other).all())
