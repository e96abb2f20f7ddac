"""Mean, standard deviation and sharpness of samples beside those of real data: what is wrong at first sight.

Too dark, too pale, blurred: these show in one number each, which no distance in a feature space tells apart.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import flat


@dataclass(frozen=True)
class Moments:
    """Of images: mean and standard deviation of all pixels per channel, in shares of the range. Of points: those of each column.

    sharpness: mean absolute difference of a pixel from the mean of its four neighbours (the discrete Laplacian, a quarter of it); lower
    in blurred images, higher in noise. None for points, and for images of less than 3x3 pixels.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    sharpness: float | None


@dataclass(frozen=True)
class Beside:
    """Moments of samples and of real data."""

    samples: Moments
    real: Moments


def moments(samples: Any, real: Any) -> Beside:
    """Moments of samples beside those of real data.

    Both: uint8 images (N, H, W) or (N, H, W, C), or points (N, D). Raises DataError for shapes that do not match,
    for images with their channels in another place, and as `flat` does.

    >>> found = moments(torch.zeros(3, 2), torch.ones(4, 2))
    >>> found.samples.mean, found.real.mean
    ((0.0, 0.0), (1.0, 1.0))
    """
    made, true = torch.as_tensor(samples), torch.as_tensor(real)
    if made.shape[1:] != true.shape[1:]:
        raise DataError(
            f"samples of shape {tuple(made.shape[1:])} cannot be set beside real data of shape {tuple(true.shape[1:])}",
            "Give samples of the same kind",
        )
    if made.ndim > 4 or (made.ndim == 4 and made.shape[-1] > 4):
        raise DataError(f"images of shape {tuple(made.shape[1:])} do not end in their channels", "Give (N, H, W) or (N, H, W, 3)")
    return Beside(_moments(made), _moments(true))


def _moments(given: Tensor) -> Moments:
    rows = flat(given)
    if given.ndim == 2:
        return _of_columns(rows, None)
    images = rows.reshape(*given.shape[:3], -1)
    return _of_columns(images.flatten(0, 2), _sharpness(images))


def _of_columns(columns: Tensor, sharpness: float | None) -> Moments:
    means = columns.mean(0, dtype=torch.float64)
    deviations = columns.std(0, correction=0)
    return Moments(tuple(means.tolist()), tuple(deviations.tolist()), sharpness)


def _sharpness(images: Tensor) -> float | None:
    """Images (N, H, W, C) -> mean of |pixel - mean of its four neighbours|, over all pixels but those of the border."""
    if min(images.shape[1:3]) < 3:
        return None
    middle = images[:, 1:-1, 1:-1]
    around = (images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]) / 4
    return float((middle - around).abs().mean(dtype=torch.float64))
