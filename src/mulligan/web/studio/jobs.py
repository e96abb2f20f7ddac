"""Trainings that the studio starts: each in a process of its own, which outlives the tab and the studio.

The run folders are the only record. A training that was started here is stopped and resumed like any other, and one that was started on a
command line like one from here: whoever holds a folder is asked to stop, and `mulligan resume` goes on.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mulligan.errors import PreemptedError, StoppedError, UsageError
from mulligan.resolve import resolve
from mulligan.runs.folder import Run, create
from mulligan.runs.lock import is_held, stop
from mulligan.runs.writing import disk_errors
from mulligan.verbs.training import is_empty, run_name

# What a training ends with that reached its end, or was stopped and has saved its state.
_ENDS = (0, StoppedError.exit_code, PreemptedError.exit_code)
_TAIL = 4000  # bytes of what a process printed that are looked at


class Jobs:
    """Starts, stops and resumes. base: the folder of runs."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._started: dict[Path, subprocess.Popen[bytes]] = {}
        self._failed: dict[str, str] = {}

    def train(self, data: str, recipe: str, words: Sequence[str] = (), time: str = "", seed: int | None = None) -> Run:
        """Begin a training, and return its folder as soon as its process runs; arguments and errors as of `checked`."""
        return self.begin(checked(data, recipe, words, time, seed))

    def begin(self, training: "Training") -> Run:
        """Begin a training that was checked."""
        run = create(self.base, training.name)
        self._start(run, ["train", "--run", str(run.path), *training.words])
        return run

    def resume(self, run: Run) -> None:
        """Go on with a run. Raises UsageError where a process works at it."""
        if self.is_working(run):
            raise UsageError(f"{run.name} is being trained already", "Stop it first")
        self._start(run, ["resume", str(run.path)])

    def stop(self, run: Run) -> None:
        """Ask the process that trains a run to save and end, whoever started it. Raises UsageError where there is none."""
        if stop(run):
            return
        process = self._started.get(run.path)
        if process is None or process.poll() is not None:
            raise UsageError(f"{run.name} is not being trained", "Resume goes on with it")
        process.terminate()  # it has not opened its folder yet

    def is_working(self, run: Run) -> bool:
        """Whether a process trains a run, or is about to."""
        process = self._started.get(run.path)
        return (process is not None and process.poll() is None) or is_held(run)

    def failures(self) -> dict[str, str]:
        """Name of the run -> why, of trainings that were started here and failed; until they are started again.

        The folder of one that ended before there was a run is removed.
        """
        for path, process in list(self._started.items()):
            run, code = Run(path), process.poll()
            if code is None:
                continue
            del self._started[path]
            if not run.exists or code not in _ENDS:
                self._failed[run.name] = last_words(run) if code > 0 else f"signal {-code} ended its process"
            if not run.exists and is_empty(run):
                shutil.rmtree(path, ignore_errors=True)
        return dict(self._failed)

    def _start(self, run: Run, words: list[str]) -> None:
        self._failed.pop(run.name, None)
        with disk_errors(run.output_file), run.output_file.open("ab") as output:
            self._started[run.path] = subprocess.Popen(
                [sys.executable, "-m", "mulligan", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C in the studio's terminal is not meant for it
            )


@dataclass(frozen=True)
class Training:
    """What can be trained: the name of its folder, without a number, and what `mulligan train` is given."""

    name: str
    words: tuple[str, ...]


def checked(data: str, recipe: str, words: Sequence[str] = (), time: str = "", seed: int | None = None) -> Training:
    """A training whose data and settings were looked at; nothing is written.

    words: `key=value`. time: such as 10m; empty for the whole recipe. Raises UsageError and DataError for what cannot be trained, and
    UnsafeError for outside code.
    """
    resolved, _ = resolve(data, recipe, words, seed, trusting=False)
    budget = ["--time", time] if time else []
    seeded = [] if seed is None else ["--seed", str(seed)]
    return Training(run_name(resolved), ("--recipe", recipe, *budget, *seeded, "--", data, *words))


def last_words(run: Run) -> str:
    """The last line that the process of a run printed; empty where it printed nothing."""
    try:
        with run.output_file.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
