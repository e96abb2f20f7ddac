"""What `auto` stands for on this machine, and how torch is set up for what was decided.

Threads, compilation and, on a CPU, precision are chosen by a measurement (`training/trial.py`), who multiplies matrices by one of its own
(`training/products.py`).
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
from mulligan.training.products import onednn_is_faster
from mulligan.training.state import count

# A run that is shorter is over before a measurement could pay for itself.
LEAST_STEPS = 200
LEAST_SECONDS = 20.0
WORTH_THREADS = 1_000_000  # weights times samples of a batch, about the products of one way through the networks
CLEARLY = 0.9  # of the time of one thread: what all cores may take at most; and of the time of float32, what bfloat16 may

AS_GOOD = frozenset({"conv", "strided"})  # networks whose samples are as good in bfloat16, after equally many images

# Estimates for what is not known better: see dev/LOG.md.
COLD = 30.0  # seconds that the compilation of a step takes for the first time
SAVED = 0.5  # share that compilation saves of what a step does beside matrix products and convolutions
PRODUCTS = 0.5  # share of a step, where it is not known


@dataclass(frozen=True)
class Pace:
    """What a trial found of a step without compilation.

    seconds: of a step, by number of threads; in float32 where the precision was to be found. bfloat16: seconds of a step in bfloat16 with
    the best number of threads, None where it was not looked at. products: the share of the better step that matrix products and
    convolutions take; they stay what they are when the step is compiled. None where that is not known.
    """

    seconds: Mapping[int, float]
    products: float | None = None
    bfloat16: float | None = None

    @property
    def threads(self) -> int:
        """The best number of threads.

        >>> Pace({1: 1.0, 4: 0.95}).threads, Pace({1: 1.0, 4: 0.6}).threads, Pace({4: 0.6}).threads
        (1, 4, 4)
        """
        few, many = min(self.seconds), max(self.seconds)
        return many if self.seconds[many] <= CLEARLY * self.seconds[few] else few

    @property
    def narrow(self) -> bool:
        """Whether bfloat16 is clearly faster.

        >>> Pace({1: 1.0, 4: 0.6}, bfloat16=0.4).narrow, Pace({1: 1.0, 4: 0.6}, bfloat16=0.59).narrow, Pace({1: 1.0}).narrow
        (True, False, False)
        """
        return self.bfloat16 is not None and self.bfloat16 <= CLEARLY * self.seconds[self.threads]

    @property
    def step(self) -> float:
        """Seconds of the better step."""
        return self.bfloat16 if self.narrow and self.bfloat16 is not None else self.seconds[self.threads]

    @property
    def saved(self) -> float:
        """Share of a step that compilation is expected to save at least."""
        return SAVED * (1 - (PRODUCTS if self.products is None else self.products))


# (machine, its precision `auto` where bfloat16 is to be tried; numbers of threads; steps of the run; its seconds if they are given; whether
# the share of products is of interest where a step takes so long) -> what was found; None where there is not enough memory
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
    compiles = asked.compile == "auto" and (device != "cpu" or compiler() is not None)
    settled = {
        "device": device,
        "threads": asked.threads or _threads(recipe, game, seeds),
        "compile": "off" if asked.compile == "auto" else asked.compile,
        "precision": _precision(device) if asked.precision == "auto" else asked.precision,
        "products": _products(device, compiles or asked.compile == "on", seeds) if asked.products == "auto" else asked.products,
    }
    machine = asked.model_copy(update=settled)
    numbers = (machine.threads,) if asked.threads or device != "cpu" else tuple(sorted({1, environment.cores()}))
    narrows = asked.precision == "auto" and device == "cpu" and seeds == 1 and _may_narrow(recipe)
    nothing = not (compiles or narrows or len(numbers) > 1)
    if nothing or steps < LEAST_STEPS or (seconds is not None and seconds < LEAST_SECONDS):
        return machine

    def decided(pace: Pace) -> Machine:
        return machine.model_copy(update={"threads": pace.threads} | ({"precision": "bfloat16"} if pace.narrow else {}))

    def run(pace: Pace) -> float:
        return min(steps * pace.step, math.inf if seconds is None else seconds)

    def cost(pace: Pace) -> float:
        known = compilations.known(compilations.key_of(recipe.model_copy(update={"machine": decided(pace)}), seeds))
        return (COLD if known is None else known) * _sizes(recipe, steps)

    tried = machine.model_copy(update={"precision": "auto"}) if narrows else machine
    # to see what products take, a second or two is spent on importing the compiler: too much where it cannot pay in any case
    pace = trial(tried, numbers, steps, seconds, lambda pace: compiles and pays(run(pace), SAVED, cost(pace)))
    if pace is None:
        return machine  # such a run is played in parts, and those are not compiled
    compilation = cost(pace) if compiles else None
    say(_told(pace, compilation))
    worth = compilation is not None and pays(run(pace), pace.saved, compilation)
    return decided(pace).model_copy(update={"compile": "on"} if worth else {})


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
    narrow = "" if pace.bfloat16 is None else f", {pace.bfloat16 * 1e3:.3g} ms in bfloat16 with {pace.threads}"
    compilation = "" if cost is None else f"; compilation saves about {pace.saved:.0%} of that and takes about {cost:.0f} s"
    return f"a step takes {found} thread{'s' if max(pace.seconds) > 1 else ''}{narrow}{compilation}"


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
    """bfloat16 on a GPU that has it; float32 on a CPU, until a trial has found that bfloat16 is faster there."""
    return "bfloat16" if device == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def _may_narrow(recipe: Recipe) -> bool:
    """Whether a trial looks at bfloat16 on a CPU.

    It has instructions for it, and all networks are among those for which samples were shown to be as good (docs/speed.md).
    """
    return all(player.network.name in AS_GOOD for player in recipe.players.values()) and environment.has_bfloat16("cpu")


def _products(device: str, may_compile: bool, seeds: int) -> str:
    """Who multiplies matrices in a compiled step. Seeds that train together multiply stacks of matrices, which PyTorch does itself."""
    return "onednn" if device == "cpu" and may_compile and seeds == 1 and onednn_is_faster() else "default"


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
