"""Fidelity and diversity by nearest neighbours: precision, recall, density, coverage.

Round each sample of a set lies a ball that reaches to its k-th neighbour in the same set. Precision and recall are those of
Kynkäänniemi et al. 2019 (arXiv 1904.06991, equations 1 and 2), density and coverage those of Naeem et al. 2020 (arXiv 2002.09797,
section 3):

    precision = share of fake samples in the ball of any real one        recall = share of real samples in the ball of any fake one
    density = mean over fake samples of the balls of real ones that they are in, divided by k
    coverage = share of real samples with a fake one in their ball

The border belongs to the ball, as in equation 1. Distributions that are equal have density 1 and the coverage that
`expected_coverage` gives, 1 - 2^-k for many samples on both sides. Precision and recall have no such constant, not even one that is
the same for all data: they mean something only beside the same figures of real data against real data, at the same sizes.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from mulligan.metrics.distances import flat, matching
from mulligan.metrics.estimates import Estimate, of_mean
from mulligan.metrics.nearest import nearest_others, squared_distances

K = 5
_SLACK = 1e-13  # of the largest squared size: copies of real samples lie on borders, and rounding may not decide about them


@dataclass(frozen=True)
class Neighbours:
    """The four figures; intervals of precision and density come from resampling fake samples, the other two from real ones.

    calibrated_coverage: coverage divided by what equal distributions have at these sizes; 1 for a perfect generator.
    k: the neighbour that balls reach to; below what was asked where a set has fewer samples.
    """

    precision: Estimate
    recall: Estimate
    density: Estimate
    coverage: Estimate
    calibrated_coverage: float
    k: int


class Manifold:
    """The real side: its balls are measured once and compared with many sets of fakes.

    real: (M, D), or anything that `flat` takes. k: the neighbour that the balls reach to, at most M - 1. A single real sample has a
    ball without extent. radii: (M,) float64.

    >>> points = torch.rand(400, 2)
    >>> Manifold(points[:200]).compare(fake=points[200:]).density.value > 0.8
    True
    """

    def __init__(self, real: Any, k: int = K) -> None:
        self.rows = flat(real)
        self.k = min(k, len(self.rows) - 1)
        self.radii = _radii(self.rows, self.k)

    def compare(self, *, fake: Any, seed: int = 0) -> Neighbours:
        """The four figures of fakes (N, D). Raises DataError for rows of another length, or that are not finite."""
        rows, real = matching(fake, self.rows)
        own = _radii(rows, min(self.k, len(rows) - 1)).square()[:, None]
        balls = self.radii.square()
        slack = _SLACK * float((real - real.mean(0)).square().sum(1).max())
        inside = torch.zeros(len(rows), dtype=torch.int64)
        covered = torch.zeros(len(real), dtype=torch.bool)
        recalled = torch.zeros(len(real), dtype=torch.bool)
        for part, squares in squared_distances(rows, real):
            hits = squares <= balls + slack
            inside[part] = hits.sum(1)
            covered |= hits.any(0)
            recalled |= (squares <= own[part] + slack).any(0)
        coverage = of_mean(covered, seed)
        expected = expected_coverage(real=len(real), fake=len(rows), k=self.k)
        return Neighbours(
            precision=of_mean(inside > 0, seed),
            recall=of_mean(recalled, seed),
            density=of_mean(inside.double() / max(self.k, 1), seed),
            coverage=coverage,
            calibrated_coverage=coverage.value / expected if expected else coverage.value,
            k=self.k,
        )


def neighbours(*, real: Any, fake: Any, k: int = K, seed: int = 0) -> Neighbours:
    """Precision, recall, density and coverage of fake samples (N, D) against real ones (M, D); the sides are named, never placed.

    seed: of the resamples behind the intervals. Raises DataError as `matching` does.

    >>> neighbours(real=torch.zeros(9, 2), fake=torch.ones(9, 2)).coverage.value
    0.0
    """
    return Manifold(real, k).compare(fake=fake, seed=seed)


def expected_coverage(*, real: int, fake: int, k: int = K) -> float:
    """Coverage of `real` samples by `fake` ones of the same continuous distribution (Naeem et al. 2020, section 3).

    A real sample is missed when its k nearest among all the others are real: 1 - product over i = 1..k of (M - i) / (M + N - i).

    >>> round(expected_coverage(real=10_000, fake=10_000), 3), 1 - 2**-5
    (0.969, 0.96875)
    """
    return 1 - prod((real - i) / (real + fake - i) for i in range(1, k + 1))


def _radii(rows: torch.Tensor, k: int) -> torch.Tensor:
    """Distance of each row to its k-th neighbour in its own set; 0 for a row that is alone."""
    return nearest_others(rows, k)[0][:, -1] if k else torch.zeros(len(rows), dtype=torch.float64)
