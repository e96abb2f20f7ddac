"""Kernel distance of two sets of features: what is called KID with one certain feature network.

Squared maximum mean discrepancy with the kernel k(x, y) = (x·y / D + 1)^3 (Bińkowski et al. 2018, Demystifying MMD GANs,
arXiv 1801.01401, section 4, on Gretton et al. 2012, JMLR 13, equation 3):

    mean over pairs i ≠ j of k(a_i, a_j) + mean over pairs i ≠ j of k(b_i, b_j) - 2 mean over all pairs of k(a_i, b_j)

It is unbiased at any size, so it is the distance for few samples, and may come out below 0 for equal distributions. The original
averages over random subsets of 1,000; here all pairs are taken, which is the same in expectation and varies less.
"""

from typing import Any

import torch
from torch import Tensor

from mulligan.metrics.distances import matching
from mulligan.metrics.estimates import Estimate, of_percentiles, resample_counts

_BLOCK = 2**20  # kernel values held at once


def kernel_distance(a: Any, b: Any) -> float:
    """Unbiased squared MMD of two sets of features, a: (N, D), b: (M, D), or anything that `flat` takes.

    A single sample has no pairs with others; its pair with itself takes their place. Raises DataError as `matching` does.

    >>> kernel_distance(torch.zeros(3, 2), torch.ones(4, 2))
    7.0
    """
    return sum(float(terms.mean()) for terms in _terms(a, b))


def kernel_estimate(a: Any, b: Any, seed: int = 0) -> Estimate:
    """Kernel distance with a 95 % interval, from resampling what each sample adds to it.

    The distance is the sum of the means of h_a(i) = mean of k(a_i, other a) - mean of k(a_i, b) and of h_b; to first order it moves by
    twice the change of these means (Hoeffding 1948). For equal distributions, where the first order vanishes, the h that are found
    still vary by chance, by enough to make the interval hold, wider than it need be.
    """
    value, moved = 0.0, torch.zeros((), dtype=torch.float64)
    for side, terms in zip("ab", _terms(a, b), strict=True):
        means = resample_counts(len(terms), seed, f"kernel/{side}").double() @ terms / len(terms)
        value += float(terms.mean())
        moved = moved + 2 * (means - terms.mean())
    return of_percentiles(value, value + moved)


def _terms(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """What each sample adds: h_a (N,) and h_b (M,), float64; the sum of their means is the distance."""
    first, second = (rows.double() for rows in matching(a, b))
    across_a, across_b = _sums(first, second)
    terms = []
    for rows, across, others in ((first, across_a, len(second)), (second, across_b, len(first))):
        within, _ = _sums(rows, rows)
        if len(rows) > 1:
            itself = (rows.square().sum(1) / rows.shape[1] + 1) ** 3
            within = (within - itself) / (len(rows) - 1)
        terms.append(within - across / others)
    return terms[0], terms[1]


def _sums(rows: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of the kernel over rows and over columns of its table: (N,) and (M,)."""
    by_row, by_column = rows.new_empty(len(rows)), rows.new_zeros(len(among))
    step = max(_BLOCK // len(among), 1)
    for start in range(0, len(rows), step):
        plain = torch.addmm(rows.new_ones(1), rows[start : start + step], among.T, alpha=1 / rows.shape[1])
        values = plain.square().mul_(plain)
        by_row[start : start + step] = values.sum(1)
        by_column += values.sum(0)
    return by_row, by_column
