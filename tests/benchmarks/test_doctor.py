"""A sample of the fault suite, at a small size of the same classes, and the counting of what it finds."""

import importlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL = ("generator.network.widths=[32,32]", "discriminator.network.widths=[32,32]", "generator.network.components=16")


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    runs, doctor = importlib.import_module("broken_runs"), importlib.import_module("doctor")
    for module in (runs, doctor):
        monkeypatch.setattr(module, "POINT_STEPS", 400)
    monkeypatch.setattr(runs, "POINT_SEEDS", 2)
    return doctor


def test_a_sample_of_the_suite(suite: Any, tmp_path: Path) -> None:
    """Healthy seeds are called healthy to the end, broken ones by their name, and in time."""
    runs = importlib.import_module("broken_runs")
    faults = {fault.name: fault for fault in suite.FAULTS}
    broken = (("G constant", 1.0), ("rates too high", 100.0))
    cases = [runs.Case("points", "parabola", "modern", SMALL, 0)]
    cases += [runs.Case("points", "parabola", "modern", SMALL, 0, faults[name], strength) for name, strength in broken]
    for case in cases:
        (tmp_path / f"{case.name}.json").write_text(json.dumps(runs.record_of(case)))
    found = suite.outcomes(tmp_path)
    assert len(found) == 2 * len(cases)
    for one in found:
        if one.fault is None:
            assert one.last in suite.NO_FAULT, one
            assert not one.early
        else:
            assert one.harmed is not None, one.fault
            assert one.in_time, (one.fault, one.noticed, one.harmed)
            assert suite._named(one), (one.fault, one.verdicts)


def outcome(suite: Any, distances: list[float], verdicts: list[str], **facts: Any) -> Any:
    times = [place / (len(distances) - 1) for place in range(len(distances))]
    known = {"kind": "images", "data": "digits", "recipe": "modern", "fault": None, "strength": 0.0, "onset": 0.0, "seed": 0, "repairs": 0}
    return suite.Outcome(
        **{**known, **facts}, verdicts=tuple(zip(times, verdicts, strict=True)), distances=tuple(zip(times, distances, strict=True))
    )


def test_harm_is_what_lasts_to_the_end(suite: Any) -> None:
    usual = suite._usual([outcome(suite, [1.0, 0.5, 0.2, 0.1, 0.1], ["healthy"] * 5)])
    for distances, since in (
        ([1.0, 0.5, 0.2, 0.1, 0.1], None),
        ([1.0, 1.5, 0.2, 0.1, 0.1], None),  # slow at first, and well in the end
        ([1.0, 0.5, 0.2, 0.3, 0.3], 0.75),
        ([3.0, 3.0, 3.0, math.inf, math.inf], 0.0),
    ):
        assert suite._harmed(outcome(suite, distances, ["healthy"] * 5), usual) == since
    assert suite._harmed(outcome(suite, [3.0] * 5, ["healthy"] * 5, fault="G constant", onset=0.5), usual) == 0.5


def test_delay_counts_from_the_harm(suite: Any) -> None:
    one = outcome(suite, [1.0] * 11, ["warming-up"] * 6 + ["mode-collapse"] * 5, fault="G constant", onset=0.5)
    for harmed, in_time in ((0.5, True), (0.4, False), (None, False)):
        assert replace(one, harmed=harmed).in_time == in_time
    assert one.noticed == pytest.approx(0.6)
    assert not one.early
