"""How long a step takes here without compilation, found by playing some that are thrown away."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from mulligan.data.dataset import Dataset
from mulligan.errors import is_out_of_memory
from mulligan.randomness import seed_operators
from mulligan.recipe import Machine, Recipe
from mulligan.runs.folder import Run
from mulligan.signals import raise_pending
from mulligan.training.compiling import stepper
from mulligan.training.game import Game
from mulligan.training.machine import Trial, prepare_machine
from mulligan.training.session import Session
from mulligan.training.together import Together

STEPS = 9  # the first of which is not counted
SECONDS = 2.0  # or as many as fit into this


def of_one(run: Run, recipe: Recipe, dataset: Dataset, game: Game) -> Trial:
    """A trial of a run of its own. Nothing is written into its folder, and the game's players stay as they are."""

    def begun(machine: Machine) -> Callable[[], object]:
        session = Session(run, recipe.model_copy(update={"machine": machine}), dataset, game)
        play = stepper(game, session.recipe)

        def step() -> bool:
            seed_operators(recipe.seed, session.step, 0, machine.device)
            _, finite = play(session.state, *session.inputs())
            session.step += 1
            return bool(finite)  # waits for a GPU, too

        return step

    return lambda machine: _seconds(begun, machine)


def of_several(run: Run, recipe: Recipe, dataset: Dataset, seeds: Sequence[int], make_game: Callable[[Recipe, Dataset], Game]) -> Trial:
    """A trial of seeds that train together: a step of all of them."""

    def begun(machine: Machine) -> Callable[[], object]:
        return Together.of(recipe.model_copy(update={"machine": machine}), seeds, dataset, make_game, run).once

    return lambda machine: _seconds(begun, machine)


def _seconds(begun: Callable[[Machine], Callable[[], object]], machine: Machine) -> float:
    """Median time of a step; 0 where there is not enough memory for one, since such a run is played in parts, and not compiled."""
    threads = torch.get_num_threads()
    prepare_machine(machine)
    try:
        step = begun(machine)
        start = time.perf_counter()
        times: list[float] = []
        while len(times) < 2 or (len(times) < STEPS and time.perf_counter() - start < SECONDS):
            raise_pending()  # a step of large networks takes a while
            before = time.perf_counter()
            step()
            times.append(time.perf_counter() - before)
        return statistics.median(times[1:])
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return 0.0
    finally:
        torch.set_num_threads(threads)
