"""F6: a run in pieces is the run in one piece, bit by bit: weights, averages, moments, controls, order of data, samples, history."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mulligan import find, verbs
from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.runs.folder import Run
from mulligan.sampling.model import Model
from mulligan.testing.pieces import left, train_in_pieces
from mulligan.training.budget import Budget

Small = Callable[..., tuple[Recipe, Dataset]]
STOPS = (0, 1, 5, 11, None, None)  # at step 0, at 1, within an epoch, within another, at the end; and once more, when nothing is left to do
ALL = [*find.names("recipes"), "five critic steps"]
VARIANTS = {
    "five critic steps": (
        "dense-batchnorm",
        "loss.name=wasserstein",
        "turns.critic=5",
        "penalties.one-centred.weight=10",
        "horizon=600",
        'generator.ema={"share":0.1}',
    )
}


@pytest.mark.parametrize("name", ALL)
def test_f06_resumed_is_uninterrupted(name: str, small: Small, tmp_path: Path) -> None:
    recipe, dataset = small(*VARIANTS.get(name, (name,)))
    whole = train_in_pieces(tmp_path / "whole", recipe, dataset, None)
    assert len(whole.history) >= 6
    assert int(whole.history[-1]["images"]) >= 120  # the horizon
    train_in_pieces(tmp_path / "pieces", recipe, dataset, *STOPS).demand_equal(whole)


def test_f06_resumed_on_changing_reports(small: Small, tmp_path: Path) -> None:
    """How often a run reports may change on resume: fewer or more reports follow from there on, and the weights are the same."""
    recipe, dataset = small("shallow")
    whole = train_in_pieces(tmp_path / "whole", recipe, dataset, None)
    for reports in (1, 6):
        often = recipe.model_copy(update={"keeping": recipe.keeping.model_copy(update={"reports": 7 - reports})})
        seldom = recipe.model_copy(update={"keeping": recipe.keeping.model_copy(update={"reports": reports})})
        train_in_pieces(tmp_path / f"{reports}", often, dataset, 7)
        other = train_in_pieces(tmp_path / f"{reports}", seldom, dataset, None)
        for player, tensors in whole.groups.items():
            assert all(torch.equal(tensor, other.groups[player][key]) for key, tensor in tensors.items())
        steps = [int(line["step"]) for line in other.history]
        assert len(set(steps)) == len(steps)
        assert steps[-1] == 15


def test_f06_a_crash_between_report_and_checkpoint(small: Small, tmp_path: Path) -> None:
    """A report that was written, and whose checkpoint was not, is made again and stands there once."""
    recipe, dataset = small("shallow")
    whole = train_in_pieces(tmp_path / "whole", recipe, dataset, None)
    run = Run(tmp_path / "pieces").prepare()
    session = verbs.new_session(run, recipe, dataset)
    session.save()
    run.history_file.write_text('{"step": 0, "images": 0, "seconds": 1.0, "distance": 9.0}\n{"step": 0, "ima')
    run.sample_grid(0).write_bytes(b"half a pict")
    train_in_pieces(run.path, recipe, dataset, None).demand_equal(whole)


def by_verbs(name: str, small: Small, tmp_path: Path) -> None:
    recipe, dataset = small(name, "horizon=320", "order.short_batch=false")
    runs = [tmp_path / "whole", tmp_path / "halves"]
    verbs.train(recipe, dataset, run=runs[0])
    half = verbs.train(recipe, dataset, run=runs[1], budget=Budget(steps=20))
    assert (half.steps, half.finished) == (20, False)
    full = verbs.resume(runs[1], budget=Budget(steps=40))
    assert (full.steps, full.finished) == (40, True)
    whole, halves = (left(Run(run)) for run in runs)
    halves.demand_equal(whole)
    one, other = (Model.load(run / "model") for run in runs)
    assert (one.sample(range(3), seed=7) == other.sample(range(3), seed=7)).all()
    again = verbs.resume(runs[1])
    assert (again.steps, again.finished) == (40, True)
    left(Run(runs[1])).demand_equal(halves)


def test_f06_twenty_steps_and_twenty_more_are_forty(small: Small, tmp_path: Path) -> None:
    """A budget only stops: rates follow the horizon, wherever it stops on the way."""
    recipe, dataset = small("modern", "horizon=4000")
    whole = train_in_pieces(tmp_path / "whole", recipe, dataset, 40)
    train_in_pieces(tmp_path / "halves", recipe, dataset, 20, 40).demand_equal(whole)


@pytest.mark.parametrize(
    "name", [name if name == "points" else pytest.param(name, marks=pytest.mark.slow) for name in find.names("recipes")]
)
def test_f06_by_train_and_resume(name: str, small: Small, tmp_path: Path) -> None:
    by_verbs(name, small, tmp_path)
