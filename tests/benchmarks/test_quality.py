"""The scripts behind docs/quality.md, on rows as they are recorded."""

import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mulligan.errors import DataError

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    sys.path.insert(0, str(BENCHMARKS))  # where scripts find each other
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What is published of the leaderboard, with a place of its own for its rows."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    module = importlib.import_module("leaderboard_tables")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "rows.json")
    return module


@pytest.fixture
def leaderboard(tables: ModuleType) -> ModuleType:
    return script("leaderboard")


def row(tables: ModuleType, **given: object) -> object:
    known = tables.Row(
        recipe="fast", settings=(), data="digits", time="2m", seed=0, conditional=True, seconds=122.0, started=2.0, steps=1, images=32,
        figures={"fd_digits": (0.4, 0.04), "coverage": (0.8, 0.97), "class_distance": (0.02, 0.01)}, device="a processor", threads=2,
        compile="off", precision="float32", verdict="healthy", digest="0", version="1", date="2026-01-01",
    )  # fmt: skip
    return replace(known, **given)


def test_rows_are_kept_as_they_are(tables: ModuleType) -> None:
    rows = [row(tables), row(tables, settings=("conditional=false",), seed=1)]
    tables.write(rows)
    assert tables.read() == rows


def test_table_has_medians_of_seeds_and_the_newest_recipe(tables: ModuleType) -> None:
    rows = [row(tables, seed=seed, figures={"fd_digits": (fd, 0.04), "coverage": (0.8, 1.0)}) for seed, fd in enumerate((0.1, 0.3, 0.9))]
    newer = [row(tables, time="30s", digest="1", seconds=31.0), row(tables, time="30s", seconds=99.0)]
    lines = tables.table([newer[1], newer[0], *rows]).splitlines()
    assert len(lines) == 6
    assert "| 30s | fast | yes | 1 | 1 | 31 |" in lines[2]
    assert "| 0.3 | 7.5 | 0.80 (0.80 to 0.80) |" in lines[3]
    assert lines[5] == "1. a processor, float32"


def test_board_has_those_that_led_on_processors(tables: ModuleType) -> None:
    led = [row(tables, digest="a"), row(tables, digest="c", figures={"fd_digits": (0.2, 0.04), "coverage": (0.9, 0.97)})]
    worse = row(tables, digest="b", figures={"fd_digits": (0.5, 0.04), "coverage": (0.9, 0.97)})
    gpu = row(tables, digest="d", device="NVIDIA something", figures={"fd_digits": (0.1, 0.04), "coverage": (0.9, 0.97)})
    board = tables.board([led[0], worse, gpu, led[1]])
    assert [line.split("|")[5].strip() for line in board.splitlines() if line.startswith("| digits")] == ["fast a", "fast c"]


def test_aims_say_what_was_reached_and_by_how_many(tables: ModuleType) -> None:
    def covering(share: float) -> dict[str, tuple[float, float]]:
        return {"fd_digits": (0.1, 0.04), "coverage": (share, 1.0), "class_distance": (0.02, 0.01)}

    reached = [row(tables, time="10m", seed=seed, figures=covering(share)) for seed, share in enumerate((0.95, 0.94, 0.2))]
    minute = [row(tables, time="1m", seed=seed, device=f"processor {seed % 2}", figures=covering(0.7)) for seed in range(60)]
    lines = tables.aims([*reached, *minute, row(tables, time="10m", figures=covering(0.1), settings=("conditional=false",))]).splitlines()
    assert "| `digits`, 10 minutes: 0.93 of the coverage of real data | 0.940 (3 seeds) | reached |" in lines
    assert any(line.startswith("| `digits`, 60 runs") and line.endswith("60 healthy (60 seeds) | reached |") for line in lines)
    assert "| `stacked`, within 2 hours: 990 of 1,000 modes, KL divergence 0.3 | not recorded yet | |" in lines
    alone = row(tables, data="stacked", time="1h", settings=("machine.threads=1",), figures={"modes": (995, 1000), "kl": (0.2, 0.02)})
    told = "| 995, 0.20 (as many real ones: 1000, 0.02) (1 seed, on one core) | reached |"
    assert any(line.endswith(told) for line in tables.aims([alone]).splitlines())
    minute[7] = replace(minute[7], figures={**covering(0.7), "class_distance": (0.5, 0.01)})  # type: ignore[type-var]
    assert any("1 of 60" in line and line.endswith("| missed |") for line in tables.aims(minute).splitlines())
    assert any(line.startswith("| `digits`, 60 runs") and line.endswith("| missed |") for line in tables.aims(minute[:5]).splitlines())


def test_picture(tables: ModuleType, tmp_path: Path) -> None:
    tables.draw([row(tables), row(tables, time="10m", seconds=602.0)], tmp_path / "minutes.png")
    assert (tmp_path / "minutes.png").stat().st_size > 10_000


@pytest.mark.slow  # a training of the real command, and its score card
def test_an_entry_is_trained_and_judged(
    leaderboard: ModuleType, tables: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaderboard.main(["record", "--runs", str(tmp_path / "runs"), "--only", "fast:digits:3s", "--seeds", "4"])
    (found,) = tables.read()
    assert (found.seed, found.conditional, found.time) == (4, True, "3s")
    assert 3 < found.seconds < 60
    assert found.coverage < 1 < found.fd
    capsys.readouterr()
    leaderboard.main(["record", "--runs", str(tmp_path / "runs"), "--only", "fast:digits:3s", "--seeds", "4"])
    assert capsys.readouterr().out == ""  # it is there


def test_rule_is_held_against_the_best_of_the_grid() -> None:
    strengths = script("strengths")
    cells = [
        {"data": "digits", "weight": weight, "rate": rate, "seed": seed, "fd_random": [value, 0.1], "coverage": [0.5, 0.97]}
        for weight, rate, seed, value in ((1, 1, 0, 2.0), (1, 1, 1, 2.4), (1, 1, 2, 2.1), (10, 1, 0, 1.8), (1, 2, 0, float("inf")))
    ]
    assert strengths.table(cells).splitlines()[2] == "| digits | 2.1 | 2 to 2.4 | 1.8 | 10, 1 | inf | yes |"
    cells[3]["fd_random"] = [1.2, 0.1]
    assert strengths.table(cells).endswith("| no |")
    cells[3]["fd_random"], cells[2]["fd_random"] = [1.8, 0.1], [2.2, 0.1]  # the middle seed counts, not the luckiest
    assert strengths.table(cells).endswith("| no |")


def test_patches_of_photographs() -> None:
    images = script("strengths").photographs()
    assert images.dtype == np.uint8
    assert images.shape == (8000, 32, 32)
    assert len(np.unique(images.reshape(8000, -1), axis=0)) > 7000  # some are of the same place


FONT = script("strengths").FONT


@pytest.mark.skipif(
    not (FONT.exists() or "MULLIGAN_TEST_PACKAGES" in os.environ), reason="Debian's fonts-noto-color-emoji is not installed"
)
def test_signs_of_a_font() -> None:
    images = script("strengths").emoji()
    assert images.dtype == np.uint8
    assert images.shape[1:] == (32, 32, 3)
    assert len(images) > 3000
    assert images.std(axis=(1, 2, 3)).min() > 5  # none is blank


def test_without_the_font_there_is_an_error_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    strengths = script("strengths")
    monkeypatch.setattr(strengths, "FONT", Path("/no/such/font.ttf"))
    with pytest.raises(DataError, match="fonts-noto-color-emoji"):
        strengths.emoji()


def test_bfloat16_is_as_good_where_its_median_is_no_worse_than_the_worst_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    precisions = script("precisions")

    def rows(system: str, **seeds: list[float]) -> list[dict[str, object]]:
        return [
            {
                "system": system,
                "precision": precision,
                "seed": seed,
                "figure": "fd_digits",
                "value": value,
                "floor": 0.1,
                "processor": "one",
            }
            for precision, values in seeds.items()
            for seed, value in enumerate(values)
        ]

    given = [
        *rows("alike", float32=[1.0, 1.2, 1.1], bfloat16=[1.19, 9.0, 1.0]),
        *rows("worse", float32=[1.0, 1.2, 1.1], bfloat16=[1.3, 1.25, 1.0]),
        *rows("half", float32=[1.0]),
    ]
    assert [precisions.equal(given, name) for name in ("alike", "worse", "half")] == [True, False, False]
    lines = precisions.table(given[:12]).splitlines()
    assert lines[2] == "| alike | fd_digits | 1.1 (1 to 1.2) | 1.19 (1 to 9) | yes |"
    assert lines[3].endswith("| no |")
    assert precisions.names()[-2:] == ["fast-digits", "fast-fashion"]
    assert "points" not in precisions.names()


def test_answers_a_second_and_aims(monkeypatch: pytest.MonkeyPatch) -> None:
    serving = script("serving")
    rows = [
        {"asked": "one png", "clients": 1, "answers": 100, "refused": 0, "seconds": 2.0, "p50": 0.004, "p95": 0.006, "p99": 0.02},
        {"asked": "100 as npz", "clients": 200, "answers": 100, "refused": 300, "seconds": 10.0, "p50": 0.2, "p95": 0.3, "p99": 0.4},
    ]
    machine = {"processor": "one", "cores": 2, "date": "2026-01-01"}
    told = serving.table({"rows": rows, "cold": 1.7, "before": 2**28, "after": 2**28 + 2**20, "machine": machine})
    assert "| one png | 1 | 50 | 4.0 | 6.0 | 20.0 | 0% |" in told
    assert "| 100 as npz | 200 | 1,000 | 200.0 | 300.0 | 400.0 | 75% |" in told
    aims = told.partition("| aim |")[2].splitlines()
    verdicts = [line.endswith("| reached |") for line in aims if line.endswith(("| reached |", "| missed |"))]
    assert verdicts == [True, False, True, True]
