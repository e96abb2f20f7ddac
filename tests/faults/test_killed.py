"""F1, F9, F18: a process that is killed, a second process, a budget of time."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mulligan import signals
from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.testing.pieces import Left, train_in_pieces
from mulligan.training.loop import Loop

Mulligan = Callable[..., tuple[int, str]]
Stopped = Callable[..., None]
Started = Callable[..., "subprocess.Popen[str]"]
POINTS = [pytest.param(point, marks=[] if point < 2 else pytest.mark.slow) for point in range(20)]


@pytest.mark.parametrize("point", POINTS)
def test_f01_killed_at_a_random_point(
    point: int, words: list[str], started: Started, asked: tuple[Recipe, Dataset], tmp_path: Path
) -> None:
    """Many steps and saves are under way; whatever was cut off, the newest checkpoint loads and the next save sweeps up."""
    often = [*words, "horizon=100000", "keeping.reports=3000"]
    run = Run(tmp_path / "run")
    process = started(*often)
    until = time.monotonic() + 120
    while not run.checkpoint_steps():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(random.Random(point).uniform(0, 1.5))
    process.send_signal(signal.SIGKILL)
    process.wait()

    saved = checkpoints.newest(run)
    assert saved is not None
    assert not saved.wrong
    recorded = run.read_recipe()
    interval = 100_000 // 3000 // 8 + 1
    end = saved.step + 2 * interval
    left = train_in_pieces(run.path, recorded, asked[1], end)
    assert not [path for path in run.path.rglob("*") if path.name.endswith((".writing", ".part"))]
    steps = [int(line["step"]) for line in left.history]
    assert steps == sorted(set(steps))
    assert saved.step >= max((step for step in run.sample_steps() if step <= saved.step), default=0)
    if point == 0:
        left.demand_equal(train_in_pieces(tmp_path / "whole", recorded, asked[1], end))


def test_f01_at_most_one_save_interval_is_lost(
    words: list[str], mulligan: Mulligan, asked: Any, whole: Left, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed inside a save, after its files and before its name: the report before it is what is gone back to."""
    process = os.fork()
    if process == 0:  # the child never comes back to the test
        try:
            count = [0]
            rename = os.rename

            def killed(*arguments: Any) -> None:
                saves = str(arguments[0]).endswith(".writing")  # older checkpoints are renamed too, before they go
                count[0] += saves
                if saves and count[0] == 4:
                    os.kill(os.getpid(), signal.SIGKILL)
                rename(*arguments)

            monkeypatch.setattr(os, "rename", killed)
            mulligan(*words)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    run = Run(tmp_path / "run")
    steps = [int(line["step"]) for line in whole.history]
    saved = checkpoints.newest(run)
    assert saved is not None
    assert saved.step in steps[1:-1]
    assert list((tmp_path / "run" / "checkpoints").glob(".*.writing"))
    train_in_pieces(run.path, *asked, None).demand_equal(whole)
    assert not list((tmp_path / "run" / "checkpoints").glob(".*"))


def test_f09_the_second_process_is_told_of_the_first(words: list[str], mulligan: Mulligan, stopped: Stopped, tmp_path: Path) -> None:
    run = tmp_path / "run"
    stopped(1, *words)
    code = (
        "import sys; from pathlib import Path; from mulligan.runs import lock; from mulligan.runs.folder import Run\n"
        "with lock.hold(Run(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen([sys.executable, "-c", code, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
    for again in (words, ["resume", str(run)]):
        code_of_second, said = mulligan(*again)
        assert code_of_second == 2
        assert f"in use by process {first.pid} since" in said
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.name != ".lock"} == before
    first.communicate("")
    stopped(1, *words)


def test_f18_time_is_overrun_by_a_step_and_a_save(
    words: list[str], mulligan: Mulligan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The time is that of training, from the first batch on, with its reports."""
    longest = {"_step": 0.0, "_report_if_due": 0.0}

    def timed(name: str) -> None:
        function = getattr(Loop, name)

        def wrapper(loop: Loop) -> None:
            begun = time.perf_counter()
            function(loop)
            longest[name] = max(longest[name], time.perf_counter() - begun)

        monkeypatch.setattr(Loop, name, wrapper)

    for name in longest:
        timed(name)
    begun = time.perf_counter()
    code, said = mulligan(*words, "horizon=1000000000", "keeping.reports=20", "--time", "2s")
    assert code == 0, said
    session = checkpoints.newest(Run(tmp_path / "run"))
    assert session is not None
    assert session.facts["seconds"] >= 1.2  # the horizon follows from measured speed, and may be reached a little early
    assert session.facts["seconds"] <= 2.0 + sum(longest.values()) + 0.05
    assert time.perf_counter() - begun < 60
    assert Run(tmp_path / "run").status == "finished"
    signals.install()
    rates = [float(line["generator.rate"]) for line in _history(tmp_path / "run")]
    assert rates == sorted(rates, reverse=True)


def _history(run: Path) -> list[dict[str, Any]]:
    from mulligan.runs import history

    return history.read(Run(run))
