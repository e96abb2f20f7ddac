"""What can be said of samples without a label, each figure beside the same figure of real samples: cheap enough for every report.

A probe is prepared once for a data set. It sees samples in the principal components of the real ones (`mulligan.metrics.projection`)
and takes every signal from two tables of distances: from samples to real samples, and among samples. What real samples score against
other real samples, and how far that strays over random splits, is measured at the start: a signal means something only in these units.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mulligan.data.dataset import Dataset, Endless, Split
from mulligan.errors import DataError
from mulligan.metrics.distances import Slices
from mulligan.metrics.projection import Projection
from mulligan.randomness import numpy_generator, torch_generator

FEWEST = 8  # real samples: fewer cannot be compared with anything
SAMPLES = 1000  # of each side, at most
FITTED = 2000  # real samples that components and clusters are fitted to, at most; where a sample has
WIDE = 1500  # numbers and more,
FITTED_WIDE = 600  # for the components, which would take seconds
DRAWN = 4000  # samples of an endless source
TRAIN = 4000  # training samples among which copies are looked for, at most
COPIED = 256  # samples of which it is asked whether they are copies
SPLITS = 5  # random splits of the real samples behind every floor
DIRECTIONS = 64
NEIGHBOUR = 5  # balls round real samples reach to this neighbour, as in metrics/neighbours.py
PER_CLUSTER = 20  # real samples of a slice in a cluster, on average: fewer would be empty by chance
MOST_CLUSTERS = 50
LARGEST = 1e6  # standard deviations, or units of floating images: squares of larger numbers would leave float32
HARDLY = 0.25  # of its real share: a cluster that gets less counts as missing
NEAR = 0.01  # share of real samples with a twin nearer than what counts as alike
FACTS = 1000  # real samples that are looked at one by one
ROUGH = 0.8  # of what neighbouring pixels of pure noise differ by; digits lie at 0.25, the roughest clothing at 0.6
COPY = 0.5  # a copy is nearer to a training sample than this share of what that one is from its nearest other; of real digits 0.1 % are

Signals = dict[str, float]


@dataclass(frozen=True)
class Look:
    """What a probe sees of a set of samples: its signals, the samples in the components (N, d), the shares of the clusters (clusters,)."""

    signals: Signals
    seen: Tensor
    shares: Tensor


@dataclass(frozen=True)
class Floor:
    """What real samples score against real ones: the mean over splits, and its standard deviation (noise)."""

    mean: float
    noise: float


class Probe:
    """Signals of samples against a data set, prepared once.

    train: real samples: images with their channels first or last, uint8 or float, or points (N, D); at least 8, all finite.
    heldout: others that were not trained on, or None. endless: whether `train` was drawn from a source that never repeats, so that
    nothing can be copied. size: how many samples it will be given, at most 1,000; they are compared with as many real ones. of: where
    `train` is what `kept` chose of a larger set, how many that has.
    floors: signal -> Floor. data: what was found in the data themselves, by name (`data.*`). Raises DataError for data that cannot be
    compared with anything.

    >>> points = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> probe = Probe(points)
    >>> collapsed = probe.signals(torch.zeros(500, 2))
    >>> collapsed["diversity"], probe.floors["diversity"].mean > 0.9
    (0.0, True)
    """

    def __init__(
        self, train: Any, heldout: Any | None = None, endless: bool = False, seed: int = 0, size: int = SAMPLES, of: int | None = None
    ) -> None:
        given = _as_tensor(train)
        count = len(given) if of is None else of
        self.whole = given.dtype == torch.uint8  # numbers that cannot be large, or not finite
        if count < FEWEST or not (self.whole or bool(_as_rows(given).isfinite().all())):
            raise DataError(f"{count} real samples, or numbers that are not finite", f"Give at least {FEWEST} samples of finite numbers")
        self.seed = seed
        self.image = given.ndim > 2
        self.units = torch.ones(given[0].numel()) if self.image else _deviations(_as_rows(given))
        chosen = given if of is not None else given[kept(count, seed)]
        rows = self._finite(_as_rows(chosen))
        fitted = rows[:FITTED]
        self.projection = Projection.fit(fitted[:FITTED_WIDE] if fitted.shape[1] >= WIDE else fitted, seed=seed)
        seen = self._seen(rows)
        self.train = None if endless else seen
        self.size = max(min(size, SAMPLES, len(seen) // 2), 2)
        self.total = float(fitted.var(0, correction=0).sum())  # variance of the data, all numbers together
        self.mean, self.deviation = float(fitted.mean()), float(fitted.std(correction=0))
        self.centres = _clusters(seen[:FITTED], min(MOST_CLUSTERS, max(self.size // PER_CLUSTER, 1)), seed)
        counts = torch.bincount(_nearest_place(seen[:FITTED], self.centres), minlength=len(self.centres))
        self.shares = counts.double() / counts.sum()
        self.heldout = None if heldout is None or len(heldout) == 0 else self.seen_by(torch.as_tensor(heldout)[:TRAIN])
        self.reference = _Reference(seen[: self.size], seed)
        self.floors = self._calibrated(rows[: max(2 * self.size, min(len(rows), FITTED))], seen)
        self.data = {"data.count": float(count)} | self._data_facts(chosen[:FACTS], seen)

    def signals(self, samples: Any) -> Signals:
        """Signals of samples (N, ...), of the same kind of numbers as the real ones; of one, or where none is finite, `finite` alone.

        finite: share of samples without a number that is not finite; the others are looked at.
        distance: sliced 2-Wasserstein, in units of the distance that the mean of the data has, said again and again.
        coverage, precision, density: shares of real and of generated samples that lie near the others, and how many (Naeem et al. 2020).
        diversity: mean distance of two samples; rank: effective number of independent directions; both in units of the data's.
        alike: share of samples with a twin. missing: share of the data in clusters that samples hardly visit.
        off: what lies off the components of the data, in units of what the data leave there. shift: of the mean of all numbers, in
        standard deviations; deviation: of all numbers, in units of the data's. copies: share that repeat a training sample.
        nearer: share that lie nearer to the training data than to as many held-out samples.
        """
        return self.look(samples).signals

    def look(self, samples: Any) -> Look:
        """The signals of samples, with what they were taken of."""
        rows = _as_rows(samples)
        good = self._finite(rows)
        found = {"finite": len(good) / max(len(rows), 1)}
        seen = self._seen(good)
        shares = self.histogram(seen[: self.size])
        if len(good) < 2:
            return Look(found, seen, shares)
        found |= self.reference.compare(seen[: self.size])
        found |= self._shape(good[: self.size], seen[: self.size])
        found["missing"] = float(self.shares[shares < HARDLY * self.shares].sum())
        if self.train is not None:
            found["copies"] = _copies(seen[:COPIED], self.train)
            if self.heldout is not None:
                found["nearer"] = _nearer(seen[:COPIED], self.train, self.heldout)
        return Look(found, seen, shares)

    def distance(self, samples: Any) -> float:
        """The signal `distance` alone; not a number where no sample is finite."""
        seen = self.seen_by(samples)
        return self.reference.distance(seen) if len(seen) else math.nan

    def histogram(self, seen: Tensor) -> Tensor:
        """Shares of the clusters among rows of `seen_by`, (clusters,)."""
        counts = torch.bincount(self.cluster(seen), minlength=len(self.centres))
        return counts.double() / max(len(seen), 1)

    def cluster(self, seen: Tensor) -> Tensor:
        """The cluster of each row of `seen_by`, (N,)."""
        return _nearest_place(seen, self.centres)

    def seen_by(self, samples: Any) -> Tensor:
        """Samples in the components of the data, (N, d): those without a number that is not finite."""
        return self._seen(self._finite(_as_rows(samples)))

    def _finite(self, rows: Tensor) -> Tensor:
        """Rows without a number that is not finite, in the units of the probe."""
        whole = rows.sum(1).isfinite()  # a tenth of the time of asking each number
        good = rows if bool(whole.all()) else rows[whole]
        return good if self.whole else (good.double() / self.units).clamp(-LARGEST, LARGEST).float()

    def _seen(self, good: Tensor) -> Tensor:
        return (good - self.projection.mean) @ self.projection.directions

    def _shape(self, good: Tensor, seen: Tensor) -> Signals:
        """What the moments say."""
        centred = good - self.projection.mean
        off = float(centred.square().sum(1).mean() - seen.square().sum(1).mean())
        left = max((1 - self.projection.explained) * self.total, 0.0)
        found = {
            "shift": abs(float(good.mean()) - self.mean) / max(self.deviation, 1e-12),
            "deviation": float(good.std(correction=0)) / max(self.deviation, 1e-12),
        }
        if left > 1e-3 * self.total:
            found["off"] = max(off, 0.0) / left
        return found

    def _calibrated(self, rows: Tensor, seen: Tensor) -> dict[str, Floor]:
        taken: dict[str, list[float]] = {}
        for split in range(SPLITS):
            order = torch.randperm(len(rows), generator=torch_generator(self.seed, "probe/split", split))
            one, two = order[: self.size], order[self.size : 2 * self.size]
            found = {"finite": 1.0} | _Reference(seen[one], self.seed).compare(seen[two]) | self._shape(rows[two], seen[two])
            shares = self.histogram(seen[two])
            found["missing"] = float(self.shares[shares < HARDLY * self.shares].sum())
            if self.train is not None:
                found["copies"] = self._copies_of_real(split)
                if self.heldout is not None:
                    found["nearer"] = 0.5  # by symmetry
            for name, value in found.items():
                taken.setdefault(name, []).append(value)
        return {name: Floor(_mean(values), _deviation(values)) for name, values in taken.items()}

    def _data_facts(self, chosen: Tensor, seen: Tensor) -> Signals:
        """What may be wrong with the data; of points, which may be few different ones by nature, only what is foreign in them."""
        facts: Signals = {}
        if self.heldout is not None and len(self.heldout) >= self.size:
            facts["data.drift"] = self.reference.distance(self.heldout[: self.size])
            facts["data.drift.floor"], facts["data.drift.noise"] = self.floors["distance"].mean, self.floors["distance"].noise
        if self.image:
            pixels = chosen.float()
            if pixels.ndim == 4 and pixels.shape[1] in (1, 3):  # channels first
                pixels = pixels.movedim(1, 3)
            facts["data.blank"] = float((pixels.flatten(1).amax(1) == pixels.flatten(1).amin(1)).float().mean())
            own = _squares(seen[:FACTS], seen[:FACTS]).fill_diagonal_(math.inf)
            facts["data.repeated"] = float((own.amin(1) <= 1e-5 * max(self.total, 1e-12)).float().mean())
            facts["data.rough"] = float((_roughness(pixels) > ROUGH).float().mean())
        return facts

    def _copies_of_real(self, split: int) -> float:
        """Real samples that look like copies: held-out ones, or training ones among the others."""
        assert self.train is not None  # asked by the caller
        generator = torch_generator(self.seed, "probe/copies", split)
        if self.heldout is not None:
            order = torch.randperm(len(self.heldout), generator=generator)
            return _copies(self.heldout[order[:COPIED]], self.train)
        order = torch.randperm(len(self.train), generator=generator)
        few = min(COPIED, len(order) // 4)
        return _copies(self.train[order[:few]], self.train[order[few:]]) if few else 0.0


class _Reference:
    """Real samples in their components, with the balls round them, their spread and their slices."""

    def __init__(self, rows: Tensor, seed: int) -> None:
        self.rows, self.k = rows, min(NEIGHBOUR, len(rows) - 1)
        own = _squares(rows, rows).fill_diagonal_(math.inf)
        near = own.topk(max(self.k, 1), largest=False).values
        self.balls = near[:, -1] * (1 + 1e-5)
        self.near = float(near[:, 0].quantile(NEAR))
        self.spread = _spread(own)
        self.rank = _rank(rows)
        self.slices = Slices(rows, DIRECTIONS, seed)
        self.scale = float(self.slices.distance(rows.mean(0, keepdim=True)))

    def distance(self, seen: Tensor) -> float:
        """Sliced Wasserstein, in units of what the mean of the data scores."""
        return self.slices.distance(seen) / max(self.scale, 1e-12)

    def compare(self, seen: Tensor) -> Signals:
        """The signals that need the tables of distances."""
        inside = _squares(seen, self.rows) <= self.balls
        own = _squares(seen, seen).fill_diagonal_(math.inf)
        return {
            "distance": self.distance(seen),
            "coverage": float(inside.any(0).float().mean()),
            "precision": float(inside.any(1).float().mean()),
            "density": float(inside.sum()) / (max(self.k, 1) * len(seen)),
            "diversity": _spread(own) / max(self.spread, 1e-12),
            "rank": _rank(seen) / max(self.rank, 1e-12),
            "alike": float((own.amin(1) <= self.near).float().mean()),
        }


def of_dataset(dataset: Dataset, seed: int = 0, size: int = SAMPLES) -> Probe:
    """The probe of a data set, which sees samples as they are stored (`kind.from_arrays`). Raises DataError for too few."""
    (real, of), test = real_samples(dataset, seed), dataset.test
    return Probe(real, test.target if isinstance(test, Split) else None, isinstance(dataset.train, Endless), seed, size, of)


def real_samples(dataset: Dataset, seed: int = 0) -> tuple[np.ndarray, int | None]:
    """The training samples that a probe is made of, as they are stored, and of how many they were chosen by `kept`; None for all.

    Of images no more are looked at than a probe keeps, because they may lie in a file.
    """
    train = dataset.train
    if isinstance(train, Endless):
        return train.draw(DRAWN, numpy_generator(seed, "probe")), None
    places = numpy_generator(seed, "probe").permutation(len(train.target))[: 4 * DRAWN]
    if train.target.dtype != np.uint8:  # whose spread is taken of all
        return train.target[places], None
    return train.target[places[kept(len(places), seed).numpy()]], len(places)


def kept(count: int, seed: int) -> Tensor:
    """Places of the samples that a probe keeps of so many, in a random order."""
    return torch.randperm(count, generator=torch_generator(seed, "probe"))[:TRAIN]


def floors(probe: Probe) -> Signals:
    """What a line of a history says of a probe's data: `probe.X.floor`, `probe.X.noise` and `data.*`."""
    found = dict(probe.data)
    for name, floor in probe.floors.items():
        found |= {f"probe.{name}.floor": floor.mean, f"probe.{name}.noise": floor.noise}
    return found


def most_alike(seen: Tensor, count: int) -> Tensor:
    """Places (count,) of the rows that have the nearest twins, the most alike first, each with its twin beside it."""
    own = _squares(seen, seen).fill_diagonal_(math.inf)
    nearest = own.min(1)
    order = nearest.values.argsort()
    places = torch.stack([order, nearest.indices[order]], 1).flatten().tolist()
    return torch.tensor(list(dict.fromkeys(places))[:count])


def nearest_pairs(seen: Tensor, train: Tensor, count: int, ordered: bool = True) -> tuple[Tensor, Tensor]:
    """Places (count,) of rows, nearest first unless they are to keep their order, and of the row of `train` that lies nearest to each."""
    nearest = _squares(seen, train).min(1)
    order = nearest.values.argsort()[:count] if ordered else torch.arange(min(count, len(seen)))
    return order, nearest.indices[order]


def _copies(seen: Tensor, train: Tensor) -> float:
    """Share of rows that lie much nearer to a training row than that one to its nearest other one (cf. Alaa et al. 2022)."""
    nearest = _squares(seen, train).min(1)
    own = _squares(train[nearest.indices], train)
    own[torch.arange(len(own)), nearest.indices] = math.inf
    # Training rows that stand there twice are no measure of how near is near
    least = 1e-6 * train.square().sum(1).mean()
    room = torch.where(own > least, own, math.inf).amin(1)
    return float((nearest.values <= COPY**2 * room).float().mean())


def _nearer(seen: Tensor, train: Tensor, heldout: Tensor) -> float:
    """Share of rows that are nearer to training rows than to as many held-out ones, draws counted half."""
    count = min(len(train), len(heldout))
    known, fresh = _squares(seen, train[:count]).amin(1), _squares(seen, heldout[:count]).amin(1)
    return float((known < fresh).float().mean() + (known == fresh).float().mean() / 2)


def _roughness(pixels: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels (N, H, W, ...) over what independent ones would have: (N,), 1 for pure noise."""
    down, right = pixels.diff(dim=1).square().flatten(1).mean(1), pixels.diff(dim=2).square().flatten(1).mean(1)
    variance = pixels.flatten(1).var(1, correction=0)
    return torch.where(variance > 0, (down + right) / (4 * variance.clamp(min=1e-12)), 0.0)


def _squares(rows: Tensor, among: Tensor) -> Tensor:
    """Squared distances (N, M): rows are centred on the data, so that float32 has digits enough."""
    squares = torch.addmm(among.square().sum(1), rows, among.T, alpha=-2)
    return squares.add_(rows.square().sum(1, keepdim=True)).clamp_(min=0)


def _nearest_place(rows: Tensor, among: Tensor) -> Tensor:
    return _squares(rows, among).argmin(1)


def _spread(own: Tensor) -> float:
    """Mean distance of two different rows, from squared distances with an infinite diagonal."""
    finite = own.clone().fill_diagonal_(0).sqrt_()
    return float(finite.sum()) / max(len(own) * (len(own) - 1), 1)


def _rank(rows: Tensor) -> float:
    """Effective number of independent directions: exp of the entropy of the covariance's eigenvalues (Roy and Vetterli 2007)."""
    centred = rows - rows.mean(0)
    values = torch.linalg.eigvalsh((centred.T @ centred).double()).clamp(min=0)
    total = values.sum()
    if float(total) <= 1e-20:
        return 0.0
    shares = values / total
    return float(torch.exp(-(shares * shares.clamp(min=1e-30).log()).sum()))


def _clusters(rows: Tensor, count: int, seed: int) -> Tensor:
    """Centres (count, d) of a few rounds of k-means, begun at samples that lie apart (Arthur and Vassilvitskii 2007)."""
    generator = torch_generator(seed, "probe/clusters")
    centres = rows[torch.randint(len(rows), (1,), generator=generator)]
    nearest = _squares(rows, centres)[:, 0]
    for _ in range(count - 1):
        place = torch.multinomial(nearest + 1e-20, 1, generator=generator)
        centres = torch.cat([centres, rows[place]])
        nearest = torch.minimum(nearest, _squares(rows, rows[place])[:, 0])
    for _ in range(8):
        places = _nearest_place(rows, centres)
        counts = torch.bincount(places, minlength=count)
        sums = torch.zeros_like(centres).index_add_(0, places, rows)
        centres = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], centres)
    return centres


def _as_tensor(samples: Any) -> Tensor:
    given = samples if isinstance(samples, Tensor) else torch.as_tensor(np.require(samples, requirements="W"))  # a file cannot be written
    if given.ndim < 2:
        raise DataError(f"samples of shape {tuple(given.shape)} cannot be probed", "Give (N, ...)")
    return given


def _as_rows(samples: Any) -> Tensor:
    """Samples as rows (N, D) float32, images between 0 and 1; unlike `flat`, with numbers that are not finite."""
    given = _as_tensor(samples)
    rows = given.reshape(len(given), -1).to(torch.float32)
    return rows.div_(255) if given.dtype == torch.uint8 else rows


def _deviations(rows: Tensor) -> Tensor:
    """Standard deviation of each column; 1 for a constant one."""
    deviations = rows.double().std(0, correction=0)
    return torch.where(deviations > 1e-7 * rows.double().mean(0).abs().clamp(min=1e-30), deviations, 1.0).float()


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _deviation(values: list[float]) -> float:
    middle = _mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / max(len(values) - 1, 1))
