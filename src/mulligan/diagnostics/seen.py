"""A history as the rules read it: lines, series, floors, and whether something has held for a while."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any

Line = dict[str, Any]
WARM = 0.05  # share of the horizon in which every training looks ill, and nothing but numbers that are not finite is a finding
PROBES = 3  # reports beyond it over which something has to hold: one bad report is chance
UNKNOWN = 8  # reports that stand for the warm-up where nobody said how long the training is to be
RECENT = 0.4  # of the way so far: what came before says little of where a run is going
GAIN = 0.05  # of what is missing to the floor: a run that gained as much lately still learns
REACH = 0.25  # distance above that of real data that a run has to come to by its end, if it is to be left alone
QUIET = 2.0  # standard deviations of real against real that a change has to exceed


@dataclass(frozen=True)
class Seen:
    """Lines of a history, oldest first. snapshot: only the last line has probes (samples alone, or an old history): it has to do.

    A line is a dict as in history.jsonl: `step`, `progress` (share of the horizon; absent where unknown), figures by name. A signal
    `probe.X` has what real samples score beside it: `probe.X.floor`, and its standard deviation `probe.X.noise`.

    >>> seen = Seen([{"step": step, "progress": step / 10, "probe.coverage": 0.1 * step} for step in range(11)])
    >>> seen.held(lambda line: line["probe.coverage"] > 0.55)
    6
    """

    lines: Sequence[Line]
    snapshot: bool = False

    @property
    def last(self) -> Line:
        """The newest line."""
        return self.lines[-1] if self.lines else {}

    @property
    def progress(self) -> float:
        """Share of the horizon that has passed."""
        return _progress(self.last, len(self.lines) - 1)

    @property
    def later(self) -> list[Line]:
        """The lines beyond the warm-up."""
        if self.snapshot:
            return list(self.lines)
        return [line for place, line in enumerate(self.lines) if _progress(line, place) > WARM - 1e-9]

    @property
    def warm(self) -> bool:
        """Whether enough is known to find anything."""
        return self.snapshot or len(self.later) >= PROBES

    def held(self, test: Callable[[Line], bool], probes: int = PROBES) -> int | None:
        """The step since which a test has held at every report after the warm-up, if it did at the last `probes`; otherwise None."""
        lines = self.later
        since = None
        count = 0
        for line in reversed(lines):
            if not test(line):
                break
            since, count = line.get("step"), count + 1
        enough = count >= (1 if self.snapshot else probes)
        return int(since or 0) if enough else None

    def mean(self, key: str, probes: int = PROBES) -> float | None:
        """Mean of a figure over the last reports."""
        values = [value for line in self.later[-probes:] if (value := number(line, key)) is not None]
        return fmean(values) if values else None

    def series(self, key: str, since: float = 0.0) -> list[float]:
        """The values of a figure at the reports beyond the warm-up and from a share of the way so far on."""
        start = since * self.progress
        return [
            value
            for place, line in enumerate(self.lines)
            if _progress(line, place) > max(start, WARM) - 1e-9 and (value := number(line, key)) is not None
        ]

    def usual_best(self, key: str, largest: bool = False) -> float | None:
        """The smallest (or largest) mean of three reports in a row: the best that was more than chance."""
        values = [value for line in self.later if (value := number(line, key)) is not None]
        means = [fmean(values[place : place + PROBES]) for place in range(len(values) - PROBES + 1)]
        return (max if largest else min)(means, default=None)

    def best(self, key: str) -> float | None:
        """The smallest value at any report."""
        values = [value for line in self.lines if (value := number(line, key)) is not None]
        return min(values) if values else None

    def recovering(self, key: str = "probe.distance", reach: float = REACH) -> bool:
        """Whether a signal falls towards its floor so fast that it comes within `reach` of it by the end of the training.

        It has to fall lately, by more than noise and by more than it jumps about, and to be lower than at the start. Where nobody said
        how long the training is to be, any such fall will do.
        """
        values = self.series(key, RECENT)
        if len(values) < PROBES and key == "probe.distance":  # a history of before there were probes has a distance of its own
            key, values = "distance", self.series("distance", RECENT)
        third = len(values) // 3
        if third < 1:
            return False
        before, now = fmean(values[:third]), fmean(values[-third:])
        first = next((value for line in self.lines if (value := number(line, key)) is not None), before)
        floor, noise = number(self.last, f"{key}.floor") or 0.0, number(self.last, f"{key}.noise") or 0.0
        jumps = fmean(abs(b - a) for a, b in pairwise(values))
        lately, ever = before - now, first - now
        if lately <= max(GAIN * abs(before - floor), QUIET * noise, jumps) or ever <= GAIN * abs(first - floor):
            return False
        if number(self.last, "progress") is None:
            return True
        pace = lately / (self.progress * (1 - RECENT) * (len(values) - third) / len(values))
        return values[-1] - pace * (1 - self.progress) <= limit_above(self.last, key, reach)


def number(line: Line, key: str) -> float | None:
    """A figure of a line; None where it is absent, or was not finite."""
    value = line.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def below(line: Line, key: str, share: float, noises: float = 6.0) -> bool:
    """Whether a signal is below a share of its floor, and below it by more than noise."""
    value, floor = number(line, key), number(line, f"{key}.floor")
    if value is None or floor is None:
        return False
    return value < limit_below(line, key, share, noises)


def above(line: Line, key: str, more: float, noises: float = 6.0) -> bool:
    """Whether a signal is above its floor by `more`, and by more than noise."""
    value, floor = number(line, key), number(line, f"{key}.floor")
    if value is None or floor is None:
        return False
    return value > limit_above(line, key, more, noises)


def limit_below(line: Line, key: str, share: float, noises: float = 6.0) -> float:
    """The limit of `below`."""
    floor, noise = number(line, f"{key}.floor") or 0.0, number(line, f"{key}.noise") or 0.0
    return min(share * floor, floor - noises * noise)


def limit_above(line: Line, key: str, more: float, noises: float = 6.0) -> float:
    """The limit of `above`."""
    floor, noise = number(line, f"{key}.floor") or 0.0, number(line, f"{key}.noise") or 0.0
    return floor + max(more, noises * noise)


def told(line: Line, key: str, what: str, limit: float) -> str:
    """A signal in words: its number, its limit, and what real data score."""
    floor = number(line, f"{key}.floor")
    real = "" if floor is None else f", real data {floor:.3g}"
    return f"{what} {number(line, key):.3g} (limit {limit:.3g}{real})"


def _progress(line: Line, place: int) -> float:
    known = number(line, "progress")
    return known if known is not None else WARM * (place + 1) / UNKNOWN
