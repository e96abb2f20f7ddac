"""Whether synthetic samples help: one fixed classifier learns from real samples, synthetic ones or both, and is tested on real ones.

The accuracy after learning from synthetic samples alone is the classification accuracy score, CAS (Ravuri and Vinyals 2019, arXiv
1905.10887, section 3). It says nothing by itself: beside it stands what real samples alone give, and what they give with classical
augmentation, since whoever has the real samples has these for nothing. Every way gets the same number of updates: in batches of both,
half is synthetic, and takes the place of real samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import atan, cos, hypot, pi, sin, sqrt
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.classifier import BATCH, RATE, STEPS, Classifier, Part
from mulligan.randomness import torch_generator

SIZES = (100, 1000)  # of real samples, besides all of them
SEEDS = tuple(range(5))
NORMAL = 1.96  # two-sided 95 % of the normal distribution

Verdict = Literal["helps", "hurts", "no gain shown"]
Way = Literal["real", "augmented", "synthetic", "both"]
Sampler = Callable[[int, np.ndarray | None, int], Any]
MEANING: dict[Way, str] = {
    "real": "real only",
    "augmented": "real, augmented",
    "synthetic": "synthetic only",
    "both": "real and synthetic",
}


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and test samples, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class AtSize:
    """What came out at one number of real samples.

    accuracy: of each way to learn (`augmented` only for images), of seeds and of the mean. to_real: of each other way, the paired
    difference to real samples alone. better: the better of `real` and `augmented`. gain: paired difference of `both` to that one.
    """

    real: int
    accuracy: dict[Way, Interval]
    seeds: dict[Way, tuple[float, ...]]
    to_real: dict[Way, Interval]
    better: Way
    gain: Interval
    verdict: Verdict


@dataclass(frozen=True)
class Protocol:
    """How it was taken: without it nothing here can be compared."""

    n: int  # synthetic samples of each seed
    seeds: tuple[int, ...]
    test: int  # real test samples
    available: int  # real training samples, all of them
    classes: int
    steps: int  # updates of each classifier
    batch: int
    rate: float
    parameters: int  # weights of the classifier
    flips: bool  # whether augmentation mirrored images


@dataclass(frozen=True)
class Usefulness:
    """Whether synthetic samples help.

    labels: where those of synthetic samples come from. sizes: one entry for each number of real samples, rising. cas: accuracy after
    synthetic samples alone, at the largest size; gap: the paired difference of real samples alone to it. test_noise: half a 95 %
    interval of one accuracy, from the number of test samples alone. verdict: that of the largest size.
    """

    verdict: Verdict
    labels: Literal["asked for", "given by a classifier of the real data"]
    sizes: tuple[AtSize, ...]
    cas: Interval
    gap: Interval
    test_noise: float
    protocol: Protocol

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and words, ready for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The answer at each size, and overall, in one line."""
        first, *rest = (f"{at.verdict} at {at.real:,}{'' if place else ' real samples'}{_why(at)}" for place, at in enumerate(self.sizes))
        return ", ".join([first, *rest]) + (f"; overall: {self.verdict}" if rest else "")

    def lines(self) -> tuple[str, ...]:
        """A table for people, and what it means."""
        ways = [way for way in MEANING if way in self.sizes[0].accuracy]
        rows = [("real samples", *(MEANING[way] for way in ways), "to real only", "gain", "verdict")]
        for at in self.sizes:
            cells = (_percent(at.accuracy[way]) for way in ways)
            rows.append((f"{at.real:,}", *cells, _points(at.to_real["both"]), _points(at.gain), at.verdict))
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        taken, largest = self.protocol, self.sizes[-1]
        rivals = f"the better of `{MEANING['real']}` and `{MEANING['augmented']}`" if "augmented" in ways else f"`{MEANING['real']}`"
        notes = [
            f"accuracy in % on {taken.test:,} real test samples, mean of {len(taken.seeds)} seeds; ± and []: 95 % over both",
            f"to real only, gain: `{MEANING['both']}` less `{MEANING['real']}`, and less {rivals}, in points",
            f"the number of test samples alone leaves ± {100 * self.test_noise:.1f} on one accuracy",
            f"CAS {_percent(self.cas)}, real {_percent(largest.accuracy['real'])} at {largest.real:,}, gap {_points(self.gap)}",
            f"{taken.n:,} synthetic samples for each seed; their labels: {self.labels}",
        ]
        if self.sizes[0].real < taken.available:
            notes.append(f"a generator that was trained on all {taken.available:,} brings to a smaller number what it learnt of the others")
        return (*table, *notes, self.sentence())


def usefulness(
    sampler: Sampler,
    train: Any,
    train_labels: Any,
    test: Any,
    test_labels: Any,
    *,
    conditional: bool = True,
    sizes: Sequence[int] | None = None,
    seeds: Sequence[int] = SEEDS,
    n: int | None = None,
    steps: int = STEPS,
    flips: bool = False,
    told: Callable[[int], None] | None = None,
) -> Usefulness:
    """Train the fixed classifier in each way, at each size, with each seed, and compare.

    sampler: (n, labels int64 (n,) or None, seed) -> n samples like `train`; any generator, called once for each seed. train, test:
    uint8 (N, C, H, W) or float32 (N, D), with labels (N,), whole numbers from 0 on. conditional: the sampler heeds labels; it is asked
    for those of the training data, in their shares. Otherwise its samples are labelled by the classifier of the same seed that
    learnt from the real samples of that size alone.
    sizes: numbers of real samples, chosen in the shares of the classes; absent: 100 and 1,000 where there are more, and all.
    n: synthetic samples; absent: as many as there are real ones, at most as many as a classifier sees. flips: mirrored images are
    still of their class. told: called after each training with the number of trainings since the last call.
    Raises DataError for samples and labels that do not fit, or too few of them.

    >>> def noise(n: int, labels: np.ndarray | None, seed: int) -> Tensor:
    ...     return torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    >>> real, labels = noise(400, None, 7), torch.arange(400) % 2
    >>> usefulness(noise, real[:200], labels[:200], real[200:], labels[200:], seeds=(0, 1), steps=5, sizes=(100,)).verdict
    'no gain shown'
    """
    real, held = _part(train, train_labels, "training"), _part(test, test_labels, "test")
    classes = int(max(real.labels.max(), held.labels.max())) + 1
    seeds = tuple(dict.fromkeys(seeds))
    _require_alike(real, held, classes, seeds)
    chosen = chosen_sizes(sizes, real.labels)
    classifier = Classifier(real.samples, classes, steps, flips)
    count = n if n is not None else min(len(real.labels), steps * BATCH)
    right: dict[tuple[int, Way], list[Tensor]] = {}
    for seed in seeds:
        asked = _asked(real.labels, count, seed) if conditional else None
        made = torch.as_tensor(sampler(count, None if asked is None else asked.numpy(), seed))
        if len(made) != count or made.shape[1:] != real.samples.shape[1:]:
            raise DataError(f"the sampler made {tuple(made.shape)}: expected {(count, *real.samples.shape[1:])}")
        trial = _Trial(classifier, held, seed, told or (lambda done: None))
        for size, ways in trial.run(_nested(real, chosen, seed), made, asked).items():
            for way, hits in ways.items():
                right.setdefault((size, way), []).append(hits)
    return _compared(
        {place: torch.stack(hits).double() for place, hits in right.items()},
        chosen,
        "asked for" if conditional else "given by a classifier of the real data",
        Protocol(
            n=count,
            seeds=seeds,
            test=len(held.labels),
            available=len(real.labels),
            classes=classes,
            steps=steps,
            batch=BATCH,
            rate=RATE,
            parameters=classifier.parameters,
            flips=flips,
        ),
    )


def chosen_sizes(asked: Sequence[int] | None, labels: Any) -> tuple[int, ...]:
    """Numbers of real samples in rising order, or those that are taken where none are asked for.

    labels: of all real training samples. Raises DataError for more samples than there are, and for fewer than there are classes.

    >>> chosen_sizes(None, torch.arange(400) % 10)
    (100, 400)
    """
    known = torch.as_tensor(labels)
    available, classes = len(known), int(torch.unique(known).numel())
    if asked is None:
        return (*(size for size in SIZES if classes <= size < available), available)
    for size in asked:
        if not classes <= size <= available:
            raise DataError(f"{size:,} real samples: there are {available:,}, of {classes} classes", f"Give {classes} to {available:,}")
    return tuple(sorted(set(asked)))


def trainings(sizes: Sequence[int], seeds: int, images: bool, conditional: bool) -> int:
    """How many classifiers `usefulness` trains."""
    ways = 3 if images else 2
    return seeds * (len(sizes) * ways + (1 if conditional else len(sizes)))


@dataclass(frozen=True)
class _Trial:
    """All trainings of one seed."""

    classifier: Classifier
    test: Part
    seed: int
    told: Callable[[int], None]

    def run(self, reals: dict[int, Part], made: Tensor, asked: Tensor | None) -> dict[int, dict[Way, Tensor]]:
        """For each size and way, which test samples (M,) bool are told rightly."""
        found: dict[int, dict[Way, Tensor]] = {}
        asked_for = None if asked is None else self._right(self._fitted([Part(made, asked)]))
        for size, real in reals.items():
            weights = self._fitted([real])
            synthetic = Part(made, self.classifier.classify(weights, made) if asked is None else asked)
            found[size] = {"real": self._right(weights)}
            if self.classifier.images:
                found[size]["augmented"] = self._right(self._fitted([real], augmented=True))
            found[size]["synthetic"] = self._right(self._fitted([synthetic])) if asked_for is None else asked_for
            found[size]["both"] = self._right(self._fitted([real, synthetic]))
        return found

    def _fitted(self, parts: list[Part], augmented: bool = False) -> tuple[Tensor, ...]:
        weights = self.classifier.fit(parts, self.seed, augmented)
        self.told(1)
        return weights

    def _right(self, weights: tuple[Tensor, ...]) -> Tensor:
        return self.classifier.classify(weights, self.test.samples) == self.test.labels


def student(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t with so many degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).

    >>> round(student(4), 3), round(student(1), 2)
    (2.776, 12.71)
    """
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < 0.95 else (low, middle)
    return low


def _within(t: float, freedom: int) -> float:
    """P(|T| <= t), by the finite sums for whole numbers of degrees of freedom."""
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term, total = (cos(angle) if odd else 1.0), 0.0
    for place in range(freedom // 2):
        total += term
        term *= cos(angle) ** 2 * (2 * place + 1 + odd) / (2 * place + 2 + odd)
    return (2 / pi) * (angle + sin(angle) * total) if odd else sin(angle) * total


def _interval(values: Tensor) -> Interval:
    """Mean of values (S seeds, M test samples) with its interval: another seed, or other test samples, would have given another mean.

    Both errors are added as squares: Student's interval of the means of the seeds, the normal one of the means of the test samples.
    """
    seeds, samples = values.shape
    over_seeds = student(seeds - 1) * float(values.mean(1).std()) / sqrt(seeds)
    over_samples = NORMAL * float(values.mean(0).std(correction=0)) / sqrt(samples)
    value, half = float(values.mean()), hypot(over_seeds, over_samples)
    return Interval(value, value - half, value + half)


def _compared(right: dict[tuple[int, Way], Tensor], sizes: Sequence[int], labels: Any, protocol: Protocol) -> Usefulness:
    found = []
    for size in sizes:
        ways: dict[Way, Tensor] = {way: right[size, way] for way in MEANING if (size, way) in right}
        better = max((way for way in ways if way in ("real", "augmented")), key=lambda way: float(ways[way].mean()))
        to_real: dict[Way, Interval] = {way: _interval(hits - ways["real"]) for way, hits in ways.items() if way != "real"}
        gain = _interval(ways["both"] - ways[better])
        found.append(
            AtSize(
                real=size,
                accuracy={way: _interval(hits) for way, hits in ways.items()},
                seeds={way: tuple(hits.mean(1).tolist()) for way, hits in ways.items()},
                to_real=to_real,
                better=better,
                gain=gain,
                verdict="helps" if gain.low > 0 and to_real["both"].low > 0 else "hurts" if to_real["both"].high < 0 else "no gain shown",
            )
        )
    largest = sizes[-1]
    share = found[-1].accuracy["real"].value
    return Usefulness(
        verdict=found[-1].verdict,
        labels=labels,
        sizes=tuple(found),
        cas=found[-1].accuracy["synthetic"],
        gap=_interval(right[largest, "real"] - right[largest, "synthetic"]),
        test_noise=NORMAL * sqrt(share * (1 - share) / protocol.test),
        protocol=protocol,
    )


def _nested(real: Part, sizes: Sequence[int], seed: int) -> dict[int, Part]:
    """Real samples of each size, in the shares of the classes; those of a smaller size are among those of a larger one."""
    drawn = torch.rand(len(real.labels), generator=torch_generator(seed, "usefulness/real"), dtype=torch.float64)
    place = torch.empty_like(drawn)
    for label in torch.unique(real.labels):
        own = (real.labels == label).nonzero().flatten()
        # The first of each class come first, then in step with the share of the class.
        place[own[drawn[own].argsort()]] = torch.arange(len(own), dtype=torch.float64) / len(own)
    order = (place + drawn * 1e-9).argsort()
    return {size: Part(real.samples[order[:size]], real.labels[order[:size]]) for size in sizes}


def _asked(labels: Tensor, count: int, seed: int) -> Tensor:
    """Labels (count,) in the shares of the real ones."""
    passes = -(-count // len(labels))
    order = [torch.randperm(len(labels), generator=torch_generator(seed, "usefulness/labels", turn)) for turn in range(passes)]
    return labels[torch.cat(order)[:count]]


def _part(samples: Any, labels: Any, which: str) -> Part:
    part = Part(torch.as_tensor(samples), torch.as_tensor(labels))
    if len(part.samples) == 0 or part.labels.shape != (len(part.samples),) or part.labels.is_floating_point() or int(part.labels.min()) < 0:
        raise DataError(
            f"{len(part.samples)} {which} samples with labels of shape {tuple(part.labels.shape)}", "Give a whole number from 0 on for each"
        )
    return Part(part.samples, part.labels.long())


def _require_alike(real: Part, held: Part, classes: int, seeds: Sequence[int]) -> None:
    if real.samples.shape[1:] != held.samples.shape[1:] or real.samples.ndim not in (2, 4):
        raise DataError(
            f"training samples of shape {tuple(real.samples.shape[1:])} and test samples of {tuple(held.samples.shape[1:])}",
            "Give both as images (N, C, H, W) or as points (N, D)",
        )
    if classes < 2:
        raise DataError("all samples are of one class, so there is nothing to tell apart", "Give data of two classes at least")
    if len(seeds) < 2:
        raise DataError("one seed has no spread, so nothing can be said", "Give two seeds at least, better five")


def _why(at: AtSize) -> str:
    """Why a gain over real samples alone is none."""
    if at.verdict == "no gain shown" and at.to_real["both"].low > 0:
        return " (better than real alone, but not than augmentation)"
    return ""


def _percent(found: Interval) -> str:
    return f"{100 * found.value:.1f} ± {50 * (found.high - found.low):.1f}"


def _points(found: Interval) -> str:
    return f"{100 * found.value:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"
