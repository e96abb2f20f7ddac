"""One process at a time writes a run folder; the second is told who holds it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from filelock import FileLock, Timeout

from mulligan.errors import CheckpointError, UnsafeError, UsageError
from mulligan.runs import safe_json
from mulligan.runs.folder import Run
from mulligan.runs.writing import disk_errors, write_text

PATIENCE = 1.0  # seconds; a listing of runs asks for a lock and gives it back at once


@contextmanager
def hold(run: Run) -> Iterator[None]:
    """Hold a run folder for the time of the block. The system gives it back if the process dies.

    Raises UsageError naming the holder if another process has it, DiskError if the folder cannot be written.
    """
    lock = _lock(run, PATIENCE)
    with disk_errors(run.lock_file):
        try:
            lock.acquire()
        except Timeout:
            hint = "Wait for it or stop it, or choose another folder with --run DIR"
            raise UsageError(f"{run.path} is in use by {holder(run) or 'another process'}", hint) from None
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        write_text(run.holder_file, safe_json.dumps({"pid": os.getpid(), "since": since}))
        yield
    finally:
        lock.release()


def is_held(run: Run) -> bool:
    """Whether a process holds the run folder now."""
    if not run.lock_file.exists():
        return False
    lock = _lock(run, 0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False  # somebody else's folder, which we could not write either
    lock.release()
    return False


def holder(run: Run) -> str:
    """Who holds a run folder, or held it last, in words; empty if nobody ever did."""
    try:
        facts = safe_json.read_object(run.holder_file)
    except (CheckpointError, UnsafeError):
        return ""
    return f"process {facts.get('pid')} since {facts.get('since')}"


def _lock(run: Run, timeout: float) -> FileLock:
    return FileLock(run.lock_file, timeout=timeout)
