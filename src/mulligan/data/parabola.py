"""Points (x, x^2) with x uniform in [-0.5, 0.5]: the smallest thing that a GAN can visibly learn."""

import numpy as np

from mulligan.data.dataset import Dataset, endless
from mulligan.recipe import Data


def accepts(source: str) -> bool:
    """Whether the source is meant: `parabola`."""
    return source == "parabola"


def load(request: Data) -> Dataset:
    """The endless source."""
    return endless(request, draw, ("x", "y"), licence="made by a formula")


def draw(count: int, generator: np.random.Generator) -> np.ndarray:
    """Points float32 (count, 2).

    >>> bool((draw(100, np.random.default_rng(0))[:, 1] <= 0.25).all())
    True
    """
    across = generator.uniform(-0.5, 0.5, count)
    return np.stack([across, across**2], axis=1).astype(np.float32)
