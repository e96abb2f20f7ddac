"""Arrays in a .npy or .npz file: images as uint8 or floats, N H W or N H W C, with or without labels; or points, N D.

Read by a reader of our own that looks at the header first: numpy would allocate what a header claims. Nothing is ever unpickled.
"""

import math
import os
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.lib import format as npy

from mulligan.data.dataset import Dataset, held_out, images, points, split_by
from mulligan.data.pictures import channels_for, fit_all, side_for
from mulligan.errors import DataError, UnsafeError
from mulligan.recipe import Data

BY_PATH = True
MOST_CLASSES = 10_000
_PART = 1 << 20


def accepts(source: str) -> bool:
    """Whether the source is a .npy or .npz file."""
    return Path(source).suffix.lower() in (".npy", ".npz") and Path(source).is_file()


def load(request: Data) -> Dataset:
    """The array `images` or `points` of the file (or its only array), and `labels` if it is there.

    Images are uint8, or floats that lie in [0, 1] or in [-1, 1]; with 1 or 3 channels last, or without. Two dimensions are points.
    Raises DataError for anything else, UnsafeError for a pickle.
    """
    path = Path(request.source)
    try:
        with path.open("rb") as file:
            samples, labels = _from_zip(file, path) if path.suffix.lower() == ".npz" else (_from_npy(file, path), None)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path} cannot be read ({error})", "Write it again with numpy.save or numpy.savez") from None
    if samples.ndim not in (2, 3, 4) or len(samples) == 0 or 0 in samples.shape:
        raise DataError(f"{path}: an array of shape {samples.shape}", "Expected images (N, H, W) or (N, H, W, C), or points (N, D)")
    held = held_out([str(place) for place in range(len(samples))])
    if samples.ndim == 2:
        train, test = split_by(held, _numbers(samples, path), None)
        return points(request, train, test, [f"x{place + 1}" for place in range(samples.shape[1])])
    pixels = _pixels(samples, path)
    height, width = pixels.shape[1:3]
    target = fit_all(pixels, side_for(request, [(width, height)]), channels_for(request, grey=pixels.ndim == 3))
    label, classes = _labelled(labels, len(samples), path) if labels is not None and request.labels else (None, ())
    train, test = split_by(held, target, label)
    return images(request, train, test, classes)


def _from_npy(file: BinaryIO, path: Path) -> np.ndarray:
    return _read(file, os.fstat(file.fileno()).st_size, str(path))


def _from_zip(file: BinaryIO, path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    if file.read(1) == b"\x80":
        raise _pickled(str(path))
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist() if info.filename.endswith(".npy")}
        names = [name for name in members if name not in ("labels", "provenance")]
        chosen = next((name for name in ("images", "points") if name in names), names[0] if len(names) == 1 else None)
        if chosen is None:
            found = ", ".join(sorted(members)[:10]) or "no arrays"
            raise DataError(f"{path} holds {found}; expected images or points", "Save it as numpy.savez(file, images=..., labels=...)")
        arrays = []
        for name in (chosen, "labels"):
            if name in members:
                with archive.open(members[name]) as stream:
                    arrays.append(_read(cast("BinaryIO", stream), members[name].file_size, f"{path}: {name}"))
    return arrays[0], arrays[1] if len(arrays) > 1 else None


def _read(stream: BinaryIO, size: int, what: str) -> np.ndarray:
    """The array in a stream of `size` bytes, allocated only when its header and the size agree and this machine has room."""
    start = stream.read(npy.MAGIC_LEN)
    if start[:1] == b"\x80":
        raise _pickled(what)
    if start[:6] != npy.MAGIC_PREFIX or start[6:] not in (b"\x01\x00", b"\x02\x00"):
        raise DataError(f"{what} is no numpy array", "Write it with numpy.save or numpy.savez")
    try:
        reader = npy.read_array_header_1_0 if start[6] == 1 else npy.read_array_header_2_0
        shape, column_major, dtype = reader(stream)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise DataError(f"{what} has a broken header", "Write it again with numpy.save or numpy.savez") from None
    if dtype.hasobject:
        raise _pickled(what)
    wanted = math.prod(shape) * dtype.itemsize
    left = size - (stream.tell() if stream.seekable() else 0)
    if wanted != left or min(shape, default=0) < 0:
        raise DataError(f"{what} is cut off or damaged: {dtype} {shape} needs {wanted} bytes, and it has {left}", "Write it again")
    _require_room(wanted, what)
    flat = np.empty(math.prod(shape), dtype)
    room, place = flat.view(np.uint8).data, 0
    while place < wanted:
        part = stream.read(min(_PART, wanted - place))
        if not part:
            raise DataError(f"{what} is cut off after {place} of {wanted} bytes", "Write it again")
        room[place : place + len(part)] = part
        place += len(part)
    return flat.reshape(shape, order="F" if column_major else "C")


def _pickled(what: str) -> UnsafeError:
    return UnsafeError(f"{what} holds pickled Python objects, which may run anything", "Save plain numbers: array.astype(numpy.uint8)")


def _require_room(wanted: int, what: str) -> None:
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if wanted > memory // 2:
        raise DataError(f"{what} needs {wanted / 1e9:.1f} GB of the {memory / 1e9:.1f} GB of this machine", "Use fewer or smaller samples")


def _pixels(samples: np.ndarray, path: Path) -> np.ndarray:
    """Any images as uint8 (N, H, W) or (N, H, W, 3)."""
    if samples.ndim == 4 and samples.shape[-1] == 1:
        samples = samples[..., 0]
    if samples.ndim == 4 and samples.shape[-1] != 3:
        hint = "Put the channels last: array.transpose(0, 2, 3, 1)" if samples.shape[1] in (1, 3) else "Expected 1 or 3 channels, last"
        raise DataError(f"{path}: images of shape {samples.shape[1:]}", hint)
    if samples.dtype == np.uint8:
        return samples
    low, high = samples.min(), samples.max()
    if samples.dtype.kind == "b":
        scale, shift = 255.0, 0.0
    elif samples.dtype.kind in "iu" and low >= 0 and high <= 255:
        scale, shift = 1.0, 0.0
    elif samples.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{path}: image {_first_bad(samples)} holds a number that is not finite", "Remove that image")
    elif samples.dtype.kind == "f" and low >= -1 and high <= 1:
        scale, shift = (255.0, 0.0) if low >= 0 else (127.5, 127.5)
    else:
        raise DataError(
            f"{path}: pixels of {samples.dtype} from {low} to {high}", "Expected uint8 (0 to 255), or floats in [0, 1] or in [-1, 1]"
        )
    pixels = np.empty(samples.shape, np.uint8)
    for start in range(0, len(samples), 1024):  # in parts, so that memory holds no second copy as floats
        part = slice(start, start + 1024)
        pixels[part] = np.rint(samples[part].astype(np.float64) * scale + shift)
    return pixels


def _numbers(samples: np.ndarray, path: Path) -> np.ndarray:
    """Any points as float32."""
    if samples.dtype.kind not in "biuf":
        raise DataError(f"{path}: points of {samples.dtype}", "Expected numbers")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is told below
        numbers = samples.astype(np.float32)
    if not np.isfinite(numbers).all():
        row = _first_bad(numbers)
        column = int(np.flatnonzero(~np.isfinite(numbers[row]))[0])
        raise DataError(f"{path}: row {row}, column {column} is {samples[row, column]}", "Expected finite numbers; remove that row")
    return np.ascontiguousarray(numbers)


def _first_bad(samples: np.ndarray) -> int:
    return next(place for place, sample in enumerate(samples) if not np.isfinite(sample).all())


def _labelled(labels: np.ndarray, count: int, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as int64 (N,) of classes, and the names of the classes: numbers by value, words by the alphabet."""
    if labels.shape not in ((count,), (count, 1)):
        raise DataError(f"{path}: labels of shape {labels.shape} for {count} images", f"Expected ({count},)")
    labels = labels.reshape(-1)
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "biuU":
        raise DataError(f"{path}: labels of {labels.dtype}", "Expected whole numbers or words; or ignore them with data.labels=false")
    values, label = np.unique(labels, return_inverse=True)
    if len(values) > MOST_CLASSES:
        raise DataError(f"{path}: {len(values)} different labels (at most {MOST_CLASSES})", "Ignore them with data.labels=false")
    return label.astype(np.int64), tuple(str(value) for value in values.tolist())
