"""Compiled: resumed is uninterrupted bit by bit, and eager within rounding."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mulligan import find
from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.testing.pieces import train_in_pieces
from mulligan.training.compiling import compiler

Small = Callable[..., tuple[Recipe, Dataset]]
DROPOUT = ("dense-dropout", "dense-smooth")  # other numbers are drawn inside a compiled step

pytestmark = pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours


def check(name: str, small: Small, tmp_path: Path) -> None:
    assert compiler() is not None
    recipe, dataset = small(name)
    compiled = recipe.model_copy(update={"machine": recipe.machine.model_copy(update={"compile": "on"})})
    whole = train_in_pieces(tmp_path / "whole", compiled, dataset, None)
    train_in_pieces(tmp_path / "pieces", compiled, dataset, 6, None).demand_equal(whole)
    eager = train_in_pieces(tmp_path / "eager", recipe, dataset, None)
    if name in DROPOUT:
        return
    for player, tensors in eager.groups.items():
        for key, tensor in tensors.items():
            torch.testing.assert_close(whole.groups[player][key], tensor, rtol=1e-3, atol=1e-4)


def test_f06_points(small: Small, tmp_path: Path) -> None:
    check("points", small, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in find.names("recipes") if name != "points"])
def test_f06_all_recipes(name: str, small: Small, tmp_path: Path) -> None:
    check(name, small, tmp_path)
