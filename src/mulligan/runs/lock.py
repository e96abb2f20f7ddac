"""One process at a time writes a run folder; the second is told who holds it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

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
    facts = _holder(run)
    return f"process {facts.get('pid')} since {facts.get('since')}" if facts else ""


def stop(run: Run) -> bool:
    """Ask the process that holds a run folder to save and end, as SIGTERM does; returns whether there was one.

    Raises UsageError where it belongs to another user.
    """
    process = _holder(run).get("pid")
    if not isinstance(process, int) or process <= 1 or not is_held(run):
        return False
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise UsageError(f"process {process} belongs to somebody else", "Ask them to stop it") from None
    return True


def _holder(run: Run) -> dict[str, Any]:
    try:
        return safe_json.read_object(run.holder_file)
    except (CheckpointError, UnsafeError):
        return {}


def _lock(run: Run, timeout: float) -> FileLock:
    return FileLock(run.lock_file, timeout=timeout)
