"""Samples of generators that learned nothing, or nothing but copying: rows that every table of figures should have.

A trained generator must beat a Gaussian with the mean and covariance of the data. Resampled training data score best on distances and
worst on memorisation, which is why the one means nothing without the other.
"""

from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import flat
from mulligan.randomness import torch_generator

_BLOCK = 1000  # samples that are made at once
_MOST = 2**26  # numbers of the data that a Gaussian is fitted to: with copies of them as floats, half a gigabyte


def gaussian(train: Any, n: int, seed: int = 0) -> Tensor:
    """N samples like train (M, ...), from the Gaussian with its mean and its full covariance over pixels or coordinates.

    train: uint8 images, for which samples are rounded and clipped to 0..255, or points. A sample is the mean plus the centred training
    data weighted by independent normal numbers / sqrt(M - 1), which has exactly that covariance, of whatever rank, without its root.
    Of more than 2^26 numbers a random choice of samples stands for all.
    Raises DataError for data that are not finite and n below 1.

    >>> gaussian(torch.zeros(5, 4, 4, dtype=torch.uint8), 3).shape
    torch.Size([3, 4, 4])
    """
    given = _train(train, n)
    most = max(_MOST // given[0].numel(), 2)
    if len(given) > most:
        given = given[torch.randperm(len(given), generator=torch_generator(seed, "baselines/chosen"))[:most]]
    rows = flat(given)
    mean = rows.mean(0)
    whole = given.dtype == torch.uint8  # so that rows are a copy of it
    centred = (rows.sub_(mean) if whole else rows - mean).div_(max(len(rows) - 1, 1) ** 0.5)
    generator = torch_generator(seed, "baselines/gaussian")
    starts = range(0, n, _BLOCK)
    made = torch.cat([torch.randn(min(_BLOCK, n - start), len(centred), generator=generator) @ centred + mean for start in starts])
    shaped = made.reshape(n, *given.shape[1:])
    return shaped.mul_(255).round_().clamp_(0, 255).to(torch.uint8) if whole else shaped.to(given.dtype)


def resampled(train: Any, n: int, seed: int = 0) -> Tensor:
    """N training samples (M, ...), drawn with replacement: the perfect copier. Raises DataError as `gaussian`.

    >>> resampled(torch.full((2, 3), 7.0), 2).tolist()
    [[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]
    """
    given = _train(train, n)
    return given[torch.randint(len(given), (n,), generator=torch_generator(seed, "baselines/resampled"))]


def _train(train: Any, n: int) -> Tensor:
    given = torch.as_tensor(train)
    flat(given[:1] if given.dtype == torch.uint8 else given)  # raises where there is nothing to fit
    if n < 1:
        raise DataError(f"{n} samples of a baseline cannot be made", "Ask for 1 or more")
    return given
