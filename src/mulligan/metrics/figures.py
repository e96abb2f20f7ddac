"""Two figures of a set of samples, each beside its floor and with its protocol.

A figure is a distance between samples and real test data. Its floor is the same distance, at the same number of samples, between
real training data and the same test data: a perfect generator scores about its floor, and a copy of the training data exactly it.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import DIRECTIONS, flat, frechet, sliced_wasserstein
from mulligan.metrics.features import FEATURES, feature_hash, random_features
from mulligan.randomness import torch_generator

LIMIT = 10_000  # samples of each set that are looked at, at most


@dataclass(frozen=True)
class Figure:
    """A distance of samples to real test data, and the distance that as many real training data have."""

    value: float
    floor: float


@dataclass(frozen=True)
class Protocol:
    """How figures were taken: without it they cannot be compared."""

    n: int  # samples on each side
    split: str  # which real data: `test`, or `halves of train` where there is no test split
    seed: int  # which rows, and which directions
    directions: int
    features: str  # where fd_random is taken: the random network, or the coordinates themselves
    feature_hash: str  # SHA-256 of the weights of that network; empty for coordinates


@dataclass(frozen=True)
class Figures:
    """distance: sliced Wasserstein on pixels or coordinates; fd_random: Fréchet distance of random features; both lower is better."""

    distance: Figure
    fd_random: Figure
    protocol: Protocol

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and words, ready for JSON."""
        return asdict(self)

    def lines(self) -> tuple[str, str]:
        """One line for people on each figure."""
        taken = self.protocol
        coordinates = not taken.feature_hash
        ways = {
            "distance": f"sliced Wasserstein on {'coordinates' if coordinates else 'pixels'}",
            "fd_random": f"Fréchet on {'coordinates' if coordinates else f'{taken.features} {taken.feature_hash[:8]}'}",
        }
        against = f"{taken.n} samples against {taken.n} of {taken.split}; lower is better"
        first, second = (
            f"{name:<9} {figure.value:.4g}, floor {figure.floor:.4g} ({ways[name]}, {against})"
            for name, figure in (("distance", self.distance), ("fd_random", self.fd_random))
        )
        return first, second


def figures(samples: Any, test: Any | None, train: Any, kind: str, seed: int = 0) -> Figures:
    """The two figures of samples, against real test data and with real training data as the floor.

    samples, test, train: uint8 images (N, H, W) or (N, H, W, 3), or points (N, D); arrays or tensors. Where test is None, training
    data are split at random: one half stands in for the test data, the other for the floor.
    kind: `image` (features of the random network) or anything else (the coordinates themselves).
    Of each set as many are taken as the smallest has, at most 10,000; of real data a random choice, of samples the first.
    Raises DataError for samples that do not fit the real data or are not finite.

    >>> real = torch.rand(400, 2)
    >>> result = figures(torch.rand(100, 2), test=real[:100], train=real[100:], kind="points")
    >>> result.protocol.n, result.distance.value < 0.5
    (100, True)
    """
    made, real, reference, split = _same_size(torch.as_tensor(samples), test, torch.as_tensor(train), seed)
    if made.shape[1:] != real.shape[1:] or made.shape[1:] != reference.shape[1:]:
        raise DataError(
            f"samples of shape {tuple(made.shape[1:])} cannot be judged by real data of shape {tuple(reference.shape[1:])}",
            "Judge them by the data that they imitate",
        )
    features = random_features if kind == "image" else flat
    wanted, true, ideal = (features(part) for part in (made, reference, real))
    return Figures(
        distance=Figure(*(sliced_wasserstein(part, reference, DIRECTIONS, seed) for part in (made, real))),
        fd_random=Figure(*(frechet(part, true) for part in (wanted, ideal))),
        protocol=Protocol(
            n=len(made),
            split=split,
            seed=seed,
            directions=DIRECTIONS,
            features=f"random{FEATURES}" if kind == "image" else "coordinates",
            feature_hash=feature_hash(_channels(made)) if kind == "image" else "",
        ),
    )


def _same_size(samples: Tensor, test: Any | None, train: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor, str]:
    """Samples, floor and reference, all of one length, and what the reference is."""
    order = torch.randperm(len(train), generator=torch_generator(seed, "figures/train"))
    if test is None:
        half = max(len(train) // 2, 1)
        reference, real, split = train[order[:half]], train[order[half:]] if len(train) > 1 else train, "halves of train"
    else:
        given = torch.as_tensor(test)
        reference = given[torch.randperm(len(given), generator=torch_generator(seed, "figures/test"))]
        real, split = train[order], "test"
    count = min(len(samples), len(reference), len(real), LIMIT)
    if count < 1:
        raise DataError("there is nothing to judge: a set of samples is empty", "Give at least one sample of each")
    return samples[:count], real[:count], reference[:count], split


def _channels(images: Tensor) -> int:
    return 1 if images.ndim == 3 else int(images.shape[-1])
