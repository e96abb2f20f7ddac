"""Data of one's own: the two arms of a spiral, drawn afresh for every batch. From the folder that holds `examples/`:

    mulligan train examples/my_data.py:my_data --recipe points

Samples that are there once and for all are handed over as `mulligan.data.dataset.images(request, train, test)` or `points(...)`.
"""

import numpy as np

from mulligan import Data
from mulligan.data.dataset import Dataset, endless

TURNS = 1.5
DEVIATION = 0.02


def accepts(source: str) -> bool:
    """Whether what the user typed means this source."""
    return source.endswith("my_data.py:my_data")


def load(request: Data) -> Dataset:
    """The source, with the names of its columns and its licence."""
    return endless(request, draw, ("x", "y"), licence="made by a formula")


def draw(count: int, generator: np.random.Generator) -> np.ndarray:
    """Points float32 (count, 2). The same generator gives the same points: that is what makes a run resumable."""
    along = np.sqrt(generator.uniform(0.05, 1.0, count))
    angle = 2 * np.pi * (TURNS * along + 0.5 * generator.integers(2, size=count))
    points = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (points + DEVIATION * generator.standard_normal(points.shape)).astype(np.float32)
