"""The loops that are timed side by side are of the same systems, and the script that times them runs."""

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.testing.games import EAGER
from mulligan.training.state import count
from mulligan.verbs import made_game

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SYSTEMS = ("dense-dropout", "shallow", "dense-batchnorm", "points", "dense-smooth")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("steps")


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("system", SYSTEMS)
def test_plain_loop_is_of_the_same_system(steps: Any, system: str, fused: bool) -> None:
    source, build = steps.SYSTEMS[system]
    torch.manual_seed(0)
    plain = build(fused, "cpu")
    game = made_game(*resolve(source, system, EAGER))
    before = {}
    for player in ("generator", "discriminator"):
        parameters = list(getattr(plain, player).parameters())
        assert sum(tensor.numel() for tensor in parameters) == count(game.actors[player])
        before[player] = [tensor.detach().clone() for tensor in parameters]
    for _ in range(2):
        assert all(math.isfinite(value) for value in plain.step().values())
    for player, old in before.items():
        assert all(not torch.equal(one, other) for one, other in zip(old, getattr(plain, player).parameters(), strict=True))


def test_threads_are_those_that_auto_takes(steps: Any) -> None:
    assert steps.threads_for("points") == 1
    assert steps.threads_for("shallow") == environment.cores()


def test_quartiles(steps: Any) -> None:
    assert steps.quartiles([5.0]) == (5.0, 5.0)
    assert steps.quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)


def test_rows_are_ratios_of_medians(steps: Any) -> None:
    times = {steps.COMPILED: [[1.0, 1.0], [2.0, 2.0]], steps.PLAIN: [[2.0, 2.0], [2.0, 2.0]], steps.FUSED: [[3.0, 3.0], [3.0, 3.0]]}
    ours, plain, _ = steps.rows("points", times, 1)
    assert (ours.median, ours.to_plain, ours.to_fused) == (1.5, 0.75, 0.5)
    assert (ours.to_plain_low, ours.to_plain_high) == (0.625, 0.875)
    assert (plain.to_plain, plain.to_plain_low) == (1.0, 1.0)


def test_script_times_a_system(steps: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = torch.get_num_threads()
    steps.main(["--only", "points", "--rounds", "2", "--steps", "3", "--threads", "1", "--eager", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [row["loop"] for row in told["rows"]] == [steps.EAGER, steps.PLAIN, steps.FUSED]
    assert all(0 < row["low"] <= row["median"] <= row["high"] for row in told["rows"])
    assert torch.get_num_threads() == before


def test_every_loop_is_warmed_and_timed_alike(steps: Any) -> None:
    calls: list[str] = []

    def loop(name: str) -> Callable[[], None]:
        return lambda: calls.append(name)

    times = steps.interleaved({name: loop(name) for name in "abc"}, 2, 3)
    assert [[len(block) for block in blocks] for blocks in times.values()] == [[3, 3]] * 3
    assert "".join(calls[3 * steps.WARM :]) == "aaabbbccc" + "bbbcccaaa"


def test_table(steps: Any) -> None:
    row = steps.Row("points", steps.COMPILED, 1, 0.00025, 0.0002, 0.0003, 0.25, 0.2, 0.3, 0.5)
    assert steps.markdown([row]).splitlines()[-1] == "| points | Mulligan | 1 | 0.25 | 0.20 - 0.30 | 0.25 | 0.20 - 0.30 | 0.50 |"
