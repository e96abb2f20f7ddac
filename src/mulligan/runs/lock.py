"""One process at a time writes a run folder; the second is told who holds it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
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
        write_text(run.holder_file, safe_json.dumps({"pid": os.getpid(), "since": since, "process": _identity(os.getpid())}))
        yield
    finally:
        lock.release()


def is_held(run: Run) -> bool:
    """Whether a process holds the run folder now."""
    if not run.lock_file.exists():
        return False
    if sys.platform == "win32":
        return _is_taken(run)
    import fcntl  # not on Windows

    try:
        file = os.open(run.lock_file, os.O_RDONLY)
    except OSError:  # another user's, who does not let us look: as far as the holder can be seen
        return _lives(_holder(run).get("pid"))
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two who ask at once do not take each other for a holder
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def holder(run: Run) -> str:
    """Who holds a run folder, or held it last, in words; empty if nobody ever did."""
    facts = _holder(run)
    return f"process {facts.get('pid')} since {facts.get('since')}" if facts else ""


def stop(run: Run) -> bool:
    """Ask the process that holds a run folder to save and end, as SIGTERM does; returns whether there was one.

    Raises UsageError where it belongs to another user.
    """
    told = _holder(run)
    process = told.get("pid")
    if not isinstance(process, int) or process <= 1 or not is_held(run):
        return False
    if told.get("process") != _identity(process):
        raise UsageError(f"{run.path} is held by {holder(run)}, which is not on this machine", "Stop it where it was started")
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise UsageError(f"process {process} belongs to somebody else", "Ask them to stop it") from None
    return True


def _is_taken(run: Run) -> bool:
    """The same where there are no shared locks: by taking it for a moment."""
    lock = _lock(run, 0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _lives(process: object) -> bool:
    if not isinstance(process, int) or process <= 1 or sys.platform == "win32":
        return False
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _identity(process: int) -> str:
    """What tells a process from a later one of the same number, and from one elsewhere: boot, namespace and start. Empty where unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        start = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]  # in ticks since the boot
        return sha256(f"{boot} {os.readlink('/proc/self/ns/pid')} {start}".encode()).hexdigest()[:16]
    except (OSError, IndexError):
        return ""


def _holder(run: Run) -> dict[str, Any]:
    try:
        return safe_json.read_object(run.holder_file)
    except (CheckpointError, UnsafeError):
        return {}


def _lock(run: Run, timeout: float) -> FileLock:
    return FileLock(run.lock_file, timeout=timeout)
