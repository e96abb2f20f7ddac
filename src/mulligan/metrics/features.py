"""Features in which samples are compared with real ones: the one place where a feature network is chosen.

`digits` and `fashion` are trained on those data (judge.py), `random` on nothing (random_network.py), `inception` is the network of FID
(inception.py), and `coordinates` are the samples themselves: all that there is for points.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mulligan import find
from mulligan.errors import UsageError
from mulligan.metrics.distances import flat
from mulligan.metrics.inception import inception
from mulligan.metrics.judge import PUBLISHED, judge
from mulligan.metrics.random_network import FEATURES, feature_hash, random_depths, random_features

__all__ = ["FEATURES", "NAMES", "Features", "feature_hash", "features", "random_features"]

NAMES = (*PUBLISHED, "random", "coordinates", "inception")


@dataclass(frozen=True)
class Features:
    """A feature network, ready to look at samples.

    name: one of NAMES. hash: SHA-256 of its weights, part of every figure's protocol; empty for coordinates.
    extract: samples -> rows of features by depth, {"late": (N, D), "early": (N, E)}, float32; coordinates and Inception have only
    "late". Raises DataError for samples that it cannot see.
    head: late features (N, D) -> logits (N, classes), or None where the network knows no classes. classes: how many it knows.
    """

    name: str
    hash: str
    extract: Callable[[Any], dict[str, Tensor]]
    head: Callable[[Tensor], Tensor] | None = None
    classes: int = 0

    def classify(self, samples: Any) -> Tensor | None:
        """Logits (N, classes) of samples, or None where the network knows no classes.

        Whoever has the late features already takes `head` of them, which spares a pass through the network.
        """
        return self.head(self.extract(samples)["late"]) if self.head else None


def features(name: str, channels: int = 1) -> Features:
    """The features of that name: `digits`, `fashion`, `random`, `coordinates` or `inception`.

    channels: of the images, 1 or 3; the random network has other weights for each. Raises UsageError for any other name, and where
    Inception is asked for without its extra.

    >>> import torch
    >>> chosen = features("digits")
    >>> rows = chosen.extract(torch.zeros(3, 28, 28, dtype=torch.uint8))
    >>> {depth: tuple(row.shape) for depth, row in rows.items()}, chosen.classes
    ({'late': (3, 128), 'early': (3, 256)}, 10)
    """
    if name in PUBLISHED:
        trained = judge(name)
        return Features(name, PUBLISHED[name], trained.depths, trained.logits, trained.classes)
    if name == "random":
        return Features(name, feature_hash(channels), random_depths)
    if name == "coordinates":
        return Features(name, "", lambda samples: {"late": flat(samples)})
    if name == "inception":
        standard = inception()
        return Features(name, standard.hash(), standard.depths)
    raise UsageError(f"features {name}: there are none of that name", find.suggestion(name, NAMES))
