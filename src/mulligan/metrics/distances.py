"""Distances between two sets of samples, from the samples alone: sliced Wasserstein and Fréchet.

Both take (N, D) and (M, D), any N and M from 1 on, and are zero for two equal sets. Both are biased upwards for small sets, so a
value means something only beside its floor: the same distance, at the same sizes, between two sets of real samples (figures.py).
"""

from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.randomness import torch_generator

DIRECTIONS = 256


def flat(samples: Any) -> Tensor:
    """Samples as rows of numbers: (N, ...) -> (N, D) float32.

    uint8 images are scaled to [0, 1] and flattened; other numbers stay as they are. Raises DataError for numbers that are not
    finite, for no samples at all, and for a single number.

    >>> flat(torch.full((2, 28, 28), 255, dtype=torch.uint8)).sum(1)
    tensor([784., 784.])
    """
    given = torch.as_tensor(samples)
    if given.ndim < 2 or given.numel() == 0:
        raise DataError(f"samples of shape {tuple(given.shape)} cannot be compared", "Give (N, ...) with at least one sample")
    rows = given.reshape(len(given), -1).to(torch.float32)
    if given.dtype == torch.uint8:
        return rows / 255
    if not bool(rows.isfinite().all()):
        raise DataError("samples hold numbers that are not finite and cannot be compared", "A diverged generator makes such samples")
    return rows


def matching(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two sets as rows of equally many numbers. Raises DataError as `flat` does, and for rows of different lengths."""
    first, second = flat(a), flat(b)
    if first.shape[1] != second.shape[1]:
        raise DataError(f"sets of {first.shape[1]} and {second.shape[1]} features cannot be compared", "Take both in the same features")
    return first, second


class Slices:
    """A reference set seen along fixed random directions: prepared once, compared with many sets of samples.

    The distance is the sliced 2-Wasserstein distance (Bonneel et al. 2015, Journal of Mathematical Imaging and Vision 51):

        SW(a, b) = sqrt( mean over directions u of W2(u·a, u·b)^2 ),

    with unit vectors u drawn uniformly from the sphere, and on each line W2^2 = integral over t in (0, 1) of
    (quantile_a(t) - quantile_b(t))^2, which is exact for sets of any two sizes. A shift of the whole set by a vector v gives about
    |v| / sqrt(D). Units are those of the samples; for uint8 images, shares of the full range from black to white.

    reference: (M, D), or anything that `flat` takes. directions: how many lines. seed: which ones.

    >>> reference = torch.zeros(100, 2)
    >>> Slices(reference).distance(reference + 1) < 1.1
    True
    """

    def __init__(self, reference: Any, directions: int = DIRECTIONS, seed: int = 0) -> None:
        rows = flat(reference)
        vectors = torch.randn(directions, rows.shape[1], generator=torch_generator(seed, "slices"))
        self.vectors = vectors / vectors.norm(dim=1, keepdim=True)
        self.reference = self._sorted(rows)

    def distance(self, samples: Any) -> float:
        """Sliced 2-Wasserstein distance of samples (N, D) to the reference."""
        rows = flat(samples)
        if rows.shape[1] != self.vectors.shape[1]:
            raise DataError(f"samples of {rows.shape[1]} numbers each cannot be compared with a reference of {self.vectors.shape[1]}")
        return float(_squared_on_lines(self._sorted(rows), self.reference).mean().sqrt())

    def _sorted(self, rows: Tensor) -> Tensor:
        """Projections on each line in rising order: (directions, N). Rows lie contiguously, which is what sorting is fast on."""
        projections: Tensor = self.vectors @ rows.T
        return projections.sort(dim=1).values


def sliced_wasserstein(a: Any, b: Any, directions: int = DIRECTIONS, seed: int = 0) -> float:
    """Sliced 2-Wasserstein distance of two sets; the exact definition is that of `Slices`.

    >>> sliced_wasserstein(torch.zeros(3, 1), torch.full((5, 1), 2.0))
    2.0
    """
    return Slices(b, directions, seed).distance(a)


def frechet(a: Any, b: Any) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features: what is called FID with one certain feature network.

    |mean_a - mean_b|^2 + trace(cov_a + cov_b - 2 (cov_a cov_b)^(1/2)) (Heusel et al. 2017, arXiv 1706.08500, equation 6; Dowson and
    Landau 1982), with unbiased covariances, in double precision. The trace of the root is the sum of the roots of the eigenvalues
    of cov_a^(1/2) cov_b cov_a^(1/2), which is symmetric, so that none is complex or, beyond rounding, negative. Of sets with fewer
    samples than features the covariance is singular, which changes nothing here; of a single sample it is taken as zero.

    a: (N, D), b: (M, D), or anything that `flat` takes. Units are those of the features, squared.

    >>> frechet(torch.zeros(3, 2), torch.ones(4, 2))
    2.0
    """
    first, second = (rows.double() for rows in matching(a, b))
    covariance_a, covariance_b = _covariance(first), _covariance(second)
    values, vectors = torch.linalg.eigh(covariance_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp(min=0).sqrt().sum()
    shift = (first.mean(0) - second.mean(0)).square().sum()
    distance = shift + covariance_a.trace() + covariance_b.trace() - 2 * overlap
    return max(float(distance), 0.0)


def _squared_on_lines(a: Tensor, b: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance on each line: sorted (lines, N) and (lines, M) -> (lines,) float64.

    Both quantile functions are steps; between the edges of either (multiples of 1/N and 1/M, kept as whole numbers over N * M) both
    are constant, and the integral is a sum; an edge that both share comes twice, the second time with no width.
    """
    n, m = a.shape[1], b.shape[1]
    edges = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).sort().values
    widths = edges.diff(prepend=edges.new_zeros(1)).double() / (n * m)
    gaps = a[:, (edges - 1) // m] - b[:, (edges - 1) // n]
    squares: Tensor = gaps.double().square() @ widths
    return squares


def _covariance(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(0)
    return centred.T @ centred / max(len(rows) - 1, 1)
