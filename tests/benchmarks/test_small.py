"""The benchmark of few images at its smallest: what it trains on, what it measures, and the page that it writes."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from mulligan.resolve import resolve
from mulligan.testing.games import EAGER

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("small")


@pytest.mark.parametrize(("way", "expected"), [("none", {}), ("fixed", {False}), ("adaptive", {True})])
def test_ways_differ_in_augmentations_alone(small: Any, way: str, expected: Any) -> None:
    recipe, dataset = resolve(small.SET, small.RECIPE, small.settings(way, 500))
    assert len(dataset.train.target) == 500
    assert {each.adaptive for each in recipe.augmentations.values()} == set(expected)
    assert all(each.weight == 1 for each in recipe.augmentations.values())
    others, _ = resolve(small.SET, small.RECIPE, small.settings("none", 500))
    assert recipe.model_copy(update={"augmentations": {}}) == others


@pytest.mark.slow
def test_it_records_and_publishes(small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of a few steps; copies of the training images show as such, fresh images do not."""
    keys = ["horizon=64", "batch=8", "keeping.reports=1", *EAGER]
    small.record(tmp_path / "runs", ["none", "adaptive"], [100], "0", keys)
    page, results = tmp_path / "small.md", tmp_path / "results" / "small.json"
    page.write_text(f"# Few\n\n{small.START}\nold\n{small.END}\n\nthe end\n")
    monkeypatch.setattr(small, "PAGE", page)
    monkeypatch.setattr(small, "RESULTS", results)
    small.publish(tmp_path / "runs")
    rows = json.loads(results.read_text())
    assert [(row["way"], row["images"], row["count"]) for row in rows] == [("none", 64, 100), ("adaptive", 64, 100)]
    assert rows[0]["strength"] is None
    assert rows[1]["strength"] == 0
    real, copies = rows[0]["trivial"]["real"], rows[0]["trivial"]["copies"]
    assert (copies["copies"], copies["authenticity"]) == (1, 0)
    assert real["copies"] < 0.05
    assert real["nearest_ratio"] == pytest.approx(1, abs=0.05)
    assert real["fd_digits"] < copies["fd_digits"] < rows[0]["end"]["fd_digits"]
    text = page.read_text()
    assert "old" not in text
    assert "| no augmentation |" in text
    assert text.endswith("\n\nthe end\n")
