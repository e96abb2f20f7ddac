"""Translation: images are shifted by up to an eighth of their side in each direction, and black or grey (0) comes in from the edge.

Zhao et al. 2020 (arXiv 2006.10738), section 3, DiffAugment. The strength is the probability that a sample is shifted (there 1), as
Karras et al. 2020 (arXiv 2006.06676), section 3, have it, so that it can be raised and lowered while a run goes on.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from mulligan.augmentations.chance import happens, whole

needs_image = True
most = 1.0
FARTHEST = 1 / 8  # share of the side


def draws(shape: tuple[int, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Where to, down and to the right, and whether at all."""
    return {"shift": ("unit", (2,)), "coin": ("unit", ())}


def augment(samples: Tensor, drawn: Mapping[str, Tensor], strength: Tensor) -> Tensor:
    """Each sample shifted by whole pixels, where its coin is below the strength.

    A row or column that comes from nowhere is 0. Written as a product with a matrix of zeros and ones for each sample, the gradient of
    which is the same sum on every device.

    >>> image = torch.arange(64.0).view(1, 1, 8, 8)
    >>> moved = augment(image, {"shift": torch.tensor([[0.5, 0.99]]), "coin": torch.zeros(1)}, torch.tensor(1.0))
    >>> moved[0, 0, 0]
    tensor([0., 0., 1., 2., 3., 4., 5., 6.])
    """
    moves = happens(drawn["coin"], strength)
    rows = _shifting(drawn["shift"][:, 0], moves, samples.shape[2], samples)
    columns = _shifting(drawn["shift"][:, 1], moves, samples.shape[3], samples)
    return torch.einsum("nij,ncjk,nlk->ncil", rows, samples, columns)


def _shifting(unit: Tensor, moves: Tensor, side: int, like: Tensor) -> Tensor:
    """Matrices (N, side, side) that shift: row i takes from row i - shift."""
    farthest = int(side * FARTHEST + 0.5)
    shift = torch.where(moves, whole(unit, 2 * farthest + 1) - farthest, 0)
    place = torch.arange(side, device=like.device)
    return (place.view(1, 1, -1) == place.view(1, -1, 1) - shift.view(-1, 1, 1)).to(like)
