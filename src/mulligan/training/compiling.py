"""Whether and how the step is compiled."""

import os
import shutil
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mulligan.recipe import Recipe
from mulligan.training.game import Batch, Game, Tensors
from mulligan.training.state import State
from mulligan.training.step import play

Step = Callable[[State, Sequence[Batch | None], Sequence[Tensors], Tensors], tuple[Tensors, Tensor]]

# A compilation takes 10 to 60 s on two cores, and saves between 1 ms a step (points) and 10 ms (dense nets): see dev/LOG.md.
WORTH_STEPS = 4000
WORTH_SECONDS = 75.0


def compiler() -> str | None:
    """Path of the C++ compiler that torch would use on a CPU, or None."""
    named = os.environ.get("CXX")
    return shutil.which(named) if named else next((path for name in ("g++", "clang++") if (path := shutil.which(name))), None)


def decide_compile(recipe: Recipe, steps: int, seconds: float | None) -> str:
    """`on` or `off`, for `auto`: on where there is a compiler and the run is long enough to earn the compilation back."""
    if recipe.machine.compile != "auto":
        return recipe.machine.compile
    if recipe.machine.device == "cpu" and compiler() is None:
        return "off"
    worth = steps >= WORTH_STEPS if seconds is None else seconds >= WORTH_SECONDS
    return "on" if worth else "off"


def decide_precision(recipe: Recipe) -> str:
    """`float32` or `bfloat16`, for `auto`: bfloat16 on a GPU that has it; on a CPU float32 until quality at equal images is measured."""
    if recipe.machine.precision != "auto":
        return recipe.machine.precision
    return "bfloat16" if recipe.machine.device == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def stepper(game: Game, recipe: Recipe) -> Step:
    """The step of this game, compiled where the recipe's machine says `on`."""
    precision = torch.bfloat16 if recipe.machine.precision == "bfloat16" else torch.float32

    def step(state: State, batches: Sequence[Batch | None], draws: Sequence[Tensors], knobs: Tensors) -> tuple[Tensors, Tensor]:
        return play(game, state, batches, draws, knobs, precision)

    if recipe.machine.compile != "on":
        return step
    step.__code__ = step.__code__.replace()  # one of its own: the compiler limits recompilations per code object, in all runs of a process
    compiled: Step = torch.compile(step, fullgraph=True, dynamic=False)
    return compiled
