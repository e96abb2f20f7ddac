"""Two moons: half circles of radius 1 that reach into each other, deviation 0.05; two pieces with a bent gap between them."""

import numpy as np

from mulligan.data.dataset import Dataset, endless
from mulligan.recipe import Data

DEVIATION = 0.05
LOWER = np.array([1.0, 0.5])  # centre of the lower half circle; that of the upper one is the origin


def accepts(source: str) -> bool:
    """Whether the source is meant: `moons`."""
    return source == "moons"


def load(request: Data) -> Dataset:
    """The endless source."""
    return endless(request, draw, ("x", "y"), licence="made by a formula")


def draw(count: int, generator: np.random.Generator) -> np.ndarray:
    """Points float32 (count, 2), each moon equally likely.

    >>> draw(3, np.random.default_rng(0)).shape
    (3, 2)
    """
    angle = generator.uniform(0, np.pi, count)
    arc = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = generator.integers(2, size=count).astype(bool)[:, None]
    places = np.where(lower, LOWER - arc, arc)
    return (places + DEVIATION * generator.standard_normal((count, 2))).astype(np.float32)
