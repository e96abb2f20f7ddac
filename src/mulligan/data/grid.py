"""25 Gaussians on a square grid, centres {-4, -2, 0, 2, 4}^2 and deviation 0.05.

Parameters of Srivastava et al. 2017 (arXiv 1705.07761) and Lin et al. 2018 (arXiv 1712.04086, section 4.1).
"""

import numpy as np

from mulligan.data.dataset import Dataset, endless
from mulligan.recipe import Data

DEVIATION = 0.05
MODES = np.array([[x, y] for x in (-4.0, -2.0, 0.0, 2.0, 4.0) for y in (-4.0, -2.0, 0.0, 2.0, 4.0)])


def accepts(source: str) -> bool:
    """Whether the source is meant: `grid`."""
    return source == "grid"


def load(request: Data) -> Dataset:
    """The endless source."""
    return endless(request, draw, ("x", "y"), licence="made by a formula")


def draw(count: int, generator: np.random.Generator) -> np.ndarray:
    """Points float32 (count, 2), each mode equally likely.

    >>> draw(3, np.random.default_rng(0)).shape
    (3, 2)
    """
    modes = MODES[generator.integers(len(MODES), size=count)]
    return (modes + DEVIATION * generator.standard_normal((count, 2))).astype(np.float32)
