"""stop=auto: whether a run has stopped improving, as a function of its history alone, so that a resumed run decides alike."""

import math
from collections.abc import Sequence

from mulligan.runs.history import Line

FIRST = 0.05  # share of the horizon before which nothing is decided: every run looks like a failure at first


def stopped_improving(lines: Sequence[Line], horizon: int, patience: int) -> str | None:
    """Why the run should end, or None.

    It ends when the distance to the validation slice has not fallen below the best before by more than chance over the last `patience`
    reports that are an equal share of the horizon apart (the closer ones at the start do not count). By chance it falls by twice what
    the same distance varies between sets of real samples of that size (`distance.spread` in the history).

    >>> lines = [{"step": i, "images": 100 * i, "distance": max(1.0 - 0.2 * i, 0.1), "distance.spread": 0.01} for i in range(1, 20)]
    >>> stopped_improving(lines[:6], horizon=2000, patience=5), stopped_improving(lines, horizon=2000, patience=5)[:15]
    (None, 'not better than')
    """
    known = [line for line in lines if _number(line.get("distance")) is not None and line["images"] >= FIRST * horizon]
    if len(known) <= patience:
        return None
    before, last = known[:-patience], known[-patience:]
    best = min(before, key=lambda line: line["distance"])
    margin = 2 * (_number(last[-1].get("distance.spread")) or 0.0)
    lowest = min(line["distance"] for line in last)
    if lowest < best["distance"] - margin:
        return None
    return (
        f"not better than step {best['step']:,} (distance {best['distance']:.4g}) by more than {margin:.2g} for {patience} reports; "
        f"the best of them had {lowest:.4g}"
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
