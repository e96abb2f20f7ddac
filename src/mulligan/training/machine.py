"""What `auto` stands for on this machine, and how torch is set up for what was decided."""

import os
import shutil

import torch

from mulligan.recipe import Machine, Recipe
from mulligan.runs import environment
from mulligan.training.game import Game
from mulligan.training.state import count

# A compilation takes 40 to 75 s on two cores, and saves between 1 ms a step (points) and 20 ms (dense nets): see dev/LOG.md.
WORTH_STEPS = 4000
WORTH_SECONDS = 75.0
WORTH_THREADS = 1_000_000  # weights times samples of a batch, about the products of one way through the networks


def compiler() -> str | None:
    """Path of the C++ compiler that torch would use on a CPU, or None."""
    named = os.environ.get("CXX")
    return shutil.which(named) if named else next((path for name in ("g++", "clang++") if (path := shutil.which(name))), None)


def decide_machine(recipe: Recipe, game: Game, steps: int, seconds: float | None) -> Machine:
    """The machine of a recipe with nothing left to `auto`, for a run of so many steps, or of so many seconds where they are given.

    game: of the recipe.
    """
    asked = recipe.machine
    device = environment.device(asked.device)
    settled = {
        "device": device,
        "threads": asked.threads or _threads(recipe, game),
        "compile": _compile(device, steps, seconds) if asked.compile == "auto" else asked.compile,
        "precision": _precision(device) if asked.precision == "auto" else asked.precision,
    }
    return asked.model_copy(update=settled)


def _threads(recipe: Recipe, game: Game) -> int:
    """As many as there are cores, or one for networks so small that threads would wait for each other longer than they compute."""
    work = recipe.batch * sum(count(actor) for actor in game.actors.values())
    return environment.cores() if work >= WORTH_THREADS else 1


def _compile(device: str, steps: int, seconds: float | None) -> str:
    """On where there is a compiler and the run is long enough to earn the compilation back."""
    if device == "cpu" and compiler() is None:
        return "off"
    worth = steps >= WORTH_STEPS if seconds is None else seconds >= WORTH_SECONDS
    return "on" if worth else "off"


def _precision(device: str) -> str:
    """bfloat16 on a GPU that has it; on a CPU float32 until quality at equal images is measured."""
    return "bfloat16" if device == "cuda" and torch.cuda.is_bf16_supported() else "float32"


def prepare_machine(machine: Machine) -> None:
    """Set torch up, for this process, for a machine with nothing left to `auto`."""
    torch.set_num_threads(machine.threads or environment.cores())
    if machine.device == "cuda":
        torch.backends.cudnn.deterministic = True  # otherwise a resumed run is another run
        torch.backends.cudnn.allow_tf32 = False  # float32 means float32; who wants speed has bfloat16
