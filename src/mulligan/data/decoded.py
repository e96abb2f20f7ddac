"""The decoded images of a folder, kept in one file of the cache: training begins at once, and takes only what it looks at into memory.

    training samples, then held-out ones                  uint8 (N, channels, side, side)
    their labels in the same order, where there are any   int64 (N,)
    what is known of them                                 JSON, then its length and MAGIC

A file is written beside its place, synced and renamed; its end is read first, and one that is cut off counts as none. It is made again
when the folder's state is another: the names, sizes and times of all its images (`scan.Found.state`).
"""

import json
import mmap
import os
import shutil
import struct
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from PIL import __version__ as pillow

from mulligan.data.dataset import Skipped, Split, fingerprints
from mulligan.data.download import cache_folder
from mulligan.errors import DataError
from mulligan.recipe import Data
from mulligan.runs.writing import UNFINISHED, disk_errors

FORMAT = 1  # raised when files are written, or images decoded, in another way
MAGIC = b"MULLIGAN"
UNUSED = 30 * 86400.0  # seconds after which a file that nobody opened goes, when another one is written
ABANDONED = 86400.0  # and one that was never finished
_END = struct.Struct("<Q8s")
_SPARE = 2**26  # bytes that stay free on the disk of the cache
_MOVED = 1024  # rows at once


@dataclass(frozen=True)
class Content:
    """What a file that has been filled with pixels holds.

    train, test: rows of the file that become these samples, in this order. label: of the one and then the other, int64, or None.
    unusable: images that could not be decoded.
    """

    train: np.ndarray
    test: np.ndarray
    label: np.ndarray | None
    classes: tuple[str, ...]
    unusable: tuple[Skipped, ...]


@dataclass(frozen=True)
class Decoded:
    """The samples of a folder. fingerprint: of the training samples with their labels, and plain: without."""

    train: Split
    test: Split | None
    classes: tuple[str, ...]
    unusable: tuple[Skipped, ...]
    fingerprint: str
    plain: str


def find(root: Path, state: str, request: Data) -> Decoded | None:
    """What is kept of a folder in this state, for this request; None where that is nothing, or no longer true."""
    if request.size is not None and request.colour != "auto":
        return _read(_place(root, request), _stamp(state))
    with suppress(OSError):  # a cache that cannot be read is none
        kept = sorted(_folder().glob(f"{_name(root)}-*.pixels"))
        return next((found for path in kept if (found := _read(path, _stamp(state), request)) is not None), None)
    return None


def write(root: Path, state: str, asked: Data, found: Data, images: int, fill: Callable[[Path], Content]) -> Decoded:
    """Decode a folder into its file. Where the cache has no room, the file is a temporary one.

    asked: what led to the size and the colour in `found`. images: rows that the file has room for. fill: writes pixels into rows of the
    file that it is given and says what there is; what it raises leaves nothing behind. Raises DiskError.
    """
    assert found.size is not None  # asked by the caller
    shape = (3 if found.colour == "rgb" else 1, found.size, found.size)
    place = _place(root, found)
    path, kept = _beside(place, images * prod(shape))
    try:
        with disk_errors(path, images * prod(shape)):
            with path.open("wb") as file:
                file.truncate(images * prod(shape))
            content = fill(path)
            _finish(path, shape, content, {"stamp": _stamp(state), "asked": _question(asked)})
            if kept:
                with suppress(OSError):  # some systems replace no file that another process reads
                    os.replace(path, place)
                    path = place
                    _sweep(place.parent)
            decoded = _read(path, _stamp(state))
    finally:
        if path != place:
            with suppress(OSError):  # which here is gone when this process lets it go
                path.unlink(missing_ok=True)
    if decoded is None:
        raise DataError(f"{root} has changed while it was read", "Wait until nothing is written there any more")
    return decoded


def _folder() -> Path:
    return cache_folder() / "folders"


def _name(root: Path) -> str:
    return sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:24]


def _place(root: Path, request: Data) -> Path:
    return _folder() / f"{_name(root)}-{request.size}-{request.colour}.pixels"


def _stamp(state: str) -> str:
    return f"{FORMAT}, Pillow {pillow}, {state}"


def _question(request: Data) -> list[Any]:
    return [request.size, request.colour, request.default_size]


def _beside(place: Path, needed: int) -> tuple[Path, bool]:
    """A new file to write into, and whether it may be kept: beside its place or, where the cache has no room, a temporary one."""
    path = place.with_name(f".{uuid4().hex[:12]}{UNFINISHED}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(place.parent).free > needed + _SPARE:
            path.touch(0o600, exist_ok=False)  # the folder of the images may be closed to others
            return path, True
    except OSError:
        pass
    with disk_errors(Path(tempfile.gettempdir()), needed):
        handle, name = tempfile.mkstemp(suffix=UNFINISHED)
        os.close(handle)
    return Path(name), False


def _finish(path: Path, shape: tuple[int, ...], content: Content, known: dict[str, Any]) -> None:
    """Bring the rows into their order, and write the rest of the file."""
    order = np.concatenate([content.train, content.test])
    size = prod(shape)
    if not np.array_equal(order, np.arange(len(order))):
        rows = np.memmap(path, np.uint8, "r+", shape=(int(order.max()) + 1, size))
        for start in range(0, len(order), _MOVED):  # a row moves forward alone, or all of them are moved at once
            moved = order[start : start + _MOVED]
            rows[start : start + len(moved)] = rows[moved]
        rows.flush()
    with path.open("r+b") as file:
        file.truncate(len(order) * size)
        file.seek(0, os.SEEK_END)
        if content.label is not None:
            file.write(content.label.tobytes())
        file.flush()
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        train = _split(mapped, shape, 0, len(content.train), content.label)
        with_labels, plain = fingerprints(train)
        facts = {
            **known,
            "shape": shape,
            "train": len(content.train),
            "test": len(content.test),
            "classes": content.classes if content.label is not None else None,
            "unusable": [asdict(skipped) for skipped in content.unusable],
            "fingerprints": [with_labels, plain],
        }
        text = json.dumps(facts).encode()
        file.write(text + _END.pack(len(text), MAGIC))
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path, stamp: str, request: Data | None = None) -> Decoded | None:
    """A file, if it is whole and has this stamp, and if this request led to it (where one is given)."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - _END.size, 0))
            length, magic = _END.unpack(file.read())
            if magic != MAGIC or length > size - _END.size:
                return None
            file.seek(size - _END.size - length)
            facts = json.loads(file.read(length))
            if facts["stamp"] != stamp or (request is not None and facts["asked"] != _question(request)):
                return None
            shape, counts = tuple(facts["shape"]), (facts["train"], facts["test"])
            labelled = facts["classes"] is not None
            pixels = prod(shape) * sum(counts)
            if size != pixels + 8 * sum(counts) * labelled + length + _END.size:
                return None
            label = None
            if labelled:
                file.seek(pixels)
                label = np.frombuffer(file.read(8 * sum(counts)), np.int64).copy()
            with suppress(OSError):
                os.utime(path)  # it is in use
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            train = _split(mapped, shape, 0, counts[0], label)
            with_labels, plain = facts["fingerprints"]
            return Decoded(
                train=train,
                test=_split(mapped, shape, counts[0], counts[1], label) if counts[1] else None,
                classes=tuple(facts["classes"] or ()),
                unusable=tuple(Skipped(**skipped) for skipped in facts["unusable"]),
                fingerprint=with_labels,
                plain=plain,
            )
    except (OSError, ValueError, TypeError, KeyError, struct.error):
        return None


def _split(mapped: mmap.mmap, shape: tuple[int, ...], start: int, count: int, label: np.ndarray | None) -> Split:
    target = np.frombuffer(mapped, np.uint8, count * prod(shape), start * prod(shape)).reshape(count, *shape)
    return Split(target, None if label is None else label[start : start + count], mapped)


def _sweep(folder: Path) -> None:
    """Remove what nobody has opened for long."""
    for path in folder.iterdir():
        with suppress(OSError):
            unused = time.time() - path.stat().st_mtime
            if unused > (ABANDONED if path.name.endswith(UNFINISHED) else UNUSED):
                path.unlink()
