"""Judge any set of samples by real data: two folders, two arrays, or a callable that makes samples; whether a GAN made them or not."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError, UsageError
from mulligan.metrics.classes import histogram
from mulligan.metrics.distances import DIRECTIONS
from mulligan.metrics.estimates import RESAMPLES
from mulligan.metrics.figures import BASELINES, Figure, Protocol, ScoreCard
from mulligan.metrics.neighbours import K
from mulligan.metrics.real import real_data, samples_of
from mulligan.metrics.reference import Reference

LIMIT = 10_000  # samples of each side, unless more are asked for


def evaluate(
    samples: Any,
    against: Any,
    *,
    n: int | None = None,
    seed: int = 0,
    features: Sequence[str] = (),
    told: str = "",
    cache: bool = True,
) -> ScoreCard:
    """The score card of samples: distances, fidelity and diversity, classes, modes, moments and signs of copying.

    samples: uint8 images (N, H, W) or (N, H, W, 3), points (N, D); a folder of images, an array's or a table's file; or a callable
    (n, seed) -> samples. against: real data: a name or path as `mulligan train` takes it, an array, or a Dataset.
    n: samples of each side; at most 10,000 if absent, and never more than the smallest set has. seed: of every choice; a callable is
    given it too. features: names of feature networks (digits, fashion, random, inception), the main one first; if none, the judge of
    a built-in set and the random network. told: where the samples came from, for the protocol. cache: whether what is taken of the
    real data alone is kept.
    Raises UsageError, and DataError for samples that do not fit the real data or are not finite.

    >>> card = evaluate(torch.rand(300, 2), against=torch.rand(600, 2), cache=False)
    >>> card.protocol.n, card["coverage"].value > 0.8
    (300, True)
    """
    likeness = None if callable(samples) else _peek(samples)
    real = real_data(against, features, likeness)
    wanted = min(n or LIMIT, len(real.test), len(real.train))
    made = samples_of(samples, wanted, seed, real.test)
    count = min(wanted, len(made))
    if count < 1:
        raise DataError("there is nothing to judge: a set of samples is empty", "Give at least one sample of each")
    return score_card(Reference(real, count, seed, cache), made[:count], told)


def score_card(reference: Reference, made: Tensor, told: str = "") -> ScoreCard:
    """The score card of samples (n, ...) by a prepared reference of the same n."""
    real, known = reference.real, reference.known
    figures = {
        name: Figure(
            value=_plain(estimate.value),
            low=_plain(estimate.low),
            high=_plain(estimate.high),
            floor=known.floors.get(name),
            baselines={which: known.baselines[which][name] for which in BASELINES if name in known.baselines.get(which, {})},
        )
        for name, estimate in reference.measured(made).items()
    }
    protocol = Protocol(
        n=len(made),
        split=real.split,
        seed=reference.seed,
        samples=told,
        train=0 if real.seen is None else len(real.seen),
        directions=DIRECTIONS,
        neighbours=K,
        resamples=RESAMPLES,
        features={network.name: network.hash for network in real.networks},
        data=real.digest,
    )
    return ScoreCard(figures, protocol, _shares(known.test.logits, reference.seen(made).logits))


def _shares(real: Tensor | None, made: Tensor | None) -> dict[str, tuple[float, ...]]:
    """Shares of classes by logits of both sides, where a classifier of the data tells them."""
    if real is None or made is None:
        return {}
    return {"samples": tuple(histogram(made).tolist()), "data": tuple(histogram(real).tolist())}


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _peek(samples: Any) -> Tensor | None:
    """Samples in memory, in whose size a folder of real pictures is read."""
    if isinstance(samples, str | Path) or samples is None:
        return None
    try:
        found = torch.as_tensor(samples)
    except (TypeError, ValueError, RuntimeError):
        raise UsageError(f"samples of type {type(samples).__name__}", "Give an array, a path, or a callable (n, seed) -> samples") from None
    return found
