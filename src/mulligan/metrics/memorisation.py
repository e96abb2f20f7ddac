"""Signs that samples are copies: of training samples, or of each other.

All sets are rows in one feature space, and every threshold is set by what real data do among themselves. These are alarms with
evidence, never a certificate: a generator can copy what the features do not see, and a model that learned nothing has no alarm at all.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mulligan.metrics.distances import flat, matching
from mulligan.metrics.diversity import duplicates
from mulligan.metrics.estimates import Estimate, of_mean, of_statistic
from mulligan.metrics.nearest import nearest, nearest_others
from mulligan.randomness import torch_generator

PAIRS = 16  # nearest pairs that are kept for a picture
RARE = 0.01  # share of real samples that are allowed to look like copies
_PARTS = 4  # parts of the training set that the ratio is taken with, at most


@dataclass(frozen=True)
class Memorisation:
    """Signs of copying, each beside what fresh real data would have.

    ratio: median distance to the nearest training sample / median distance to the nearest test sample, among as many of both; about 1
    for fresh data, towards 0 for copies. None without a test set, and where half of the samples equal a test sample.
    authenticity: share of samples farther from their nearest training sample than that one is from its own nearest other training
    sample (Alaa et al. 2022, How Faithful is your Synthetic Data?, arXiv 2102.08921); 0 for copies. Fresh data have
    0.5 to 0.6, depending on the space: held_out_authenticity is that of the test data, None without.
    copies: share of samples as near to a training sample as the nearest 1 % of held-out data are; about 0.01 for fresh data.
    duplicates: share of samples as near to another sample as the nearest 1 % of real samples are to another; about 0.01 for fresh data.
    pairs: (P, 2) places of the nearest (sample, training sample), the nearest first, P = min(16, N). distances: (P,) how far apart.
    """

    ratio: Estimate | None
    authenticity: Estimate
    held_out_authenticity: float | None
    copies: float
    duplicates: float
    pairs: Tensor
    distances: Tensor


def memorisation(samples: Any, train: Any, test: Any | None = None, seed: int = 0) -> Memorisation:
    """Signs of copying in samples (N, D), given training data (M, D) and, if there are some, held-out data (T, D).

    A larger set has a nearer neighbour for everything. So the ratio takes as many training as test samples: min(M, T) of both, chosen by
    seed; where there are enough training samples, up to four separate choices, whose medians are averaged. Duplicates, too, are counted
    among equally many real samples and samples. Authenticity and copies look at all training samples. Without a test set, each training
    sample among the others stands in for held-out data. Raises DataError for rows of different lengths, or that are not finite.

    >>> data = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
    >>> found = memorisation(samples=data[:100], train=data[:200], test=data[200:])
    >>> found.authenticity.value, found.copies, found.ratio.value < 1
    (0.0, 1.0, True)
    """
    return Originals(train, test, seed).compare(samples)


class Originals:
    """The data that samples may be copies of, prepared once: what real data do among themselves is measured here.

    train: (M, D), test: (T, D) or None, seed: as `memorisation` takes them.
    """

    def __init__(self, train: Any, test: Any | None = None, seed: int = 0) -> None:
        self.train, self.seed = flat(train), seed
        self.test = None if test is None else matching(self.train, test)[1]
        self.held_out_authenticity: float | None = None
        self._radii: dict[int, float] = {}  # number of samples -> distance of duplicates
        if self.test is None:
            fresh = _nearest_other(self.train)
        else:
            fresh, places = (part.squeeze(1) for part in nearest(self.test, self.train))
            self.held_out_authenticity = float((fresh > self._own(places)).double().mean())
        self.near = float(fresh.quantile(RARE))

    def compare(self, samples: Any) -> Memorisation:
        """Signs of copying in samples (N, D). Raises DataError for rows of another length, or that are not finite."""
        rows, known = matching(samples, self.train)
        to_train, places = (part.squeeze(1) for part in nearest(rows, known))
        order = to_train.argsort(stable=True)[:PAIRS]
        return Memorisation(
            ratio=None if self.test is None else _ratio(rows, known, self.test, self.seed),
            authenticity=of_mean(to_train > self._own(places), self.seed),
            held_out_authenticity=self.held_out_authenticity,
            copies=float((to_train <= self.near).double().mean()),
            duplicates=self._duplicates(rows),
            pairs=torch.stack([order, places[order]], dim=1),
            distances=to_train[order],
        )

    def _own(self, places: Tensor) -> Tensor:
        """Distance of training samples, by place, to the nearest other one; 0 for one that is alone."""
        asked, back = torch.unique(places, return_inverse=True)
        distances, found = nearest(self.train[asked], self.train, k=2)
        if distances.shape[1] < 2:
            return torch.zeros(len(places), dtype=torch.float64)
        itself = found[:, 0] == asked  # an equal one in another place may come first
        return torch.where(itself, distances[:, 1], distances[:, 0])[back]

    def _duplicates(self, rows: Tensor) -> float:
        """Duplicates within the distance that 1 % of real samples have to another, both among min(N, M) samples."""
        count = min(len(rows), len(self.train))
        if count < 2:
            return 0.0
        if count not in self._radii:
            chosen = self.train[_shuffled(len(self.train), self.seed, "duplicates/real")[:count]]
            self._radii[count] = float(_nearest_other(chosen).quantile(RARE))
        return duplicates(rows[_shuffled(len(rows), self.seed, "duplicates")[:count]], self._radii[count])


def _ratio(rows: Tensor, train: Tensor, test: Tensor, seed: int) -> Estimate | None:
    count = min(len(train), len(test))
    separate = min(len(train) // count, _PARTS)
    parts = train[_shuffled(len(train), seed, "train")[: separate * count]].reshape(separate, count, -1)
    to_train = torch.stack([nearest(rows, part)[0].squeeze(1) for part in parts])
    to_test = nearest(rows, test[_shuffled(len(test), seed, "test")[:count]])[0].squeeze(1)
    if not float(to_test.median()) > 0:
        return None

    def medians(places: Tensor) -> Tensor:
        near = torch.stack([distances[places].median(1).values for distances in to_train]).mean(0)
        # A resample whose median to the test data is zero says nothing of the ratio but that it is large
        return near / to_test[places].median(1).values.clamp(min=torch.finfo(torch.float64).tiny)

    return of_statistic(medians, len(rows), seed)


def _nearest_other(rows: Tensor) -> Tensor:
    """Distance of each row to the nearest other one (N,); 0 for a row that is alone."""
    distances = nearest_others(flat(rows))[0]
    return distances.squeeze(1) if distances.shape[1] else torch.zeros(len(rows), dtype=torch.float64)


def _shuffled(count: int, seed: int, stream: str) -> Tensor:
    return torch.randperm(count, generator=torch_generator(seed, f"memorisation/{stream}"))
