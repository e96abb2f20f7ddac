"""Writing files so that a crash leaves the old content or the new one, never half of it; and disk errors in words."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mulligan.errors import DiskError

UNFINISHED = ".writing"  # ends the name of every file and folder that is not complete yet

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def disk_errors(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn an OSError inside the block into a DiskError that names the file and, where space ran out, the space needed.

    needed: bytes that the block wants to write, if known.
    """
    try:
        yield
    except OSError as error:
        raise explained(error, path, needed) from error


def explained(error: OSError, path: Path, needed: int | None = None) -> DiskError:
    """The DiskError that says what an OSError means for a file of a run."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        want = f"; it needs {size_text(needed)}" if needed is not None else ""
        return DiskError(
            f"no space left to write {path}{want}, and {_free_text(path)} ({reason})",
            "Free some space and give the same command again; what was saved before is intact",
        )
    if error.errno in _REFUSED:
        return DiskError(f"{path} may not be written ({reason})", "Make the folder writable, or choose another with --run DIR")
    hint = "Check the disk and give the same command again; what was saved before is intact"
    return DiskError(f"{path} cannot be written ({reason})", hint)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file: beside it, synced, then renamed over the old one. Raises DiskError."""
    beside = path.with_name(f".{path.name}{UNFINISHED}")
    with disk_errors(path, len(content)):
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except OSError:
            _forget(beside)
            raise
        sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file as `write_bytes` does."""
    write_bytes(path, text.encode())


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power cut, on systems where a folder can be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems sync no folders
            raise
    finally:
        os.close(handle)


def size_text(size: int) -> str:
    """A number of bytes for people.

    >>> size_text(900), size_text(3_500_000)
    ('900 bytes', '3.3 MiB')
    """
    if size < 1024:
        return f"{size} bytes"
    power = min((size.bit_length() - 1) // 10, 4)
    return f"{size / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def _free_text(path: Path) -> str:
    for folder in (path, *path.absolute().parents):
        try:
            return f"{size_text(shutil.disk_usage(folder).free)} are free"
        except OSError:
            continue
    return "the free space is unknown"


def _forget(path: Path) -> None:
    with suppress(OSError):  # the error that led here is the one to tell
        path.unlink(missing_ok=True)
