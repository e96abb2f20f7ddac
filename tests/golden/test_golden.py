"""Two short trainings whose figures are known: a change of any draw, rate or gradient shows here first.

After a change that is meant to alter trajectories, write new figures: `MULLIGAN_WRITE_GOLDEN=1 pytest tests/golden`.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.testing.pieces import train_in_pieces

TOLERANCE = 1e-3  # relative, and 1e-4 absolute: another processor rounds differently, and 15 steps spread that
HERE = Path(__file__).parent


@pytest.mark.parametrize("name", ["points", "modern"])
def test_trajectory(name: str, small: Callable[..., tuple[Recipe, Dataset]], tmp_path: Path) -> None:
    found = [{key: json.loads(value) for key, value in line.items()} for line in train_in_pieces(tmp_path, *small(name), None).history]
    file = HERE / f"{name}.json"
    if os.environ.get("MULLIGAN_WRITE_GOLDEN"):
        file.write_text(json.dumps(found, indent=1) + "\n")
    expected = json.loads(file.read_text())
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=1e-4)
