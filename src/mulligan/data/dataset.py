"""What a source of data hands over: samples to train on, samples to test on, and what was found.

A file in data/ has `accepts(source) -> bool` and `load(request) -> Dataset`, and imports no torch.
"""

import mmap
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING

import numpy as np

from mulligan.errors import DataError
from mulligan.recipe import Data

if TYPE_CHECKING:
    from torch import Tensor

_HELD_OUT = 10  # every tenth sample on average, where there are at least
_WORTH_SPLITTING = 100  # so many
_HASHED = 4096  # samples at once


@dataclass(frozen=True)
class Split:
    """Samples in memory. target: uint8 (N, C, H, W) or float32 (N, D). label: int64 (N,), or None.

    mapped: the file that `target` is a part of and is read from as it is looked at; such a target cannot be written to.
    """

    target: np.ndarray
    label: np.ndarray | None = None
    mapped: mmap.mmap | None = field(default=None, repr=False, compare=False)

    def tensor(self) -> "Tensor":
        """`target` in the same memory, to be read alone."""
        import torch

        with warnings.catch_warnings():  # of a file, that it cannot be written to
            warnings.simplefilter("ignore")
            return torch.from_numpy(self.target)

    def let_go(self) -> None:
        """Give back the memory of what has been looked at in a file; it is read again when it is looked at again."""
        if self.mapped is not None and sys.platform != "win32":
            self.mapped.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class Endless:
    """Samples drawn afresh: draw(n, generator) -> float32 (n, D)."""

    draw: Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Skipped:
    """A file that was not used, and why. broken: it says that it is an image and is not a good one."""

    file: str
    reason: str
    broken: bool = True


@dataclass(frozen=True)
class Dataset:
    """Samples with what was found about them.

    data: the request with kind, shape, size, colour, classes, columns, count and fingerprint filled in; opening it again gives the same.
    train, test: samples; test is None where there are too few to hold some out. skipped: files that were not used. licence: of the
    data, empty where only the user knows.
    """

    data: Data
    train: Split | Endless
    test: Split | Endless | None
    skipped: tuple[Skipped, ...] = ()
    licence: str = ""


def images(
    request: Data,
    train: Split,
    test: Split | None,
    classes: Sequence[str] = (),
    skipped: Sequence[Skipped] = (),
    licence: str = "",
    known: str = "",
) -> Dataset:
    """A data set of images uint8 (N, C, H, W), described. known: the fingerprint of `train`, where it has been taken already."""
    channels, height, _ = train.target.shape[1:]
    found: dict[str, object] = {"size": height, "colour": "grey" if channels == 1 else "rgb"}
    if train.label is None or not request.labels:
        train, test, classes = replace(train, label=None), test and replace(test, label=None), ()
    return _described(request, "image", train, test, classes, skipped, licence, found, known)


def points(request: Data, train: Split, test: Split | None, columns: Sequence[str] = (), licence: str = "") -> Dataset:
    """A data set of points float32 (N, D), described. Raises DataError where pixels were asked for."""
    if request.size is not None or request.colour != "auto":
        raise DataError(f"{request.source} holds points, which have neither size nor colour", "Leave data.size and data.colour out")
    return _described(request, "points", train, test, (), (), licence, {"columns": tuple(columns)})


def endless(request: Data, draw: Callable[[int, np.random.Generator], np.ndarray], columns: Sequence[str], licence: str) -> Dataset:
    """A data set of points that never ends, described; it tests on points drawn like those it trains on."""
    if request.size is not None or request.colour != "auto":
        raise DataError(f"{request.source} makes points, which have neither size nor colour", "Leave data.size and data.colour out")
    source = Endless(draw)
    example = draw(1024, np.random.Generator(np.random.PCG64(0)))
    found = {
        "kind": "points",
        "shape": example.shape[1:],
        "classes": (),
        "columns": tuple(columns),
        "count": None,
        "fingerprint": fingerprint(Split(example)),
    }
    return Dataset(request.model_copy(update=found), source, source, (), licence)


def fingerprint(split: Split) -> str:
    """SHA-256 of the content of samples and labels, whatever files they came from.

    >>> fingerprint(Split(np.zeros((2, 3), np.float32))) == fingerprint(Split(np.ones((2, 3), np.float32)))
    False
    """
    return fingerprints(split)[0]


def fingerprints(split: Split) -> tuple[str, str]:
    """`fingerprint` of a split, and what it would be without its labels."""
    digest, plain = sha256(), ""
    for array in (split.target, split.label):
        if array is not None:
            digest.update(f"{array.dtype.str} {array.shape}\n".encode())
            for start in range(0, len(array), _HASHED):
                digest.update(np.ascontiguousarray(array[start : start + _HASHED]).reshape(-1).view(np.uint8).data)
                split.let_go()
        plain = plain or digest.hexdigest()
    return digest.hexdigest(), plain


def limited(dataset: Dataset) -> Dataset:
    """The data set with at most `data.limit` training samples: those whose places have the smallest hashes.

    So every run has the same, and a hundred are among the five hundred. Raises DataError for a source that never ends.

    >>> whole = images(Data(source="mine", limit=3), Split(np.arange(64 * 9, dtype=np.uint8).reshape(9, 1, 8, 8)), None)
    >>> limited(whole).data.count
    3
    """
    limit, train = dataset.data.limit, dataset.train
    if limit is None:
        return dataset
    if isinstance(train, Endless):
        raise DataError(f"{dataset.data.source} makes new points without end: there is no limit to them", "Leave data.limit out")
    if limit >= len(train.target):
        return dataset
    hashes = [blake2b(str(place).encode(), digest_size=8).digest() for place in range(len(train.target))]
    chosen = np.array(sorted(sorted(range(len(hashes)), key=hashes.__getitem__)[:limit]))
    kept = Split(train.target[chosen], None if train.label is None else train.label[chosen])
    found = {"count": limit, "fingerprint": fingerprint(kept)}
    return replace(dataset, data=dataset.data.model_copy(update=found), train=kept)


def require_same(found: Data, recorded: Data) -> None:
    """Raise DataError unless the data that were found now have the content of those that a run was trained on."""
    if found.fingerprint == recorded.fingerprint:
        return
    differences = [
        f"{what} {before}, now {now}"
        for what, before, now in (
            ("count", recorded.count, found.count),
            ("shape", recorded.shape, found.shape),
            ("classes", len(recorded.classes), len(found.classes)),
        )
        if before != now
    ]
    raise DataError(
        f"{recorded.source} has changed since the run began ({'; '.join(differences) or 'same shape, other content'})",
        "Bring the data back, or start a new run",
    )


def skipped_summary(dataset: Dataset) -> str:
    """One line for people about the broken images that are left out, naming the first few; empty where there are none.

    >>> bad = Skipped("a.png", "empty")
    >>> skipped_summary(Dataset(Data(source="photos"), Split(np.zeros((30, 1, 8, 8), np.uint8)), None, (bad,)))
    'photos: 1 of 31 images cannot be used (a.png: empty). Training goes on without them.'
    """
    broken = [skip for skip in dataset.skipped if skip.broken]
    if not broken:
        return ""
    good = sum(len(split.target) for split in (dataset.train, dataset.test) if isinstance(split, Split))
    shown = f"{len(broken)} of {good + len(broken)} images cannot be used ({first_few(broken)})"
    return f"{dataset.data.source}: {shown}. Training goes on without them."


def first_few(skipped: Sequence[Skipped]) -> str:
    """The first three with their reasons, on one line."""
    shown = "; ".join(f"{skip.file}: {skip.reason}" for skip in skipped[:3])
    return f"{shown}; ..." if len(skipped) > 3 else shown


def held_out(names: Sequence[str]) -> np.ndarray:
    """Which samples (N,) bool are held out as a test split: about a tenth, or none where there are fewer than a hundred.

    By a hash of the name alone, so that a sample stays on its side when others come or go.
    """
    if len(names) < _WORTH_SPLITTING:
        return np.zeros(len(names), bool)
    return np.array([blake2b(name.encode("utf-8", "surrogateescape")).digest()[0] % _HELD_OUT == 0 for name in names])


def split_by(held: np.ndarray, target: np.ndarray, label: np.ndarray | None) -> tuple[Split, Split | None]:
    """Samples and labels in two: (train, test); test is None where nothing is held out."""
    if not held.any():
        return Split(target, label), None
    kept = ~held
    return (
        Split(target[kept], None if label is None else label[kept]),
        Split(target[held], None if label is None else label[held]),
    )


def _described(
    request: Data,
    kind: str,
    train: Split,
    test: Split | None,
    classes: Sequence[str],
    skipped: Sequence[Skipped],
    licence: str,
    found: dict[str, object],
    known: str = "",
) -> Dataset:
    found = {
        **found,
        "kind": kind,
        "shape": tuple(train.target.shape[1:]),
        "classes": tuple(classes),
        "count": len(train.target),
        "fingerprint": known or fingerprint(train),
    }
    return Dataset(request.model_copy(update=found), train, test, tuple(skipped), licence)
