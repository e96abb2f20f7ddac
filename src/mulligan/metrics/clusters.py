"""Which part of the data a set of samples leaves out, without labels: shares of clusters of real data.

Real samples are cut into cells by k-means, and each cell's share of real samples is compared with its share of fakes (Richardson and
Weiss 2018, On GANs and GMMs, arXiv 1805.12462: the number of statistically different bins, NDB). Cells are made by
k-means++ (Arthur and Vassilvitskii 2007) and Lloyd's iterations (Lloyd 1982). Give rows in a small space (projection.py).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mulligan.metrics.distances import flat, matching
from mulligan.metrics.nearest import nearest
from mulligan.randomness import torch_generator

MOST = 50  # clusters at most, and
EACH = 20  # as many real samples in each on average, at least
HARDLY = 0.2  # a cluster visited less often than this, against real data, is missing
LEVEL = 0.05  # chance that any cluster is called different when none is
_ROUNDS = 50  # Lloyd's iterations, at most


@dataclass(frozen=True)
class Dropped:
    """What a set of samples does to the clusters of real data.

    missing: share of real samples in clusters that fakes visit less than a fifth as often, and not by chance.
    different: share of clusters whose two shares differ by more than chance (NDB / k).
    shares: (k,) share of fakes in each cluster. worst: (k,) places of clusters, the one that loses the largest share first.
    """

    missing: float
    different: float
    shares: Tensor
    worst: Tensor


class Clusters:
    """Clusters of real samples: made once, compared with many sets.

    real: (M, D), or anything that `flat` takes. k: how many clusters; min(50, M / 20) by default. seed: where they start from.
    shares: (k,) share of real samples, centres: (k, D), places: (M,) cluster of each real sample, middles: (k,) place of the real sample
    nearest to each centre, for pictures. Clusters that nothing falls into are left out, so k may come out smaller.

    >>> corners = torch.tensor([[0.0, 0], [9, 0], [0, 9], [9, 9]])
    >>> clusters = Clusters(corners.repeat(100, 1) + torch.rand(400, 2), k=4)
    >>> clusters.compare(corners[1:].repeat(100, 1)).missing
    0.25
    """

    def __init__(self, real: Any, k: int | None = None, seed: int = 0) -> None:
        rows = flat(real)
        wanted = k if k is not None else min(MOST, len(rows) // EACH)
        centres = _lloyd(rows, _spread_out(rows, min(max(wanted, 1), len(rows)), seed))
        found, places = torch.unique(nearest(rows, centres)[1].squeeze(1), return_inverse=True)
        self.centres, self.places = centres[found], places
        self.counts = places.bincount(minlength=len(found))
        self.shares = self.counts.double() / len(rows)
        self.middles = nearest(self.centres, rows)[1].squeeze(1)

    def compare(self, fake: Any) -> Dropped:
        """What fakes (N, D) do to the clusters. Raises DataError for rows of another length, or that are not finite.

        Shares are compared by the two-sample test for proportions with pooled variance (Richardson and Weiss 2018), at 5 %
        over all clusters together (Bonferroni).
        """
        rows, centres = matching(fake, self.centres)
        counts = nearest(rows, centres)[1].squeeze(1).bincount(minlength=len(centres)).double()
        shares = counts / len(rows)
        m, n = int(self.counts.sum()), len(rows)
        pooled = (self.counts + counts) / (m + n)
        deviation = (pooled * (1 - pooled) * (1 / m + 1 / n)).sqrt()
        gaps = self.shares - shares
        limit = torch.special.ndtri(torch.tensor(1 - LEVEL / (2 * len(centres)), dtype=torch.float64))
        differs = gaps.abs() > limit * deviation
        missing = differs & (shares < HARDLY * self.shares)
        return Dropped(
            missing=float(self.shares[missing].sum()),
            different=float(differs.double().mean()),
            shares=shares,
            worst=gaps.argsort(descending=True, stable=True),
        )


def _spread_out(rows: Tensor, k: int, seed: int) -> Tensor:
    """First centres by k-means++: rows drawn one by one, each with the square of its distance to those drawn before it."""
    generator = torch_generator(seed, "clusters")
    given = rows.double()
    chosen = [int(torch.randint(len(rows), (1,), generator=generator))]
    squares = torch.full((len(rows),), torch.inf, dtype=torch.float64)
    while len(chosen) < k:
        squares = torch.minimum(squares, (given - given[chosen[-1]]).square().sum(1))
        total = squares.cumsum(0)
        if not total[-1] > 0:  # fewer different rows than clusters
            break
        drawn = torch.rand(1, generator=generator, dtype=torch.float64) * total[-1]
        chosen.append(min(int(torch.searchsorted(total, drawn, right=True)), len(rows) - 1))
    return given[chosen]


def _lloyd(rows: Tensor, centres: Tensor) -> Tensor:
    """Centres moved to the mean of what is nearest to them, until nothing changes its cluster; one that has nothing stays."""
    given = rows.double()
    before = torch.full((len(rows),), -1)
    for _ in range(_ROUNDS):
        places = nearest(rows, centres)[1].squeeze(1)
        if torch.equal(places, before):
            break
        sums = torch.zeros_like(centres).index_add_(0, places, given)
        counts = places.bincount(minlength=len(centres))[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
        before = places
    return centres
