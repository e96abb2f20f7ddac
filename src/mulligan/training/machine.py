"""What `auto` stands for on this machine, and how torch is set up for what was decided."""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress

import torch

from mulligan.recipe import Machine, Recipe
from mulligan.runs import environment
from mulligan.training.game import Game
from mulligan.training.state import count

# A compilation takes 20 to 60 s on two cores, and a compiled step between a third and nine tenths of the time: see dev/LOG.md.
WORTH_SECONDS = 75.0  # without compilation
LEAST_STEPS = 100  # fewer are over before they could be measured
WORTH_THREADS = 1_000_000  # weights times samples of a batch, about the products of one way through the networks


Trial = Callable[[Machine], float]  # seconds of a step on a machine with nothing left to `auto`


def compiler() -> str | None:
    """Path of the C++ compiler that torch would use on a CPU, or None."""
    named = os.environ.get("CXX")
    return shutil.which(named) if named else next((path for name in ("g++", "clang++") if (path := shutil.which(name))), None)


def decide_machine(recipe: Recipe, game: Game, steps: int, seconds: float | None, trial: Trial) -> Machine:
    """The machine of a recipe with nothing left to `auto`, for a run of so many steps, or of so many seconds where they are given.

    game: of the recipe. trial: called where the length of the run decides and is not known in seconds; takes some seconds itself.
    """
    asked = recipe.machine
    device = environment.device(asked.device)
    settled = {
        "device": device,
        "threads": asked.threads or _threads(recipe, game),
        "compile": "off" if asked.compile == "auto" else asked.compile,
        "precision": _precision(device) if asked.precision == "auto" else asked.precision,
    }
    machine = asked.model_copy(update=settled)
    if asked.compile == "auto" and _is_worth_compiling(machine, steps, seconds, trial):
        return machine.model_copy(update={"compile": "on"})
    return machine


def _threads(recipe: Recipe, game: Game) -> int:
    """As many as there are cores, or one for networks so small that threads would wait for each other longer than they compute."""
    work = recipe.batch * sum(count(actor) for actor in game.actors.values())
    return environment.cores() if work >= WORTH_THREADS else 1


def _is_worth_compiling(machine: Machine, steps: int, seconds: float | None, trial: Trial) -> bool:
    """Whether there is a compiler and the run is long enough to earn the compilation back."""
    if machine.device == "cpu" and compiler() is None:
        return False
    if seconds is None:
        seconds = steps * trial(machine) if steps >= LEAST_STEPS else 0.0
    return seconds >= WORTH_SECONDS


def _precision(device: str) -> str:
    """bfloat16 on a GPU that has it; on a CPU float32 until quality at equal images is measured."""
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
