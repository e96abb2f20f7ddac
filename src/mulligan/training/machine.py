"""What `auto` stands for on this machine, and how torch is set up for what was decided.

Threads and compilation are chosen by a measurement (`training/trial.py`), precision by a rule.
"""

import ctypes
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch

from mulligan.recipe import Machine, Recipe
from mulligan.runs import environment
from mulligan.training import compilations
from mulligan.training.batches import Schedule
from mulligan.training.budget import Budget
from mulligan.training.compiling import compiler
from mulligan.training.game import Game
from mulligan.training.state import count

# A run that is shorter is over before a measurement could pay for itself.
LEAST_STEPS = 200
LEAST_SECONDS = 20.0
WORTH_THREADS = 1_000_000  # weights times samples of a batch, about the products of one way through the networks
CLEARLY = 0.9  # of the time of one thread: what all cores may take at most

# Estimates for what is not known better: see dev/LOG.md.
COLD = 30.0  # seconds that the compilation of a step takes for the first time
SAVED = 0.5  # share that compilation saves of what a step does beside matrix products and convolutions
PRODUCTS = 0.5  # share of a step, where it is not known


@dataclass(frozen=True)
class Pace:
    """What a trial found of a step without compilation.

    seconds: of a step, by number of threads. products: the share of it that matrix products and convolutions take, with the best number of
    threads; they stay what they are when the step is compiled. None where that is not known.
    """

    seconds: Mapping[int, float]
    products: float | None = None

    @property
    def threads(self) -> int:
        """The best number of threads.

        >>> Pace({1: 1.0, 4: 0.95}).threads, Pace({1: 1.0, 4: 0.6}).threads, Pace({4: 0.6}).threads
        (1, 4, 4)
        """
        few, many = min(self.seconds), max(self.seconds)
        return many if self.seconds[many] <= CLEARLY * self.seconds[few] else few

    @property
    def saved(self) -> float:
        """Share of a step that compilation is expected to save at least."""
        return SAVED * (1 - (PRODUCTS if self.products is None else self.products))


# (machine, numbers of threads, steps of the run, its seconds if they are given, whether the share of products is of interest where a step
# takes so long) -> what was found; None where there is not enough memory
Trial = Callable[[Machine, Sequence[int], int, float | None, Callable[[Pace], bool]], Pace | None]


def decide_machine(
    recipe: Recipe,
    game: Game,
    steps: int,
    seconds: float | None,
    trial: Trial,
    seeds: int = 1,
    say: Callable[[str], None] = lambda text: None,
) -> Machine:
    """The machine of a recipe with nothing left to `auto`, for a run of so many steps or, where they are given, seconds: whichever ends it.

    game: of the recipe. trial: called where something is to be measured; takes some seconds itself. seeds: that train together.
    say: is told what was measured.
    """
    asked = recipe.machine
    device = environment.device(asked.device)
    settled = {
        "device": device,
        "threads": asked.threads or _threads(recipe, game, seeds),
        "compile": "off" if asked.compile == "auto" else asked.compile,
        "precision": _precision(device) if asked.precision == "auto" else asked.precision,
    }
    machine = asked.model_copy(update=settled)
    numbers = (machine.threads,) if asked.threads or device != "cpu" else tuple(sorted({1, environment.cores()}))
    compiles = asked.compile == "auto" and (device != "cpu" or compiler() is not None)
    if not (compiles or len(numbers) > 1) or steps < LEAST_STEPS or (seconds is not None and seconds < LEAST_SECONDS):
        return machine

    def run(pace: Pace) -> float:
        return min(steps * pace.seconds[pace.threads], math.inf if seconds is None else seconds)

    def cost(pace: Pace) -> float:
        played = recipe.model_copy(update={"machine": machine.model_copy(update={"threads": pace.threads})})
        known = compilations.known(compilations.key_of(played, seeds))
        return (COLD if known is None else known) * _sizes(recipe, steps)

    # to see what products take, a second or two is spent on importing the compiler: too much where it cannot pay in any case
    pace = trial(machine, numbers, steps, seconds, lambda pace: compiles and pays(run(pace), SAVED, cost(pace)))
    if pace is None:
        return machine  # such a run is played in parts, and those are not compiled
    compilation = cost(pace) if compiles else None
    say(_told(pace, compilation))
    worth = compilation is not None and pays(run(pace), pace.saved, compilation)
    return machine.model_copy(update={"threads": pace.threads} | ({"compile": "on"} if worth else {}))


def most_steps(recipe: Recipe, game: Game, budget: Budget) -> int:
    """Steps that end a run, if nothing else does. With a time as the budget its horizon follows from the speed, and ends nothing before."""
    schedule = Schedule.of(game)
    images = [] if budget.seconds is not None else [recipe.horizon]
    images += [] if budget.images is None else [budget.images]
    steps = [count // (recipe.batch * schedule.reads[schedule.first]) for count in images]
    steps += [] if budget.steps is None else [budget.steps]
    return min(steps, default=sys.maxsize)


def pays(run: float, saved: float, cost: float) -> bool:
    """Whether a run of so many seconds without compilation is shorter with it.

    saved: share of a step that it saves. cost: seconds of the compilation. With a time as the budget it asks whether more steps fit in.

    >>> pays(run=60, saved=0.4, cost=40), pays(run=60, saved=0.4, cost=10)
    (False, True)
    """
    return run * saved > cost


def _told(pace: Pace, cost: float | None) -> str:
    found = ", ".join(f"{seconds * 1e3:.3g} ms with {number}" for number, seconds in sorted(pace.seconds.items()))
    compilation = "" if cost is None else f"; compilation saves about {pace.saved:.0%} of that and takes about {cost:.0f} s"
    return f"a step takes {found} thread{'s' if max(pace.seconds) > 1 else ''}{compilation}"


def _threads(recipe: Recipe, game: Game, seeds: int) -> int:
    """As many as there are cores, or one for networks so small that threads would wait for each other longer than they compute."""
    work = seeds * recipe.batch * sum(count(actor) for actor in game.actors.values())
    return environment.cores() if work >= WORTH_THREADS else 1


def _sizes(recipe: Recipe, steps: int) -> int:
    """Sizes of batches in a run, for each of which the step is compiled."""
    count, batch = recipe.data.count, recipe.batch
    short = recipe.order.short_batch and recipe.order.how == "epochs" and count is not None and count % batch > 0
    return 2 if short and count is not None and steps > count // batch else 1


def _precision(device: str) -> str:
    """bfloat16 on a GPU that has it; float32 on a CPU, where quality at equal images has not been shown to be the same."""
    return "bfloat16" if device == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def prepare_machine(machine: Machine) -> None:
    """Set torch up, for this process, for a machine with nothing left to `auto`."""
    torch.set_num_threads(machine.threads or environment.cores())
    if machine.device == "cuda":
        torch.backends.cudnn.deterministic = True  # otherwise a resumed run is another run
        torch.backends.cudnn.allow_tf32 = False  # float32 means float32; who wants speed has bfloat16


def give_back() -> None:
    """Hand memory that nothing is kept in any more back to the system, which the C library of Linux puts off for ever; milliseconds."""
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
