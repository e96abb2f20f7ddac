"""Real samples prepared for judging: seen in every feature space, with floors and baselines, and kept by their content.

What is taken of the real data alone (features, floors, baselines) is computed once for each (data, n, seed, networks) and kept in the
cache of this user under a hash of all of them, so that changing one image makes a new entry.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from mulligan.data.download import cache_folder
from mulligan.errors import DataError, DiskError, MulliganError
from mulligan.metrics import baselines, classes, kernel, memorisation, modes, moments
from mulligan.metrics.distances import frechet, frechet_estimate, sliced_estimate, sliced_wasserstein
from mulligan.metrics.estimates import Estimate
from mulligan.metrics.features import Features
from mulligan.metrics.neighbours import Manifold
from mulligan.metrics.projection import Projection
from mulligan.metrics.real import Real
from mulligan.runs import tensors
from mulligan.runs.writing import disk_errors

VERSION = 2  # of the figures: raised when a formula changes, so that nothing old is taken from the cache
EXAMINED = 2000  # samples that are compared with every training sample
CONFIDENT = 0.9  # probability at which a judge is taken to be sure; labels were smoothed, so that it says 0.955 of what is certain
Values = dict[str, Estimate]


@dataclass(frozen=True)
class Seen:
    """A set of samples in every space that figures are taken in: its numbers, features by name, and a classifier's logits."""

    samples: Tensor
    spaces: Mapping[str, Tensor]
    logits: Tensor | None

    @classmethod
    def by(cls, samples: Tensor, networks: tuple[Features, ...]) -> "Seen":
        """Samples as these networks see them; early features of the first network alone."""
        spaces: dict[str, Tensor] = {}
        for place, network in enumerate(networks):
            found = network.extract(samples)
            spaces[network.name] = found["late"]
            if place == 0 and "early" in found:
                spaces[f"{network.name}_early"] = found["early"]
        main = networks[0]
        return cls(samples, spaces, main.head(spaces[main.name]) if main.head else None)


@dataclass(frozen=True)
class Known:
    """What is kept of real data: the held-out samples as seen, and figures of real and of trivial samples."""

    test: Seen
    floors: dict[str, float]
    baselines: dict[str, dict[str, float]]


class Reference:
    """Real data at n samples on each side, ready to judge sets of n samples.

    >>> from mulligan.metrics.real import real_data
    >>> reference = Reference(real_data("ring"), n=500, seed=0, cache=False)
    >>> reference.measured(reference.real.chosen(500, seed=3)[1])["coverage"].value > 0.9
    True
    """

    def __init__(self, real: Real, n: int, seed: int = 0, cache: bool = True) -> None:
        self.real, self.n, self.seed = real, n, seed
        self._test, self._train = real.chosen(n, seed)
        self._looked: Seen | None = None  # the last samples that the networks saw
        self._examined: tuple[Tensor, memorisation.Memorisation] | None = None  # the last samples in which copies were looked for
        self.known = self._kept() if cache else self._made()

    @cached_property
    def originals(self) -> tuple[Projection, memorisation.Originals]:
        """Principal components of the training samples, and all that may have been copied along them."""
        assert self.real.seen is not None  # asked for where there are training samples alone
        projection = Projection.fit(self.real.seen)
        # Without a test split half of the training samples stand in for it, and may have been copied as well.
        held_out = projection.apply(self._test[:EXAMINED]) if self.real.split == "test" else None
        return projection, memorisation.Originals(projection.apply(self.real.seen), held_out, self.seed)

    @cached_property
    def manifolds(self) -> dict[str, Manifold]:
        """The balls of held-out samples, by space."""
        return {name: Manifold(rows) for name, rows in self.known.test.spaces.items() if name.partition("_")[0] == self._main.name}

    def measured(self, samples: Tensor, intervals: bool = True) -> Values:
        """All figures of samples (N, ...), distances with their intervals if asked for. Raises DataError for samples that do not fit."""
        if samples.shape[1:] != self.real.test.shape[1:]:
            raise DataError(
                f"samples of shape {tuple(samples.shape[1:])} cannot be judged by real data of shape {tuple(self.real.test.shape[1:])}",
                "Judge them by the data that they imitate",
            )
        seen = self.seen(samples)
        values = self._distances(seen, intervals) | self._neighbours(seen) | self._classes(seen) | self._modes(seen)
        return values | self._moments(samples) | self._copies(samples)

    def seen(self, samples: Tensor) -> Seen:
        """Samples as the networks see them; the same samples go through once."""
        if self._looked is None or self._looked.samples is not samples:
            self._looked = Seen.by(samples, self.real.networks)
        return self._looked

    def nearest(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """The samples that lie nearest to a training sample, and these, the nearest first."""
        pairs = self._memorisation(samples).pairs
        assert self.real.seen is not None  # asked for where there are training samples alone
        return samples[pairs[:, 0]], self.real.seen[pairs[:, 1]]

    @property
    def _main(self) -> Features:
        return self.real.networks[0]

    def _distances(self, seen: Seen, intervals: bool) -> Values:
        """Distances of the numbers and of features; those of the real data alone need no intervals, which take most of the time."""
        test, seed = self.known.test, self.seed
        pairs = {name: (rows, test.spaces[name]) for name, rows in seen.spaces.items()}
        main = pairs[self._main.name]
        kd = _named("kd", self._main.name)
        if intervals:
            values = {"distance": sliced_estimate(seen.samples, self._test, seed=seed)}
            values |= {_named("fd", name): frechet_estimate(*pair, seed) for name, pair in pairs.items()}
            return {**values, kd: kernel.kernel_estimate(*main, seed)}
        values = {"distance": exact(sliced_wasserstein(seen.samples, self._test, seed=seed))}
        values |= {_named("fd", name): exact(frechet(*pair)) for name, pair in pairs.items()}
        return {**values, kd: exact(kernel.kernel_distance(*main))}

    def _neighbours(self, seen: Seen) -> Values:
        found = {name: manifold.compare(fake=seen.spaces[name], seed=self.seed) for name, manifold in self.manifolds.items()}
        late = found[self._main.name]
        values = {"precision": late.precision, "recall": late.recall, "density": late.density, "coverage": late.coverage}
        early = found.get(f"{self._main.name}_early")
        return values if early is None else {**values, "coverage_early": early.coverage}

    def _classes(self, seen: Seen) -> Values:
        if seen.logits is None or self.known.test.logits is None:
            return {}
        apart = classes.histogram_distance(classes.histogram(seen.logits), classes.histogram(self.known.test.logits))
        return {"classifier_score": classes.classifier_score(seen.logits), "class_distance": exact(apart)}

    def _modes(self, seen: Seen) -> Values:
        known = self.real.modes
        if known.centres is not None:
            found = modes.mixture_modes(seen.samples, known.centres, known.deviation)
        elif known.cells is not None:
            found = _cells(seen.samples, known.cells)
        else:
            return {}
        values = {
            "modes": exact(found.modes),
            "strict_modes": exact(found.strict_modes),
            "high_quality": exact(found.high_quality),
            "off_mode": exact(found.off_mode),
            "kl": exact(found.kl),
        }
        return values if found.width is None else {**values, "width": exact(found.width)}

    def _moments(self, samples: Tensor) -> Values:
        found = moments.moments(samples)
        values = {"mean": exact(_mean(found.mean)), "deviation": exact(_mean(found.std))}
        return values if found.sharpness is None else {**values, "sharpness": exact(found.sharpness)}

    def _copies(self, samples: Tensor) -> Values:
        if self.real.seen is None:
            return {}
        found = self._memorisation(samples)
        values = {"authenticity": found.authenticity, "copies": exact(found.copies), "duplicates": exact(found.duplicates)}
        return values if found.ratio is None else {"nearest_ratio": found.ratio, **values}

    def _memorisation(self, samples: Tensor) -> memorisation.Memorisation:
        if self._examined is None or self._examined[0] is not samples:
            projection, originals = self.originals
            self._examined = samples, originals.compare(projection.apply(samples[:EXAMINED]))
        return self._examined[1]

    def _made(self) -> Known:
        """Everything that is taken of real data alone."""
        self.known = Known(Seen.by(self._test, self.real.networks), {}, {})
        floors = _values(self.measured(self._train, intervals=False))
        floors |= self._fresh(floors)
        trivial = {
            "gaussian": baselines.gaussian(self.real.train, self.n, self.seed),
            "resampled": baselines.resampled(self.real.train, self.n, self.seed),
        }
        return Known(self.known.test, floors, {name: _values(self.measured(rows, intervals=False)) for name, rows in trivial.items()})

    def _fresh(self, floors: dict[str, float]) -> dict[str, float]:
        """Floors of the figures of copying: training samples are copies of themselves, so these are what fresh data have."""
        fresh = {"nearest_ratio": 1.0, "copies": memorisation.RARE, "duplicates": memorisation.RARE}
        if "authenticity" in floors:
            held_out = self.originals[1].held_out_authenticity
            fresh["authenticity"] = 0.5 if held_out is None else held_out
        return {name: value for name, value in fresh.items() if name in floors}

    def _kept(self) -> Known:
        """The same from the cache; a file that is broken or foreign is made again, and a cache that cannot be written is done without."""
        path = cache_folder() / "statistics" / f"{self._key()}.safetensors"
        try:
            return self._read(path)
        except (MulliganError, KeyError, ValueError, TypeError, AttributeError):
            known = self._made()
        with suppress(DiskError):  # a figure is worth more than the time that keeping it saves
            _write(path, known)
        return known

    def _key(self) -> str:
        networks = [(network.name, network.hash) for network in self.real.networks]
        facts = [VERSION, self.real.digest, self.real.split, self.n, self.seed, networks, self._test.dtype == torch.uint8]
        return sha256(json.dumps(facts).encode()).hexdigest()[:32]

    def _read(self, path: Path) -> Known:
        header = tensors.header(path)
        stored = tensors.read(path)
        kept = json.loads(header.metadata["figures"])
        spaces = {name.removeprefix("space/"): rows for name, rows in stored.items() if name.startswith("space/")}
        expected = {self._main.name, *(network.name for network in self.real.networks)}
        if not expected <= spaces.keys() or any(len(rows) != len(self._test) for rows in stored.values()):
            raise ValueError("another set of features")
        tensors.check_finite(stored, path)
        floors = {str(name): float(value) for name, value in kept["floors"].items()}
        trivial = {str(name): {str(key): float(value) for key, value in found.items()} for name, found in kept["baselines"].items()}
        return Known(Seen(self._test, spaces, stored.get("logits")), floors, trivial)


def exact(value: float | Tensor) -> Estimate:
    """A figure without an interval: one that is a count or follows from the whole set."""
    return Estimate(float(value), float("nan"), float("nan"))


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _write(path: Path, known: Known) -> None:
    stored = {f"space/{name}": rows.contiguous() for name, rows in known.test.spaces.items()}
    if known.test.logits is not None:
        stored["logits"] = known.test.logits.contiguous()
    figures = json.dumps({"floors": known.floors, "baselines": known.baselines})
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{sha256(str(id(known)).encode()).hexdigest()[:8]}")
        try:
            tensors.write(beside, stored, {"figures": figures})
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _values(found: Values) -> dict[str, float]:
    return {name: estimate.value for name, estimate in found.items()}


def _named(stem: str, space: str) -> str:
    """`fd_digits`; in Inception's features the distance has a name of its own, which nothing else may have."""
    return {"fd_inception": "fid", "kd_inception": "kid"}.get(f"{stem}_{space}", f"{stem}_{space}")


def _cells(images: Tensor, judge: Features) -> modes.Modes:
    """Modes of stacked digits: what the judge reads in each channel, together a number below 1,000."""
    cells = torch.zeros(len(images), dtype=torch.int64)
    confident = torch.ones(len(images), dtype=torch.bool)
    for channel in range(3):
        logits = judge.classify(images[..., channel].contiguous())
        assert logits is not None  # a judge knows classes
        cells = cells * logits.shape[1] + logits.argmax(1)
        confident &= logits.softmax(1).max(1).values >= CONFIDENT
    return modes.cell_modes(cells, 1000, confident)
