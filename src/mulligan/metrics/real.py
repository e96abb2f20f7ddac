"""The real data that samples are judged by: held-out samples, training samples, and how they are to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mulligan import find
from mulligan.data.dataset import Dataset, Endless, Split, fingerprint
from mulligan.data.opening import built_in, judge_for, open_dataset
from mulligan.errors import DataError, UsageError
from mulligan.metrics.features import Features, features
from mulligan.randomness import numpy_generator, torch_generator
from mulligan.recipe import Data

ENDLESS = 30_000  # samples that are drawn of each side of a source that never ends
HALVES = "halves of train"


@dataclass(frozen=True)
class Modes:
    """What modes of the data are known: centres (K, D) with one deviation, or cells that a classifier tells by channel."""

    centres: Tensor | None = None
    deviation: float = 0.0
    cells: Features | None = None


@dataclass(frozen=True)
class Real:
    """Real samples, decoded: uint8 (N, H, W) or (N, H, W, 3), or float32 (N, D).

    test: held-out ones, or half of the training samples where there are none (`split` says which). train: training samples that floors
    are taken of. seen: all that the generator may have copied; None for a source that never ends. networks: feature networks, the first
    being the one that most figures are taken in. modes: where they are known. digest: SHA-256 of both sets.
    """

    test: Tensor
    train: Tensor
    seen: Tensor | None
    split: str
    networks: tuple[Features, ...]
    modes: Modes
    digest: str

    @property
    def images(self) -> bool:
        """Whether samples are images."""
        return self.test.dtype == torch.uint8

    def chosen(self, n: int, seed: int) -> tuple[Tensor, Tensor]:
        """N held-out and n training samples, a random choice by the seed."""
        picked = [
            rows[torch.randperm(len(rows), generator=torch_generator(seed, f"figures/{side}"))[:n]]
            for side, rows in (("test", self.test), ("train", self.train))
        ]
        return picked[0], picked[1]


def real_data(against: Any, networks: Sequence[str] = (), like: Tensor | None = None) -> Real:
    """The real side of a comparison.

    against: a Dataset, a name or path of data, or an array: uint8 images (N, H, W) or (N, H, W, 3), or points (N, D).
    networks: feature networks by name; if none, those that the data ask for. like: samples (N, ...) whose size and colour a folder
    of pictures is read in. Raises UsageError, DataError.

    >>> real_data("ring").networks[0].name
    'coordinates'
    """
    if isinstance(against, Dataset):
        return _of_dataset(against, networks)
    if isinstance(against, str | Path):
        return _of_dataset(open_dataset(_request(str(against), like)), networks)
    return _of_array(against, networks)


def decoded(split: Split) -> Tensor:
    """Samples as data sets hold them -> as they are looked at, in the same memory: uint8 (N, C, H, W) -> (N, H, W) or (N, H, W, 3).

    Points stay as they are.
    """
    raw = split.tensor()
    if raw.ndim == 4:
        return raw[:, 0] if raw.shape[1] == 1 else raw.movedim(1, 3)
    return raw


def samples_of(given: Any, n: int, seed: int, like: Tensor | None = None) -> Tensor:
    """Samples as a tensor: of an array, of a folder or file (all of it), or of a callable (n, seed) -> samples.

    like: real samples in whose size and colour pictures are read. Raises UsageError, DataError.
    """
    if isinstance(given, str | Path):
        if str(given) in built_in():
            raise UsageError(f"{given} is built-in data, not samples", "Give a folder of images, an array or a table")
        dataset = open_dataset(_request(str(given), like))
        parts = [part.target for part in (dataset.train, dataset.test) if isinstance(part, Split)]
        return decoded(Split(np.concatenate(parts))).contiguous()
    made = given(n, seed) if callable(given) else given
    try:
        return torch.as_tensor(made)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"these samples are no array of numbers ({str(error).splitlines()[0][:120]})", "Give numbers, all of one shape"
        ) from None


def _request(source: str, like: Tensor | None) -> Data:
    if find.is_outside(source):
        find.trust(source)
    if like is None or like.dtype != torch.uint8 or source in built_in():
        return Data(source=source)
    return Data(source=source, size=like.shape[1], colour="grey" if like.ndim == 3 else "rgb")


def _of_dataset(dataset: Dataset, networks: Sequence[str]) -> Real:
    source = dataset.data.source
    modes, judge = _modes(find.load("data", source) if source in built_in() else None), judge_for(dataset.data)
    train, test = dataset.train, dataset.test
    if isinstance(train, Endless):
        draws = [torch.from_numpy(train.draw(ENDLESS, numpy_generator(0, "real", side))) for side in (0, 1)]
        return _made(draws[0], draws[1], None, "test", networks, judge, modes)
    held_out = None if test is None or isinstance(test, Endless) else decoded(test)
    return _split(decoded(train), held_out, networks, judge, modes)


def _of_array(given: Any, networks: Sequence[str]) -> Real:
    rows = samples_of(given, 0, 0)
    if rows.ndim < 2 or not len(rows):
        raise DataError(f"real samples of shape {tuple(rows.shape)} are none to judge by", "Give (N, ...) with at least one sample")
    image = rows.dtype == torch.uint8
    return _split(rows if image else rows.float(), None, networks, "random" if image else "coordinates", Modes())


def _split(train: Tensor, test: Tensor | None, networks: Sequence[str], judge: str, modes: Modes) -> Real:
    if test is not None:
        return _made(test, train, train, "test", networks, judge, modes)
    order = torch.randperm(len(train), generator=torch_generator(0, "figures/halves"))
    half = max(len(train) // 2, 1)
    other = train[order[half:]] if len(train) > 1 else train
    return _made(train[order[:half]], other, train, HALVES, networks, judge, modes)


def _made(test: Tensor, train: Tensor, seen: Tensor | None, split: str, networks: Sequence[str], judge: str, modes: Modes) -> Real:
    channels = 1 if test.ndim == 3 else 3
    wanted = list(networks) or _usual(judge)
    digest = sha256("".join(fingerprint(Split(rows.numpy())) for rows in (test, train)).encode()).hexdigest()
    return Real(test, train, seen, split, tuple(features(name, channels) for name in wanted), modes, digest)


def _usual(judge: str) -> list[str]:
    """The judge of the data, and beside one that was trained the random network, which knows nothing of any data."""
    return [judge] if judge in ("random", "coordinates") else [judge, "random"]


def _modes(home: Any) -> Modes:
    cells = getattr(home, "CELLS", None)
    if cells is not None:
        return Modes(cells=features(cells))
    centres = getattr(home, "MODES", None)
    return Modes() if centres is None else Modes(torch.as_tensor(centres, dtype=torch.float32), float(home.DEVIATION))
