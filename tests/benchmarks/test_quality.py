"""The scripts behind docs/quality.md, on rows as they are recorded."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def script(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def leaderboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = script("leaderboard")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "rows.json")
    return module


def row(module: ModuleType, **given: object) -> object:
    known = module.Row(
        recipe="fast", settings=(), data="digits", time="2m", seed=0, conditional=True, seconds=122.0, started=2.0, steps=1, images=32,
        figures={"fd_digits": (0.4, 0.04), "coverage": (0.8, 0.97)}, device="a processor", threads=2, compile="off", precision="float32",
        version="1", date="2026-01-01",
    )  # fmt: skip
    return replace(known, **given)


def test_rows_are_kept_as_they_are(leaderboard: ModuleType) -> None:
    rows = [row(leaderboard), row(leaderboard, settings=("conditional=false",), seed=1)]
    leaderboard.write(rows)
    assert leaderboard.read() == rows


def test_table_has_medians_of_seeds_and_the_newest_version(leaderboard: ModuleType) -> None:
    rows = [
        row(leaderboard, seed=seed, figures={"fd_digits": (fd, 0.04), "coverage": (0.8, 1.0)}) for seed, fd in enumerate((0.1, 0.3, 0.9))
    ]
    newer = [row(leaderboard, time="30s", version="2", seconds=31.0), row(leaderboard, time="30s", seconds=99.0)]
    lines = leaderboard.table([newer[1], newer[0], *rows]).splitlines()
    assert len(lines) == 4
    assert "| 30s | fast | yes | 1 | 31 |" in lines[2]
    assert "| 0.3 | 7.5 | 0.80 (0.80 to 0.80) |" in lines[3]


def test_board_has_those_that_led(leaderboard: ModuleType) -> None:
    led = [row(leaderboard), row(leaderboard, version="3", figures={"fd_digits": (0.2, 0.04), "coverage": (0.9, 0.97)})]
    worse = row(leaderboard, version="2", figures={"fd_digits": (0.5, 0.04), "coverage": (0.9, 0.97)})
    board = leaderboard.board([led[0], worse, led[1]])
    assert [line.split("|")[4].strip() for line in board.splitlines() if line.startswith("| digits")] == ["1", "3"]


def test_picture(leaderboard: ModuleType, tmp_path: Path) -> None:
    leaderboard.draw([row(leaderboard), row(leaderboard, time="10m", seconds=602.0)], tmp_path / "minutes.png")
    assert (tmp_path / "minutes.png").stat().st_size > 10_000


@pytest.mark.slow  # a training of the real command, and its score card
def test_an_entry_is_trained_and_judged(leaderboard: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leaderboard.main(["record", "--runs", str(tmp_path / "runs"), "--only", "fast:digits:3s", "--seeds", "4"])
    (found,) = leaderboard.read()
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
        for weight, rate, seed, value in ((1, 1, 0, 2.0), (1, 1, 1, 2.4), (1, 1, 2, 2.2), (10, 1, 0, 1.8), (1, 2, 0, float("inf")))
    ]
    assert strengths.table(cells).splitlines()[2] == "| digits | 2.2 | 2 to 2.4 | 1.8 | 10, 1 | inf | yes |"
    cells[3]["fd_random"] = [1.2, 0.1]
    assert strengths.table(cells).endswith("| no |")


def test_pictures_of_the_two_sets_that_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emoji where the font is; it is an error for people where it is not."""
    from mulligan.errors import DataError

    strengths = script("strengths")
    if strengths.FONT.exists():
        images = strengths.emoji()
        assert images.dtype == np.uint8
        assert images.shape[1:] == (32, 32, 3)
        assert len(images) > 3000
    monkeypatch.setattr(strengths, "FONT", Path("/no/such/font.ttf"))
    with pytest.raises(DataError, match="fonts-noto-color-emoji"):
        strengths.emoji()
