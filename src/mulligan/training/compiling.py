"""The step of a game, compiled or not."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from mulligan.recipe import Recipe
from mulligan.training.game import Batch, Game, Tensors
from mulligan.training.state import State
from mulligan.training.step import play

Step = Callable[[State, Sequence[Batch | None], Sequence[Tensors], Tensors], tuple[Tensors, Tensor]]

# On a CPU all kernels go into one C++ file, and the calls between them into another: two thirds of the compilation, much of which is
# reading the headers of torch for each of forty files, and no Python between the kernels of a step (dev/LOG.md).
ONE_FILE: dict[str, str | int | bool | Callable[..., Any]] = {"cpp_wrapper": True, "cpp_wrapper_build_separate": True}

Taken = ParamSpec("Taken")
Given = TypeVar("Given")


def compiled(function: Callable[Taken, Given], device: str) -> Callable[Taken, Given]:
    """A function of tensors whose shapes do not change, compiled as a whole when it is first called. device: cpu or cuda."""

    def own(*taken: Taken.args, **named: Taken.kwargs) -> Given:
        return function(*taken, **named)

    own.__code__ = own.__code__.replace()  # the compiler limits recompilations for each code object, in all runs of a process together
    return torch.compile(own, fullgraph=True, dynamic=False, options=ONE_FILE if device == "cpu" else None)


def stepper(game: Game, recipe: Recipe) -> Step:
    """The step of this game, compiled where the recipe's machine says `on`."""
    precision = torch.bfloat16 if recipe.machine.precision == "bfloat16" else torch.float32

    def step(state: State, batches: Sequence[Batch | None], draws: Sequence[Tensors], knobs: Tensors) -> tuple[Tensors, Tensor]:
        return play(game, state, batches, draws, knobs, precision, split=recipe.machine.split)

    if recipe.machine.compile != "on":
        return step
    return compiled(step, recipe.machine.device)
