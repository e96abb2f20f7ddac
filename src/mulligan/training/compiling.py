"""The step of a game, compiled or not."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mulligan.recipe import Recipe
from mulligan.training.game import Batch, Game, Tensors
from mulligan.training.state import State
from mulligan.training.step import play

Step = Callable[[State, Sequence[Batch | None], Sequence[Tensors], Tensors], tuple[Tensors, Tensor]]


def stepper(game: Game, recipe: Recipe) -> Step:
    """The step of this game, compiled where the recipe's machine says `on`."""
    precision = torch.bfloat16 if recipe.machine.precision == "bfloat16" else torch.float32

    def step(state: State, batches: Sequence[Batch | None], draws: Sequence[Tensors], knobs: Tensors) -> tuple[Tensors, Tensor]:
        return play(game, state, batches, draws, knobs, precision, split=recipe.machine.split)

    if recipe.machine.compile != "on":
        return step
    step.__code__ = step.__code__.replace()  # one of its own: the compiler limits recompilations per code object, in all runs of a process
    compiled: Step = torch.compile(step, fullgraph=True, dynamic=False)
    return compiled
