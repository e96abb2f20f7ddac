"""Distances between two sets of samples, from the samples alone: sliced Wasserstein and Fréchet.

Both take (N, D) and (M, D), any N and M from 1 on, and are zero for two equal sets. Both are biased upwards for small sets, so a
value means something only beside its floor: the same distance, at the same sizes, between two sets of real samples (figures.py).
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from math import nan, sqrt
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.estimates import Estimate, of_deviations, resample_counts
from mulligan.randomness import torch_generator

DIRECTIONS = 256
_LINES = 16  # directions along which resamples are compared, at least, and
_ALONG = 160_000  # projections along them: of fewer samples, more directions
_ROOTS = 60  # resamples of a Fréchet distance, each of which takes two eigenvalue problems
_BLOCKS = 1000  # blocks of samples that resamples for covariances are made of, at most,
_FEWEST = 64  # and at least, where features are many:
_HELD = 2**24  # numbers in the covariances of all blocks, about


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
        return rows.div_(255)  # a copy already
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
    return _between((first.mean(0), _covariance(first)), (second.mean(0), _covariance(second)))


def frechet_estimate(a: Any, b: Any, seed: int = 0) -> Estimate:
    """Fréchet distance with a 95 % interval for its mean over draws of as many samples; `estimates.of_deviations` tells of which kind.

    Both sets are resampled in up to 1,000 random blocks of samples, single samples where there are no more, because the sums of a block
    are taken once and a resample is a weighted sum of them. Of more than 128 features there are fewer blocks, 64 at least, and the
    interval gets wider than it need be. Of fewer samples than twice the features, whose covariance is mostly noise, there is none (nan).
    """
    first, second = (rows.double() for rows in matching(a, b))
    value = frechet(first, second)
    if min(len(first), len(second)) < 2 * first.shape[1]:
        return Estimate(value, nan, nan)
    resampled = islice(zip(*(_resampled_moments(rows, seed, side) for rows, side in ((first, "a"), (second, "b"))), strict=True), _ROOTS)
    return of_deviations(value, torch.tensor([_between(*moments) for moments in resampled], dtype=torch.float64))


def sliced_estimate(a: Any, b: Any, directions: int = DIRECTIONS, seed: int = 0) -> Estimate:
    """Sliced Wasserstein distance with a 95 % interval for its mean over draws of as many samples, as `frechet_estimate`.

    Both sets are resampled along the first directions, 16 of them for 10,000 samples and all for 625: a resample of sorted projections
    is each of them repeated as often as its sample is drawn, and needs no sorting. What varies from direction to direction, and is
    averaged out by more of them, is scaled down to what all directions leave of it. The interval is laid round the square of the
    distance, which is a mean over directions. It is for these directions: another seed takes others, which the interval does not know.
    """
    first, second = matching(a, b)
    slices = Slices(second, directions, seed)
    value = slices.distance(first)
    vectors = slices.vectors[: max(_LINES, _ALONG // max(len(first), len(second)))]
    (along_a, order_a), (along_b, order_b) = ((vectors @ rows.T).sort(dim=1) for rows in (first, second))
    counts_a, counts_b = resample_counts(len(first), seed, "sliced/a"), resample_counts(len(second), seed, "sliced/b")
    resamples = zip(counts_a, counts_b, strict=True)
    squares = torch.stack(
        [_squared_on_lines(_repeated(along_a, order_a, ours), _repeated(along_b, order_b, theirs)) for ours, theirs in resamples]
    )
    square = of_deviations(value**2, _as_of_more_lines(squares, directions))
    return Estimate(value, square.low**0.5, square.high**0.5)


def _between(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """Fréchet distance of two Gaussians, each (mean (D,), covariance (D, D)), in double precision."""
    (mean_a, covariance_a), (mean_b, covariance_b) = a, b
    values, vectors = torch.linalg.eigh(covariance_a)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ covariance_b @ root).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace() - 2 * overlap
    return max(float(distance), 0.0)


def _resampled_moments(rows: Tensor, seed: int, side: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Mean and covariance of each resample of random blocks of rows (N, D).

    The sums that a resample is made of are kept in single precision, of rows minus their common mean: they give only the interval.
    """
    n, columns = rows.shape
    blocks = min(n, max(min(_BLOCKS, _HELD // columns**2), _FEWEST))
    mean = rows.mean(0)
    order = torch.randperm(n, generator=torch_generator(seed, f"frechet/{side}"))
    centred = (rows - mean).float()[order]
    bounds = [n * place // blocks for place in range(blocks + 1)]
    parts = [centred[start:stop] for start, stop in pairwise(bounds)]
    sums = torch.stack([part.sum(0) for part in parts])
    products = torch.stack([(part.T @ part).flatten() for part in parts])
    sizes = torch.tensor([float(len(part)) for part in parts])
    weights = resample_counts(blocks, seed, f"frechet/{side}").float()
    for start in range(0, len(weights), 20):
        counts = weights[start : start + 20]
        for total, first, second in zip(counts @ sizes, (counts @ sums).double(), (counts @ products).double(), strict=True):
            shift = first / total
            covariance = (second.reshape(columns, columns) - total * torch.outer(shift, shift)) / (total - 1).clamp(min=1)
            yield mean + shift, covariance


def _repeated(projections: Tensor, order: Tensor, counts: Tensor) -> Tensor:
    """Sorted projections (lines, N) of a resample, from those of all samples, whose places are (lines, N), and counts (N,)."""
    times = counts[order].flatten()
    repeated: Tensor = torch.repeat_interleave(projections.flatten(), times, output_size=projections.numel())
    return repeated.reshape(projections.shape)


def _as_of_more_lines(squares: Tensor, directions: int) -> Tensor:
    """Means over lines (R,) of resampled squares (R, lines), with the deviation that a mean over `directions` lines would have.

    Of lines with a variance v each and a common correlation c, a mean over L has the variance v (c + (1 - c) / L).
    """
    means, lines = squares.mean(1), squares.shape[1]
    one, all_of_them = float(squares.var(0).mean()), float(means.var())
    if lines < 2 or not one > 0:
        return means
    correlation = min(max((all_of_them / one - 1 / lines) / (1 - 1 / lines), 0.0), 1.0)
    wanted, had = (correlation + (1 - correlation) / count for count in (directions, lines))
    return means.mean() + (means - means.mean()) * sqrt(wanted / had)


def _squared_on_lines(a: Tensor, b: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance on each line: sorted (lines, N) and (lines, M) -> (lines,) float64.

    Both quantile functions are steps; between the edges of either (multiples of 1/N and 1/M, kept as whole numbers over N * M) both
    are constant, and the integral is a sum.
    """
    n, m = a.shape[1], b.shape[1]
    if n == m:
        means: Tensor = (a - b).double().square().mean(1)
        return means
    edges = torch.unique(torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]))
    widths = edges.diff(prepend=edges.new_zeros(1)).double() / (n * m)
    gaps = a[:, (edges - 1) // m] - b[:, (edges - 1) // n]
    squares: Tensor = gaps.double().square() @ widths
    return squares


def _covariance(rows: Tensor) -> Tensor:
    centred = rows - rows.mean(0)
    return centred.T @ centred / max(len(rows) - 1, 1)
