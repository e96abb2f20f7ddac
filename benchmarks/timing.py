"""Blocks of timed steps, and what a set of times comes to."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from lockstep import Block

StepOnce = Callable[[], object]
Key = tuple[str, str]  # a loop and its precision
Times = dict[Key, list[list[float]]]  # seconds of each step, by loop and round


def block_of(once: StepOnce) -> Block:
    """A block that times each step of a loop in this process."""

    def block(steps: int) -> list[float]:
        seconds = []
        for _ in range(steps):
            begun = time.perf_counter()
            once()
            seconds.append(time.perf_counter() - begun)
        return seconds

    return block


def interleaved(blocks: Mapping[Key, Block], rounds: int, steps: int) -> Times:
    """Blocks of `steps` in turn, each round beginning with another loop."""
    names = list(blocks)
    times: Times = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(blocks[name](steps))
    return times


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The lower and the upper quartile; of one value, that value."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def ratios(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> list[float]:
    """By round, the median time of one loop over that of another."""
    return [statistics.median(one) / statistics.median(other) for one, other in zip(ours, theirs, strict=True)]
