"""What was compiled is kept between runs, in the cache folder of this user, with a note for each step of what its compilation took.

torch keeps its files wherever TORCHINDUCTOR_CACHE_DIR says; where the user has not said it, a folder of Mulligan's is named there.
"""

import hashlib
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from mulligan import __version__
from mulligan.data.download import cache_folder
from mulligan.errors import MulliganError
from mulligan.recipe import Recipe
from mulligan.runs import environment, safe_json
from mulligan.runs.writing import write_text

PLACE = "TORCHINDUCTOR_CACHE_DIR"
MOST_BYTES = 1_000_000_000  # a step takes about 3 MB
IN_USE = 86400.0  # seconds for which a file counts as used by somebody

# What a step is made of; everything else in a recipe (seeds, lengths, names) can change without another compilation.
STEP = ("task", "scaling", "conditional", "latent", "players", "loss", "penalties", "augmentations", "turns", "order", "batch")
SAMPLE = ("kind", "shape", "classes")
MACHINE = ("device", "threads", "precision", "products", "split")


def keep() -> None:
    """Let torch keep what it compiles from now on; where that folder cannot be written to, torch has one of its own, for a while."""
    if os.environ.get(PLACE):
        return
    folder = _own()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK | os.X_OK):
        tidy(folder)
        remove_broken(folder)
        os.environ[PLACE] = str(folder)


def tidy(folder: Path, most: int = MOST_BYTES) -> None:
    """Where there are more bytes in a folder, remove every file that was not used for a day. Other processes may do the same meanwhile."""
    found = []
    for path in folder.rglob("*"):
        try:
            found.append((path, path.lstat()))
        except OSError:
            continue  # somebody else has removed it
    if sum(known.st_size for _, known in found) <= most:
        return
    long_ago = time.time() - IN_USE
    for path, known in found:
        if path.is_file() and max(known.st_atime, known.st_mtime) < long_ago:
            path.unlink(missing_ok=True)


def remove_broken(folder: Path) -> None:
    """Remove every library that is cut short, as a power cut leaves it: loading it would end this process.

    Other processes may be writing here, so files of the last minute are left alone.
    """
    for path in folder.rglob("*.so"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - 60 and not _is_whole(path):
                path.unlink()


def _is_whole(path: Path) -> bool:
    """Whether a library is as long as it says itself: an ELF file ends with the table of its sections, whose place is in its header."""
    with path.open("rb") as file:
        header = file.read(64)
    if len(header) < 64 or not any(header):
        return False
    if header[:5] != b"\x7fELF\x02":
        return True  # of another system, which does not say it here
    order = "<" if header[5] == 1 else ">"
    (table,) = struct.unpack_from(f"{order}Q", header, 40)
    size, count = struct.unpack_from(f"{order}HH", header, 58)
    return path.stat().st_size >= int(table) + int(size) * int(count)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Let torch compile inside as if it had never compiled anything here, and keep nothing of it."""
    from torch._inductor.utils import fresh_cache

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, fresh_cache(dir=folder):
        yield


def clear() -> None:
    """Remove all that was kept in Mulligan's own folder; what a user has named elsewhere is theirs."""
    folder = _own()
    if os.environ.get(PLACE) == str(folder):
        shutil.rmtree(folder, ignore_errors=True)


def key_of(recipe: Recipe, seeds: int = 1) -> str:
    """A name for the compiled step of a recipe, the same in every run of it. seeds: that train together.

    recipe: with nothing left to `auto` in its machine.
    """
    parts = recipe.model_dump(mode="json", include={**dict.fromkeys(STEP, True), "data": set(SAMPLE), "machine": set(MACHINE)})
    facts = [parts, seeds, environment.processor(), torch.__version__, __version__]
    return hashlib.sha256(safe_json.dumps(facts).encode()).hexdigest()[:32]


def known(key: str) -> float | None:
    """Processor seconds that this step took when it was found compiled, or a little more; None where it was never compiled here."""
    try:
        return float(safe_json.read_object(_note(key))["seconds"])
    except (MulliganError, KeyError, TypeError, ValueError):
        return None


def note(key: str, seconds: float) -> None:
    """Remember that this step is compiled, and how long this process computed for it: the least so far, since the first time takes longer.

    What cannot be written is forgotten.
    """
    place, before = _note(key), known(key)
    with suppress(MulliganError, OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(place, safe_json.dumps({"seconds": seconds if before is None else min(before, seconds)}))


def _own() -> Path:
    return cache_folder() / "compiled"


def _note(key: str) -> Path:
    """Beside the files that it is about, so that they go together."""
    return Path(os.environ.get(PLACE) or _own()) / "mulligan" / f"{key}.json"
