"""The examples of data, a kind, a recipe and a game of one's own: they keep to the contracts, train, resume and sample."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mulligan import find, verbs
from mulligan.errors import UnsafeError
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import checkpoints, history
from mulligan.runs.folder import Run
from mulligan.sampling.model import Model
from mulligan.testing import check_dataset, check_kind, check_recipe, check_task
from mulligan.training.budget import Budget
from mulligan.verbs import Outcome

ROOT = Path(__file__).parents[2]
DATA, KIND = "examples/my_data.py:my_data", "examples/my_kind.py:my_kind"
RECIPE, GAME = "examples/my_recipe.py:my_recipe", "examples/fill_hole.py:fill_hole"
EAGER = ("machine.compile=off", "machine.threads=1", "keeping.reports=1")
SMALL_GAME = ("generator.network.width=8", "discriminator.network.width=8", "data.size=8", "batch=8", "horizon=48", *EAGER)


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples are named as their docstrings name them, from the folder that holds `examples/`; nothing is trusted at first."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(find, "_trusted", {})


def train(source: str, recipe: str, settings: tuple[str, ...], run: Path, steps: int) -> Outcome:
    return verbs.train(*resolve(source, recipe, settings), run=run, budget=Budget(steps=steps))


def test_data() -> None:
    find.trust(DATA)
    dataset = check_dataset(DATA, DATA)
    assert dataset.data.columns == ("x", "y")


def test_kind() -> None:
    find.trust(KIND)
    check_kind(KIND, np.array([[0.0], [90.0], [359.5]], np.float32), "symmetric")
    check_dataset(KIND, KIND)
    kind = find.load("kinds", KIND).Angles(shape=(1,))
    assert kind.decode(torch.tensor([[1.0], [1.5], [-1.5]])).ravel() == pytest.approx([0, 90, 270])  # they go round


def test_f33_kind_trains_and_samples_where_it_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = train(KIND, "points", ("batch=8", "horizon=16", *EAGER), tmp_path / "run", 2)
    assert done.figures is not None
    assert Run(done.run).progress_gif.is_file()
    monkeypatch.setattr(find, "_trusted", {})
    with pytest.raises(UnsafeError, match=r"--trust my_kind\.py:my_kind"):
        Model.load(done.run)
    find.trust(KIND)
    angles = Model.load(done.run).sample(range(20))
    assert angles.shape == (20, 1)
    assert angles.min() >= 0
    assert angles.max() < 360


def test_recipe() -> None:
    recipe = check_recipe(RECIPE, "digits", ("width=8", "batch=8", "data.size=8"))
    assert recipe.turns.critic == 5
    game = check_task("generate", recipe)
    assert [turn.players for turn in game.turns] == [("discriminator",)] * 5 + [("generator",)]


@pytest.mark.parametrize(("folder", "name"), [("data", "my_data"), ("kinds", "my_kind"), ("recipes", "my_recipe"), ("tasks", "fill_hole")])
def test_f33_outside_code_does_not_run_untrusted(folder: str, name: str) -> None:
    with pytest.raises(UnsafeError, match=f"{name}.py"):
        find.load(folder, f"examples/{name}.py:{name}")


@pytest.mark.parametrize("name", ["my_data", "my_kind", "my_recipe", "fill_hole"])
def test_docstring_says_the_command(name: str) -> None:
    text = (ROOT / "examples" / f"{name}.py").read_text()
    assert f"examples/{name}.py:{name}" in text.split('"""')[1]


def test_game_keeps_to_the_contract() -> None:
    recipe: Recipe = resolve("digits", GAME, SMALL_GAME)[0]
    assert [turn.name for turn in check_task(GAME, recipe).turns] == ["discriminator", "generator"]


def test_f06_game_trains_and_resumes_exactly(tmp_path: Path) -> None:
    """Six steps at once, and three and three: pictures, history and a checkpoint, the same to the last bit; and no model."""
    whole = train("digits", GAME, SMALL_GAME, tmp_path / "whole", 6)
    train("digits", GAME, SMALL_GAME, tmp_path / "parts", 3)
    parts = verbs.resume(tmp_path / "parts", budget=Budget(steps=6))
    assert (whole.steps, parts.steps, whole.finished) == (6, 6, True)
    assert whole.figures is None
    one, two = Run(whole.run), Run(parts.run)
    assert not one.model.exists()
    for run in (one, two):
        assert run.real_grid.is_file()
        assert run.progress_gif.is_file()
        assert run.report_file.is_file()
    assert one.sample_grid(6).read_bytes() == two.sample_grid(6).read_bytes()
    clocks = set(history.CLOCKS)
    first, second = ([{key: value for key, value in line.items() if key not in clocks} for line in history.read(run)] for run in (one, two))
    assert first == second
    saved, resumed = (checkpoints.newest(run) for run in (one, two))
    assert saved is not None
    assert resumed is not None
    for player, tensors in saved.groups.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, resumed.groups[player][name]), f"{player}: {name}"
