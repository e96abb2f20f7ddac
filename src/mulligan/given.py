"""Samples that a user gives to a run or a model which is there already: read in its shape, labels in its classes."""

import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from mulligan import find
from mulligan.data.dataset import Dataset, Split, held_out
from mulligan.data.opening import built_in, open_dataset
from mulligan.data.pictures import square
from mulligan.data.scan import UnusableError, read_image
from mulligan.errors import DataError, UsageError
from mulligan.recipe import Data
from mulligan.runs.writing import disk_errors, write_bytes
from mulligan.sampling.asked import find_label

DRAWN = 1000  # points that are taken of an endless source
_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
Given = tuple[np.ndarray, np.ndarray | None]


def read(source: str, shape: tuple[int, ...], classes: Sequence[str] = ()) -> Given:
    """Raw samples (N, *shape) of a source, resized to `shape`, and their labels int64 (N,) if there are classes and labels.

    source: an image, a folder of images, an array, a table: all its samples, those of a file in the file's order. Of a built-in set,
    the held-out ones. classes: those that labels are numbered by. Raises UsageError, DataError.
    """
    is_image = len(shape) == 3
    path = Path(source)
    if is_image and path.suffix.lower() in _IMAGES and path.is_file():
        try:
            image = read_image(path, shape[1])
        except UnusableError as error:
            raise DataError(f"{path}: {error}", "Give another image") from None
        return square(image, shape[1], shape[0])[None].copy(), None  # its memory is the picture's, which may not be written to
    if find.is_outside(source):
        find.trust(source)
    asked = Data(source=source, size=shape[1], colour="grey" if shape[0] == 1 else "rgb") if is_image else Data(source=source)
    dataset = open_dataset(asked)
    if dataset.data.shape != shape:
        raise UsageError(f"{source} holds samples of shape {dataset.data.shape}, and these are {shape}", "Give samples of the same kind")
    raw, label = _all(dataset, source in built_in(), path.is_file())
    if label is None or not classes:
        return raw, None
    numbers = np.array([find_label(name, classes) for name in dataset.data.classes], np.int64)
    return raw, numbers[label]


def read_array(samples: Any, shape: tuple[int, ...], classes: Sequence[str] = (), labels: Any = None) -> Given:
    """The same for numbers in memory: images (N, H, W) or (N, H, W, 3), or points (N, D); labels (N,) if there are some."""
    with tempfile.TemporaryDirectory() as folder:
        return read(str(write_array(Path(folder) / "array.npz", samples, labels)), shape, classes)


def write_array(path: Path, samples: Any, labels: Any = None) -> Path:
    """Numbers in memory as a file that is data. Raises UsageError for what is no array of numbers, DiskError."""
    arrays: dict[str, Any] = {"images": as_numbers(samples)} | ({} if labels is None else {"labels": np.asarray(labels)})
    if arrays["images"].ndim == 2:
        arrays["points"] = arrays.pop("images")
    buffer = BytesIO()
    np.savez(buffer, **arrays)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, buffer.getvalue())
    return path


def as_numbers(samples: Any) -> np.ndarray:
    """Anything that numpy reads as an array of numbers. Raises UsageError for others."""
    try:
        array = np.asarray(samples)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(
            f"these samples are no array ({str(error).splitlines()[0][:120]})", "Give numpy numbers, all of one shape"
        ) from None
    if array.dtype.kind not in "biuf":
        raise UsageError(f"samples of type {array.dtype}", "Give a path, a name of built-in data, or an array of numbers")
    return array


def _all(dataset: Dataset, published: bool, in_order: bool) -> Given:
    """All samples (of a published set, the held-out ones) and their labels."""
    train, test = dataset.train, dataset.test
    if published and isinstance(test, Split):
        return test.target, test.label
    if not isinstance(train, Split):
        return train.draw(DRAWN, np.random.default_rng(0)), None
    if not isinstance(test, Split):
        return train.target, train.label
    raw = np.concatenate([train.target, test.target])
    label = None if train.label is None or test.label is None else np.concatenate([train.label, test.label])
    if in_order:  # of arrays and tables, samples are held out by their position in the file
        held = held_out([str(place) for place in range(len(raw))])
        back = np.argsort(np.concatenate([np.flatnonzero(~held), np.flatnonzero(held)]))
        raw, label = raw[back], None if label is None else label[back]
    return raw, label
