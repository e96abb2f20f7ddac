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


def moments(samples: Any) -> Moments:
    """Moments of a set of samples, to be set beside those of real data.

    samples: uint8 images (N, H, W) or (N, H, W, C), or points (N, D). Raises DataError for images with their channels in another place,
    and as `flat` does.

    >>> moments(torch.ones(4, 2)).mean
    (1.0, 1.0)
    """
    given = torch.as_tensor(samples)
    if given.ndim > 4 or (given.ndim == 4 and given.shape[-1] > 4):
        raise DataError(f"images of shape {tuple(given.shape[1:])} do not end in their channels", "Give (N, H, W) or (N, H, W, 3)")
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
