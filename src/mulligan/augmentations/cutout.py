"""Cutout: a square of half the side of an image is set to 0, anywhere in it, and cut off at its edges.

Zhao et al. 2020 (arXiv 2006.10738), section 3, DiffAugment. The strength is the probability that a sample is cut (there 1), as in
`translation`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from mulligan.augmentations.chance import happens, whole

needs_image = True
most = 1.0
SIDE = 1 / 2  # of the square, as a share of the image's


def draws(shape: tuple[int, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Where the middle of the square is, and whether there is one."""
    return {"middle": ("unit", (2,)), "coin": ("unit", ())}


def augment(samples: Tensor, drawn: Mapping[str, Tensor], strength: Tensor) -> Tensor:
    """Each sample with a square of zeros, where its coin is below the strength.

    >>> image = torch.ones(1, 1, 4, 4)
    >>> augment(image, {"middle": torch.tensor([[0.5, 0.0]]), "coin": torch.zeros(1)}, torch.tensor(1.0))[0, 0]
    tensor([[1., 1., 1., 1.],
            [0., 1., 1., 1.],
            [0., 1., 1., 1.],
            [1., 1., 1., 1.]])
    """
    rows = _inside(drawn["middle"][:, 0], samples.shape[2])
    columns = _inside(drawn["middle"][:, 1], samples.shape[3])
    cut = rows[:, None, :, None] & columns[:, None, None, :] & happens(drawn["coin"], strength)[:, None, None, None]
    return samples * (~cut).to(samples)


def _inside(unit: Tensor, side: int) -> Tensor:
    """Which rows (N, side) lie in the square."""
    length = int(side * SIDE + 0.5)
    first = whole(unit, side + 1 - length % 2) - length // 2
    place = torch.arange(side, device=unit.device)
    return (place >= first[:, None]) & (place < first[:, None] + length)
