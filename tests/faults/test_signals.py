"""F14, F15: SIGTERM and Ctrl-C in every window of a training. Afterwards, the run goes on as if nothing had happened."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest

from mulligan.data.dataset import Dataset
from mulligan.errors import UsageError
from mulligan.recipe import Recipe
from mulligan.runs import checkpoints, environment
from mulligan.runs.folder import Run
from mulligan.testing.pieces import Left, train_in_pieces

Mulligan = Callable[..., tuple[int, str]]
At = Callable[..., AbstractContextManager[list[float]]]
Stopped = Callable[..., None]
PREEMPTED, INTERRUPTED, TERMINATED = 75, 130, 143
PATIENCE = 10.0  # seconds until the state is saved

WINDOWS = {  # window -> the function at whose n-th call the signal comes
    "the first save": ("mulligan.runs.checkpoints", "save", 1),
    "validation slice": ("mulligan.training.observing", "Slices", 1),
    "facts": ("mulligan.verbs.training", "write_facts", 1),
    "first batch": ("mulligan.training.batches", "Source.batch_of", 1),
    "first step": ("mulligan.training.step", "all_finite", 2),
    "batch": ("mulligan.training.batches", "Source.batch_of", 11),
    "step": ("mulligan.training.step", "all_finite", 20),
    "evaluation": ("mulligan.training.observing", "Observer.figures", 4),
    "sample grid": ("mulligan.training.observing", "write_png", 5),
    "history": ("mulligan.runs.history", "append", 4),
    "save": ("mulligan.runs.checkpoints", "_write", 5),
    "rename": ("mulligan.runs.checkpoints", "_put_in_place", 5),
    "rotation": ("mulligan.runs.checkpoints", "_rotate", 5),
    "last save": ("mulligan.runs.checkpoints", "save", 8),
    "figures": ("mulligan.training.finishing", "figures", 1),
    "model": ("mulligan.sampling.model", "Model.save", 1),
    "GIF": ("mulligan.training.observing", "write_gif", 1),
    "curves": ("mulligan.runs.curves", "write", 1),
}
SAMPLE = ("the first save", "first step", "step", "evaluation", "sample grid", "history", "save", "last save", "GIF")


def check_continues(run: Path, asked: tuple[Recipe, Dataset], whole: Left) -> None:
    """The run is consistent, and goes on to where the undisturbed one came."""
    saved = checkpoints.newest(Run(run))
    assert saved is not None
    assert not saved.wrong
    assert Run(run).status == "unfinished"
    train_in_pieces(run, *asked, None).demand_equal(whole)
    assert not [path for path in run.rglob("*") if path.name.endswith((".writing", ".part"))]


@pytest.mark.parametrize("window", [pytest.param(name, marks=[] if name in SAMPLE else pytest.mark.slow) for name in WINDOWS])
def test_f14_sigterm(window: str, words: list[str], mulligan: Mulligan, asked: Any, whole: Left, at: At, tmp_path: Path) -> None:
    with at(WINDOWS[window], signal.SIGTERM) as sent:
        code, said = mulligan(*words)
    assert sent
    assert time.monotonic() - sent[0] < PATIENCE
    assert (code, "Traceback" in said) == (PREEMPTED, False), said
    assert f"mulligan resume {tmp_path / 'run'}" in said
    check_continues(tmp_path / "run", asked, whole)


@pytest.mark.parametrize("window", [pytest.param(name, marks=[] if name == "step" else pytest.mark.slow) for name in WINDOWS])
def test_f15_once(window: str, words: list[str], mulligan: Mulligan, asked: Any, whole: Left, at: At, tmp_path: Path) -> None:
    with at(WINDOWS[window], signal.SIGINT):
        code, said = mulligan(*words)
    assert (code, "Traceback" in said) == (INTERRUPTED, False), said
    check_continues(tmp_path / "run", asked, whole)


@pytest.mark.parametrize("window", [pytest.param(name, marks=[] if name in ("step", "save") else pytest.mark.slow) for name in WINDOWS])
def test_f15_twice(window: str, words: list[str], mulligan: Mulligan, asked: Any, whole: Left, at: At, tmp_path: Path) -> None:
    """Stops in the middle of a step, not of a save."""
    with at(WINDOWS[window], signal.SIGINT, times=2):
        code, said = mulligan(*words)
    assert (code, "Traceback" in said) == (INTERRUPTED, False), said
    check_continues(tmp_path / "run", asked, whole)


def test_f14_sigterm_twice_at_once(words: list[str], mulligan: Mulligan, asked: Any, whole: Left, at: At, tmp_path: Path) -> None:
    """As `timeout` sends it; the second one does not keep the first from being dealt with."""
    with at(WINDOWS["batch"], signal.SIGTERM, times=2):
        code, _ = mulligan(*words)
    assert code == PREEMPTED
    saved = checkpoints.newest(Run(tmp_path / "run"))
    assert saved is not None
    assert saved.step == 10  # the step in which it came, not the report before it
    check_continues(tmp_path / "run", asked, whole)


def test_f14_data_scan(words: list[str], mulligan: Mulligan, stopped: Stopped, asked: Any, whole: Left, at: At, tmp_path: Path) -> None:
    """Of a new run: there is nothing to save yet, and nothing is left behind. Of one that is resumed: its state is saved."""
    scan = ("mulligan.data.arrays", "load", 1)
    with at(scan, signal.SIGTERM):
        assert mulligan(*words)[0] == TERMINATED
    assert not (tmp_path / "run").exists()
    stopped(6, *words)
    with at(scan, signal.SIGTERM):
        code, said = mulligan("resume", str(tmp_path / "run"))
    assert code == PREEMPTED, said
    check_continues(tmp_path / "run", asked, whole)


@pytest.mark.parametrize("window", [("mulligan.runs.folder", "Run.sweep", 1), ("mulligan.runs.environment", "record", 1)])
def test_f14_before_the_first_checkpoint(
    window: tuple[str, str, int],
    words: list[str],
    mulligan: Mulligan,
    stopped: Stopped,
    asked: Any,
    whole: Left,
    at: At,
    tmp_path: Path,
) -> None:
    """The run folder is there, and nothing is saved: the same command begins again."""
    with at(window, signal.SIGTERM):
        assert mulligan(*words)[0] == TERMINATED
    stopped(6, *words)
    check_continues(tmp_path / "run", asked, whole)


@pytest.mark.parametrize(
    "window", [("mulligan.runs.folder", "Run.write_status", 2), pytest.param(("mulligan.runs.report", "write", 1), marks=pytest.mark.slow)]
)
def test_f14_at_the_very_end(window: tuple[str, str, int], words: list[str], mulligan: Mulligan, at: At, tmp_path: Path) -> None:
    """When all is written, and only the status and the page that says it are left, the run ends as finished."""
    with at(window, signal.SIGTERM):
        assert mulligan(*words)[0] == 0
    assert Run(tmp_path / "run").status == "finished"
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.slow
def test_f14_compilation(
    words: list[str], started: Callable[..., "subprocess.Popen[str]"], stopped: Stopped, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The whole group gets the signal, as from a scheduler, while the compiler runs: that it dies does not make it a missing one."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    process = started(*(word for word in words if word != "machine.compile=off"), "machine.compile=on")
    until = time.monotonic() + 300
    while not _compiles(process.pid):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGTERM)
    begun = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - begun < PATIENCE
    assert process.returncode == PREEMPTED, said
    assert "compilation failed" not in (tmp_path / "run" / "log.txt").read_text()
    stopped(3, "resume", str(tmp_path / "run"), "machine.compile=off")


def _compiles(pid: int) -> bool:
    try:
        return any("cc1plus" in child.name() for child in psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.05, 0.5, 1.5, 3.0, 5.0, 7.0])
def test_f14_any_moment(delay: float, words: list[str], started: Callable[..., "subprocess.Popen[str]"], asked: Any, whole: Left) -> None:
    """In a process of its own, from its first moments on: a code that says what is to be done, and never a traceback."""
    run = Path(words[words.index("--run") + 1])
    process = started(*words, "keeping.reports=1")
    time.sleep(delay)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode in (PREEMPTED, TERMINATED, -signal.SIGTERM, 0)  # -SIGTERM: before any line of ours ran
    if process.returncode == PREEMPTED:
        check_continues(run, asked, whole)


def test_a_compiler_that_is_missing_is_not_needed(
    words: list[str], stopped: Stopped, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is said at the start."""
    monkeypatch.setenv("CXX", "no-such-compiler")
    stopped(1, *(word for word in words if word != "machine.compile=off"))
    assert "no C++ compiler" in (tmp_path / "run" / "log.txt").read_text()


def test_a_compiler_that_fails_is_done_without(
    started: Callable[..., "subprocess.Popen[str]"], stopped: Stopped, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is said, and recorded, so that the resumed run is the same run. In a process that has compiled nothing yet."""
    monkeypatch.setenv("CXX", "false")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    run = Run(tmp_path / "run")
    settings = ("machine.compile=on", "machine.threads=1", "--run", str(run.path))
    process = started("train", "ring", "--recipe", "points", "--steps", "1", *settings)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "compilation failed" in said
    assert environment.sessions(run)[-1]["decisions"]["compile"] == "off"
    stopped(2, "resume", str(run.path))
    assert (run.path / "log.txt").read_text().count("compilation failed") == 1


def test_other_errors_are_no_signals(words: list[str], mulligan: Mulligan) -> None:
    assert mulligan(*words, "loss.name=hingee")[0] == UsageError.exit_code
    assert not Path(words[words.index("--run") + 1]).exists()
