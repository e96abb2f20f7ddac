"""Figures along the way, however long it gets, in a bounded number of points."""

import numpy as np

MOST = 400  # points of a course


class Course:
    """Means of a few figures over equally many steps each; where there are too many points, two become one.

    A figure that is not a number was not told in that step, and is left out of the means.

    >>> course = Course(1)
    >>> for step in range(1000):
    ...     course.add(step, (float(step),))
    >>> steps, values = course.arrays()
    >>> len(steps) <= MOST + 1, float(values[0, 0]), float(values[-1, 0])
    (True, 1.5, 997.5)
    """

    def __init__(self, figures: int) -> None:
        self._figures = figures
        self._every = 1
        self._kept: list[tuple[int, np.ndarray]] = []
        self._open: list[np.ndarray] = []  # rows that the next point will be made of
        self._step = 0

    def add(self, step: int, figures: tuple[float, ...]) -> None:
        """The figures after a step."""
        self._open.append(np.array(figures, np.float64))
        self._step = step
        if len(self._open) < self._every:
            return
        self._kept.append((step, _mean(self._open)))
        self._open = []
        if len(self._kept) >= MOST:
            pairs = zip(self._kept[::2], self._kept[1::2], strict=True)
            self._kept = [(later, _mean([first, second])) for (_, first), (later, second) in pairs]
            self._every *= 2

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps (T,) and figures (T, F), the newest of them too."""
        kept = [*self._kept, (self._step, _mean(self._open))] if self._open else self._kept
        steps = np.array([step for step, _ in kept], np.int64)
        values = np.array([row for _, row in kept], np.float64).reshape(len(kept), self._figures)
        return steps, values


def _mean(rows: list[np.ndarray]) -> np.ndarray:
    """Mean of the numbers in each column; nan where there is none."""
    stacked = np.stack(rows)
    told = np.isfinite(stacked)
    sums, counts = np.where(told, stacked, 0.0).sum(axis=0), told.sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
