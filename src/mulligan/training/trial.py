"""How long a step takes here without compilation, and whether bfloat16 is faster, found by playing some that are thrown away."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mulligan.data.dataset import Dataset
from mulligan.errors import is_out_of_memory
from mulligan.randomness import seed_operators
from mulligan.recipe import Machine, Recipe
from mulligan.runs.folder import Run
from mulligan.signals import raise_pending
from mulligan.training.compiling import stepper
from mulligan.training.game import Game
from mulligan.training.machine import CLEARLY, Pace, Trial, prepare_machine
from mulligan.training.session import Session
from mulligan.training.together import Together

SECONDS = 4.0  # that a trial takes at most beside its first step; a single step may take longer
SHARE = 0.05  # of the run that it takes at most
LAST = 0.2  # of that time is kept for the products
NARROW = 0.3  # and so much of it for bfloat16, where it is tried
PAIRS = 12  # of steps in float32 and in bfloat16, at most
ROUNDS = 10
FEWEST = 3  # steps with each number of threads, beside the first, until an answer may be plain
BLOCK = 4  # steps until the number of threads changes; the first one is not counted, since it pays for the change
SHORT = 0.05  # seconds; a longer step is a block of its own

PRODUCTS = frozenset({"mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "convolution", "convolution_backward"})  # operators of torch

Once = Callable[[], object]  # plays a step


def of_one(run: Run, recipe: Recipe, dataset: Dataset, game: Game) -> Trial:
    """A trial of a run of its own. Nothing is written into its folder, and the game's players stay as they are."""

    def begun(machine: Machine) -> Once:
        session = Session(run, recipe.model_copy(update={"machine": machine}), dataset, game)
        play = stepper(game, session.recipe)

        def step() -> bool:
            seed_operators(recipe.seed, session.step, 0, machine.device)
            _, finite = play(session.state, *session.inputs())
            session.step += 1
            return bool(finite)  # waits for a GPU, too

        return step

    return lambda machine, *run: _paced(begun, machine, *run)


def of_several(run: Run, recipe: Recipe, dataset: Dataset, seeds: Sequence[int], make_game: Callable[[Recipe, Dataset], Game]) -> Trial:
    """A trial of seeds that train together: a step of all of them."""

    def begun(machine: Machine) -> Once:
        return Together.of(recipe.model_copy(update={"machine": machine}), seeds, dataset, make_game, run).once

    return lambda machine, *run: _paced(begun, machine, *run)


def _paced(
    begun: Callable[[Machine], Once],
    machine: Machine,
    numbers: Sequence[int],
    steps: int,
    seconds: float | None,
    of_interest: Callable[[Pace], bool],
) -> Pace | None:
    """See `Trial`. The numbers of threads take turns, so that other work on the machine meets all of them alike.

    The first step does not count: what it prepares, the run finds prepared. It has one thread, since a step of all cores can take twenty
    times as long where other processes compute. Only where a step of all cores is so slow that another one of one thread might not fit
    into the time, the first is what it is held against.

    It is over as soon as the answer is plain. Where one thread seems better than the networks' size lets expect, a longer look decides: a
    core of a virtual machine can stand still for a second, and a step of all cores waits for it (dev/LOG.md). For the same reason the
    lower quartile counts, not the median.
    """
    before, narrows = torch.get_num_threads(), machine.precision == "auto"
    without = machine.model_copy(update={"compile": "off", **({"precision": "float32"} if narrows else {})})
    last = LAST + (NARROW if narrows else 0.0)
    prepare_machine(without)
    few, many = min(numbers), max(numbers)
    try:
        step = begun(without)
        times = {few: [_timed(step, few)]}
        start = time.perf_counter()
        if many > few:
            times[many] = [_timed(step, many)]
        if times[many][0] * (1 + many / few) < SECONDS:
            times[few] = [_timed(step, few)]
        run = min(steps * min(times[few][0], times[many][0]), math.inf if seconds is None else seconds)
        allowed = min(SECONDS, SHARE * run)
        _take_turns(step, times, start + (1 - last) * allowed, _is_plain)
        if _pace(times).threads < (machine.threads or few):
            allowed = SECONDS
            _take_turns(step, times, start + (1 - last) * allowed)
        pace = _pace(times)
        if narrows:
            narrow = begun(without.model_copy(update={"precision": "bfloat16"}))
            pace = replace(pace, bfloat16=_beside(narrow, step, pace, start + (1 - LAST) * allowed))
            step = narrow if pace.narrow else step
        if machine.device != "cpu" or not of_interest(pace):
            return pace
        return replace(pace, products=_products(step, pace.threads, pace.step, start + allowed))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None
    finally:
        torch.set_num_threads(before)


def _take_turns(
    step: Once, times: dict[int, list[float]], until: float, enough: Callable[[Mapping[int, Sequence[float]]], bool] = lambda times: False
) -> None:
    """Add the seconds of steps with each number of threads, until they are enough; none begins that would not be over by a moment."""
    numbers = sorted(times, reverse=True)
    for turn in range(ROUNDS):
        for number in reversed(numbers) if turn % 2 else numbers:
            times[number] += _block(step, number, until - min(times[number]))
        if enough(times):
            return


def _is_plain(times: Mapping[int, Sequence[float]]) -> bool:
    """Whether every step with all cores was clearly faster than every one with one thread, or none was.

    >>> _is_plain({1: [9, 8, 8, 9], 2: [5, 5, 4, 6]}), _is_plain({1: [9, 8, 8, 9], 2: [5, 5, 8, 6]}), _is_plain({1: [9], 2: [5]})
    (True, False, False)
    """
    few, many = times[min(times)], times[max(times)]
    if min(len(few), len(many)) <= FEWEST:
        return False
    return max(many) < CLEARLY * min(few) or min(many) > CLEARLY * max(few)


def _pace(times: Mapping[int, Sequence[float]]) -> Pace:
    return Pace({number: sorted(found)[(len(found) - 1) // 4] for number, found in times.items()})


def _timed(step: Once, number: int) -> float:
    """Seconds of a step with so many threads."""
    raise_pending()  # a step of large networks takes a while
    torch.set_num_threads(number)
    before = time.perf_counter()
    step()
    return time.perf_counter() - before


def _block(step: Once, number: int, until: float) -> list[float]:
    """Seconds of the steps of a block that count; none begins after a moment."""
    found: list[float] = []
    for place in range(BLOCK):
        if time.perf_counter() > until:
            break
        seconds = _timed(step, number)
        if place or seconds > SHORT:
            found.append(seconds)
        if seconds > SHORT:
            break
    return found


def _beside(narrow: Once, step: Once, pace: Pace, until: float) -> float | None:
    """Seconds of a step in bfloat16, from the median of ratios to steps in float32 in turn; None where there is no time left to see.

    The first one, which prepares, does not count. It is over as soon as all ratios agree.
    """
    number, usual = pace.threads, pace.seconds[pace.threads]
    ratios: list[float] = []
    if time.perf_counter() < until - 3 * usual:
        _timed(narrow, number)
    while len(ratios) < PAIRS and time.perf_counter() < until - 2 * usual:
        seconds = _timed(step, number)
        ratios.append(_timed(narrow, number) / seconds)
        if len(ratios) > FEWEST and (max(ratios) < CLEARLY or min(ratios) > CLEARLY):
            break
    return usual * statistics.median(ratios) if ratios else None


def _products(step: Once, number: int, usual: float, until: float) -> float | None:
    """Share of a step that matrix products and convolutions take, the median of some; None where there is no time left to see.

    usual: seconds of a step that nobody watches. One that is watched takes longer, and the first of all imports torch's compiler.
    """
    found: list[float] = []
    while len(found) < BLOCK and time.perf_counter() < until - usual:
        with _Watch() as watch:
            _timed(step, number)
        found.append(watch.seconds)
    return min(statistics.median(found) / usual, 1.0) if found else None


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the time inside products while a step calls them. On a CPU an operator has computed when it returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket.__name__ not in PRODUCTS:
            return func(*args, **(kwargs or {}))
        before = time.perf_counter()
        result = func(*args, **(kwargs or {}))
        self.seconds += time.perf_counter() - before
        return result
