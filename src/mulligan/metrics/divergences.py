"""KL and Jensen-Shannon divergence between sets of points in the plane, from densities that are estimated on a grid.

Of samples alone neither is known: it is that of two estimates, and so falls with the width of the smoothing and is never zero for two
sets of the same distribution. A value means something only beside its floor: what fresh real points score, as many as the samples.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import flat

CELLS = 48  # along each side
WIDTH = 1.0  # standard deviation of the smoothing, in cells
EVEN = 1e-3  # share of every estimate that lies evenly over all cells, so that a divergence stays finite
RARE = 0.1  # of the other density: below that, a place counts as left out


@dataclass(frozen=True)
class Divergences:
    """How far samples Q are from data P.

    kl: KL(P || Q), in nats: large where there are data and no samples. js: Jensen-Shannon divergence, in nats: 0 to log 2 = 0.693.
    missed: share of the data at places where samples are less than a tenth as dense. stray: share of the samples where data are.
    """

    kl: float
    js: float
    missed: float
    stray: float


class Plane:
    """Data in a square of the plane as a density, prepared once and compared with many sets of samples.

    The estimate of a set: its histogram on CELLS x CELLS cells of the square and one cell for all outside, smoothed inside by a Gaussian of
    WIDTH cells that loses nothing at the edges, times 1 - EVEN, plus EVEN spread evenly. KL: Kullback and Leibler 1951 (On Information and
    Sufficiency), equation 2.4; JS: Lin 1991 (Divergence Measures Based on the Shannon Entropy), equation 4.1, with equal weights.

    real: points (N, 2). side: half the side of the square around the origin. Raises DataError for anything else.

    >>> points = torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    >>> plane = Plane(points, side=3.0)
    >>> plane.compare(points).kl, plane.compare(points + 6).missed > 0.95
    (0.0, True)
    """

    def __init__(self, real: Any, side: float) -> None:
        self.side = side
        offsets = torch.arange(CELLS)[:, None] - torch.arange(CELLS)
        kernel = torch.exp(-0.5 * (offsets / WIDTH) ** 2).double()
        self._smooth = kernel / kernel.sum(0)  # each column sums to 1: no mass is lost
        self._data = self.density(real)

    def density(self, points: Any) -> Tensor:
        """The estimate of points (N, 2): shares of the cells, row by row from below, and of all outside: (CELLS^2 + 1,) float64."""
        rows = flat(points)
        if rows.shape[1] != 2:
            raise DataError(f"points of {rows.shape[1]} columns do not lie in a plane", "Give (N, 2)")
        inside = (rows.abs() < self.side).all(1)
        places = ((rows[inside] + self.side) * (CELLS / (2 * self.side))).long().clamp_(0, CELLS - 1)
        counts = (places[:, 1] * CELLS + places[:, 0]).bincount(minlength=CELLS * CELLS).view(CELLS, CELLS).double()
        smooth = (self._smooth @ counts @ self._smooth.T).flatten() / len(rows)
        shares = torch.cat([smooth, (~inside).double().mean().reshape(1)])
        return (1 - EVEN) * shares + EVEN / len(shares)

    def compare(self, samples: Any) -> Divergences:
        """How far samples (N, 2) are from the data. Raises DataError for numbers that are not finite."""
        data, made = self._data, self.density(samples)
        middle = (data + made) / 2
        return Divergences(
            kl=_kl(data, made),
            js=(_kl(data, middle) + _kl(made, middle)) / 2,
            missed=float(data[made < RARE * data].sum()),
            stray=float(made[data < RARE * made].sum()),
        )

    def floor(self, sets: Iterable[Any]) -> Divergences:
        """What a perfect sampler scores on average: the means over sets of fresh real points, each as many as the samples will be."""
        found = [self.compare(points) for points in sets]
        return Divergences(*(sum(getattr(each, name) for each in found) / len(found) for name in ("kl", "js", "missed", "stray")))


def _kl(first: Tensor, second: Tensor) -> float:
    return max(float((first * (first / second).log()).sum()), 0.0)
