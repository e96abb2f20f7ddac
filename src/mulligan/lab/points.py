"""The points that are learnt in the lab: a built-in set, or what somebody drew."""

import numpy as np

from mulligan.data.dataset import Dataset, Split, points
from mulligan.data.opening import open_dataset
from mulligan.errors import UsageError
from mulligan.find import suggestion
from mulligan.recipe import Data
from mulligan.recipes.points import BUILT_IN

FRAME = 2.5  # half the side of the square that is shown: of standardised built-in points nothing lies outside
MOST_POINTS = 2000  # drawn ones
NAMES = BUILT_IN
DRAWN = "drawn"


def opened(source: str | np.ndarray) -> Dataset:
    """The data of a built-in name, or of drawn points (N, 2) in the frame. Raises UsageError for anything else.

    >>> opened(np.zeros((5, 2))).data.count
    5
    """
    if isinstance(source, str):
        if source not in NAMES:
            raise UsageError(f"{source}: no points of that name in the lab", suggestion(source, NAMES))
        return open_dataset(Data(source=source))
    return points(Data(source=DRAWN), Split(_checked(source)), None, ("x", "y"), "drawn by the user")


def fitted(given: np.ndarray) -> np.ndarray:
    """Points (N, 2) of any units, shifted and scaled, both columns alike, to fill half of the frame. Raises UsageError.

    >>> fitted(np.array([[100.0, 0.0], [300.0, 100.0]])).tolist()
    [[-1.25, -0.625], [1.25, 0.625]]
    """
    rows = _numbers(given).astype(np.float64)
    low, high = rows.min(axis=0), rows.max(axis=0)
    widest = float((high - low).max())
    shifted: np.ndarray = (rows - (low + high) / 2) * (FRAME / widest if widest > 0 else 1.0)
    return shifted


def _checked(given: np.ndarray) -> np.ndarray:
    rows = _numbers(given)
    if np.abs(rows).max() > FRAME:
        raise UsageError(
            f"points out to {np.abs(rows).max():.3g}: the frame ends at {FRAME:g}", "mulligan.lab.fitted(points) brings them into it"
        )
    return np.ascontiguousarray(rows, np.float32)


def _numbers(given: np.ndarray) -> np.ndarray:
    rows = np.asarray(given)
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iuf":
        raise UsageError(f"points of {rows.dtype} {rows.shape} cannot be drawn", "Give numbers (N, 2)")
    if not 1 <= len(rows) <= MOST_POINTS:
        raise UsageError(f"{len(rows)} points were drawn", f"Draw from 1 to {MOST_POINTS:,}")
    if not np.isfinite(rows).all():
        raise UsageError("drawn points hold a number that is not finite", "Draw them again")
    return rows
