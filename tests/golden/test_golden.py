"""Two short trainings whose recipes and figures are kept here: a change of any draw, rate or gradient shows here first.

After a change that is meant to alter trajectories, write new figures: `MULLIGAN_WRITE_GOLDEN=1 pytest tests/golden`.
"""

import json
import os
from pathlib import Path

import pytest

from mulligan.resolve import resolve
from mulligan.testing.pieces import train_in_pieces

TOLERANCE = 1e-3  # relative, and 1e-4 absolute: another processor rounds differently, and 15 steps spread that
COUNTS = ("accuracy", "pairs")  # figures that count samples jump where one of them tips over
GOLDEN = sorted(path.parent for path in Path(__file__).parent.glob("*/recipe.json"))


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_trajectory(folder: Path, tmp_path: Path) -> None:
    recipe, dataset = resolve(None, str(folder / "recipe.json"))
    left = train_in_pieces(tmp_path, recipe, dataset, None)
    found = [{key: json.loads(line[key]) for key in line if not any(word in key for word in COUNTS)} for line in left.history]
    file = folder / "history.json"
    kept = (
        {key for line in json.loads(file.read_text()) for key in line} if file.exists() else set()
    )  # what the probes measure is a function of the same state
    found = [{key: line[key] for key in line if key in kept or not kept} for line in found]
    if os.environ.get("MULLIGAN_WRITE_GOLDEN"):
        file.write_text(json.dumps(found, indent=1) + "\n")
    expected = json.loads(file.read_text())
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=1e-4)
