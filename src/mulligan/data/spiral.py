"""A spiral of one and a half turns from near the middle out to radius 1, deviation 0.02: one bent piece with gaps between its windings."""

import numpy as np

from mulligan.data.dataset import Dataset, endless
from mulligan.recipe import Data

DEVIATION = 0.02
TURNS = 1.5
NEAREST = 0.15  # radius at its inner end


def accepts(source: str) -> bool:
    """Whether the source is meant: `spiral`."""
    return source == "spiral"


def load(request: Data) -> Dataset:
    """The endless source."""
    return endless(request, draw, ("x", "y"), licence="made by a formula")


def draw(count: int, generator: np.random.Generator) -> np.ndarray:
    """Points float32 (count, 2), evenly along its length.

    The radius grows in proportion to the angle, so that the length grows with about the square of the radius.

    >>> draw(3, np.random.default_rng(0)).shape
    (3, 2)
    """
    radius = np.sqrt(generator.uniform(NEAREST**2, 1, count))
    angle = 2 * np.pi * TURNS * (radius - NEAREST) / (1 - NEAREST)
    places: np.ndarray = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    places = places + DEVIATION * generator.standard_normal((count, 2))
    return places.astype(np.float32)
