"""A time as the budget: what the clock decided is recorded, and replayed on resume, never measured again."""

import shutil
from collections.abc import Callable
from pathlib import Path

from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.runs import history
from mulligan.runs.folder import Run
from mulligan.testing.pieces import left, train_in_pieces
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop
from mulligan.training.observing import Observer
from mulligan.verbs import Quiet, new_session


def test_f06_decisions_of_the_clock_are_replayed(small: Callable[..., tuple[Recipe, Dataset]], tmp_path: Path) -> None:
    """Resumed without a clock, from before the first decision, from between two and from after the last, the run takes the same way."""
    recipe, dataset = small("shallow", "horizon=1000000000", "keeping.reports=4", "keeping.checkpoints=1000")
    run = Run(tmp_path / "timed").prepare()
    session = new_session(run, recipe, dataset)
    session.save()
    Loop(session, Budget(seconds=3.0), Quiet(), Observer(session)).run()
    whole, end = left(run), session.step
    decisions = [line["step"] for line in history.read_lines(run.path / "decisions.jsonl")]
    assert len(decisions) >= 2
    steps = run.checkpoint_steps()
    for place, start in enumerate((steps[0], max(step for step in steps if step < decisions[-1]), steps[-2])):
        folder = tmp_path / str(place)
        shutil.copytree(run.path, folder)
        for step in Run(folder).checkpoint_steps():
            if step > start:
                shutil.rmtree(Run(folder).checkpoint(step))
        train_in_pieces(folder, recipe, dataset, end).demand_equal(whole)
