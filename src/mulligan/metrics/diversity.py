"""How different the samples of one set are from each other: spread, Vendi score, effective rank, duplicates.

None of them looks at real data: each means something beside the same figure of as many real samples.
"""

from typing import Any

import torch
from torch import Tensor

from mulligan.metrics.distances import flat
from mulligan.metrics.nearest import nearest_others, squared_distances
from mulligan.randomness import torch_generator

EXACT = 2000  # rows up to which all pairs are looked at; of more, a random choice of as many
VENDI = 1000  # the same for the Vendi score, whose cost grows with the cube
NARROW = 0.25  # width of the Vendi kernel, in typical distances between two real samples


def spread(rows: Any, seed: int = 0) -> float:
    """Mean distance between two samples (N, D); 0 for a single one. Of more than 2,000, that of a random choice.

    >>> spread(torch.tensor([[0.0], [3.0], [3.0]]))
    2.0
    """
    given = _choice(flat(rows), EXACT, seed)
    if len(given) < 2:
        return 0.0
    total = sum(float(squares.sqrt().sum()) for _, squares in squared_distances(given, given))
    return total / (len(given) * (len(given) - 1))


def kernel_width(real: Any, seed: int = 0) -> float:
    """Width of the kernel that `vendi` sees samples with: a quarter of the median distance between two real samples (N, D).

    1 where real samples do not differ.
    """
    given = _choice(flat(real), VENDI, seed)
    squares = torch.cat([block for _, block in squared_distances(given, given)])
    apart = squares[torch.ones_like(squares, dtype=torch.bool).triu(1)]
    return NARROW * float(apart.median().sqrt()) or 1.0 if len(apart) else 1.0


def vendi(rows: Any, width: float, seed: int = 0) -> float:
    """Vendi score: how many different samples there are, in effect; from 1 (all equal) to N (none like another).

    exp of the entropy of the eigenvalues of K / N (Friedman and Dieng 2022, arXiv 2210.02410), with the Gaussian kernel
    exp(-|x - y|^2 / (2 width^2)). A cosine kernel can count no more than D samples, two for points in a plane; this one has no such
    limit, but needs a width, and two sets can be compared with one and the same width only: take `kernel_width` of real samples.
    It grows with N: of more than 1,000 samples a random choice of 1,000 is judged.

    >>> round(vendi(torch.tensor([[0.0], [0.0], [5.0], [5.0]]), width=0.5), 6)
    2.0
    """
    given = _choice(flat(rows), VENDI, seed)
    squares = torch.cat([block for _, block in squared_distances(given, given)])
    kernel = torch.exp(-squares / (2 * width**2)).fill_diagonal_(1.0)
    return _effective(torch.linalg.eigvalsh((kernel + kernel.T) / (2 * len(given))))


def effective_rank(rows: Any) -> float:
    """Effective rank of the covariance (Roy and Vetterli 2007): exp of the entropy of the shares of variance along its axes.

    From 1 (all variance on one line) to D (the same in all directions); 0 for samples (N, D) that do not differ.

    >>> round(effective_rank(torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), 6)
    2.0
    """
    given = flat(rows).double()
    centred = given - given.mean(0)
    values = torch.linalg.eigvalsh(centred.T @ centred if centred.shape[1] <= len(centred) else centred @ centred.T)
    return _effective(values) if float(centred.abs().max()) > 0 else 0.0


def duplicates(rows: Any, radius: float) -> float:
    """Share of samples (N, D) with another one of the set within a radius; 0 for a single sample.

    >>> duplicates(torch.tensor([[0.0], [0.1], [5.0], [9.0]]), radius=0.2)
    0.5
    """
    distances = nearest_others(flat(rows))[0]
    return float((distances <= radius).any(1).double().mean())


def _effective(values: Tensor) -> float:
    """Exp of the entropy of non-negative values, which are shared out to 1; rounding below 0 counts as 0."""
    shares = values.clamp(min=0) / values.clamp(min=0).sum()
    return float(torch.special.entr(shares).sum().exp())


def _choice(rows: Tensor, most: int, seed: int) -> Tensor:
    return rows if len(rows) <= most else rows[torch.randperm(len(rows), generator=torch_generator(seed, "diversity"))[:most]]
