"""What is better by more than chance: which checkpoint is kept as the best, and whether a run has stopped improving (stop=auto).

Functions of the history alone, so that a resumed run decides alike.
"""

import math
from collections.abc import Sequence

from mulligan.diagnostics.seen import number
from mulligan.runs.history import Line

FIRST = 0.05  # share of the horizon before which nothing is decided: every run looks like a failure at first
CHANCE = 2.0  # standard deviations of the distance between real sets of that size: what does not fall by more may be chance


def stopped_improving(lines: Sequence[Line], horizon: int, patience: int) -> str | None:
    """Why the run should end, or None.

    It ends when over the last `patience` reports the probe's distance of samples to real ones has not fallen, by more than chance, below
    the lowest before. lines: the history, with this report's line as the last.

    >>> lines = [{"step": i, "images": 100 * i, "probe.distance": max(1.0 - 0.2 * i, 0.1), "probe.distance.noise": 0.01} for i in range(20)]
    >>> stopped_improving(lines[:7], horizon=2000, patience=5), stopped_improving(lines, horizon=2000, patience=5)[:20]
    (None, 'no better than step ')
    """
    known = [line for line in lines if _is_number(line.get("probe.distance")) and line["images"] >= FIRST * horizon]
    if len(known) <= patience:
        return None
    before, last = known[:-patience], known[-patience:]
    best = min(before, key=lambda line: float(line["probe.distance"]))
    noise = last[-1].get("probe.distance.noise")
    margin = CHANCE * float(noise) if noise is not None and _is_number(noise) else 0.0
    lowest = min(float(line["probe.distance"]) for line in last)
    if lowest < best["probe.distance"] - margin:
        return None
    return (
        f"no better than step {best['step']:,} (probe.distance {best['probe.distance']:.4g}) by more than chance ({margin:.2g}) "
        f"for {patience} reports: {lowest:.4g} at best"
    )


def is_no_worse(line: Line, best: float | None) -> bool:
    """Whether the distance of a report is, within chance, no worse than the best so far: then the later checkpoint is the better one.

    Near the data distances stray more from draw to draw than from report to report, and what they do not see (width of modes, detail)
    still gets better. Chance is that of the probe's distance between real sets, as a share of its floor.

    >>> line = {"distance": 0.24, "distance.floor": 0.2, "probe.distance.floor": 0.1, "probe.distance.noise": 0.02}
    >>> is_no_worse(line, None), is_no_worse(line, 0.2), is_no_worse(line, 0.1)
    (True, True, False)
    """
    distance, floor = number(line, "distance"), number(line, "distance.floor") or 0.0
    if distance is None or not math.isfinite(distance):
        return False
    probed, noise = number(line, "probe.distance.floor"), number(line, "probe.distance.noise") or 0.0
    margin = CHANCE * floor * noise / probed if probed else 0.0
    return best is None or distance <= best + margin


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
