"""What a training would be: its data, layers, parameters, memory, steps and minutes, measured by beginning it in a temporary place."""

import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mulligan import verbs
from mulligan.data.dataset import Dataset, Split
from mulligan.errors import CheckpointError
from mulligan.recipe import Machine, Recipe
from mulligan.runs import curves, facts, history
from mulligan.runs.folder import Run
from mulligan.training.budget import Budget
from mulligan.training.finishing import write_facts
from mulligan.training.loop import Loop, Tick, report_points
from mulligan.training.machine import prepare_machine
from mulligan.training.observing import Observer
from mulligan.training.session import Session
from mulligan.training.state import named

LONG_ENOUGH = 2.0  # seconds of steps after which their speed is believed
_FEWEST = 4  # intervals between ticks in that time; slow steps have one tick each
_TOO_LONG = 20.0


@dataclass(frozen=True)
class Memory:
    """Bytes. state: weights, moments and averages; data: samples in memory; peak: of the whole process while it trained, if known."""

    state: int
    data: int
    peak: int | None


@dataclass(frozen=True)
class Plan:
    """A training that was not done. seconds: all of it, `preparing` (compilation, mostly) and reports included."""

    recipe: str
    facts: facts.Facts
    parameters: dict[str, int | None]
    machine: Machine
    memory: Memory
    steps: int
    images: int
    seconds: float
    seconds_per_step: float
    preparing: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        layers = {player.name: [row.model_dump(mode="json") for row in player.layers] for player in self.facts.players}
        return {
            "recipe": self.recipe,
            "data": self.facts.data.model_dump(mode="json"),
            "layers": layers,
            "parameters": self.parameters,
            "machine": self.machine.model_dump(mode="json"),
            "memory": {"state_bytes": self.memory.state, "data_bytes": self.memory.data, "peak_bytes": self.memory.peak},
            "steps": self.steps,
            "images": self.images,
            "minutes": round(self.seconds / 60, 2),
            "seconds_per_step": self.seconds_per_step,
            "preparing_seconds": round(self.preparing, 2),
        }


def plan(recipe: Recipe, dataset: Dataset, budget: Budget | None = None) -> Plan:
    """Begin a training for some seconds in a temporary folder, and tell what the whole of it would take. Nothing of it stays on disk.

    recipe: resolved, with its data opened. Where the step is to be compiled, it is compiled here too, and kept as in a training, which
    then finds it done. Raises what training raises.
    """
    budget = budget or Budget()
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run = Run(Path(folder) / "run").prepare()
        game = verbs.made_game(recipe, dataset)
        decided = verbs.decide(run, recipe, dataset, game, budget)
        prepare_machine(decided.machine)
        try:
            session = Session(run, decided, dataset, game)
            return _measured(session, budget)
        finally:
            torch.set_num_threads(threads)


def _measured(session: Session, budget: Budget) -> Plan:
    write_facts(session)
    known = facts.read(session.run)
    if known is None:
        raise CheckpointError(f"{session.run.facts_file} is not there")  # written a line above
    observer = Observer(session)
    watch = _Stopwatch()
    # The time is left out of the budget: the horizon would follow from it, and only speed is asked for here.
    loop = Loop(session, Budget(steps=budget.steps, images=budget.images), watch, observer)
    with suppress(_Enough):
        loop.run()
    per_step, preparing = watch.speed(session)
    report = _report_seconds(session, loop)
    steps = _steps(session, budget)
    seconds = preparing + steps * per_step + _reports(session, steps) * report
    if budget.seconds is not None and seconds >= budget.seconds:
        steps = max(1, min(steps, int((budget.seconds - preparing - session.recipe.keeping.reports * report) / per_step)))
        seconds = budget.seconds
    return Plan(
        recipe=session.recipe.name,
        facts=known,
        parameters=verbs.parameters(session),
        machine=session.recipe.machine,
        memory=_memory(session),
        steps=steps,
        images=session.schedule.images(session.source, steps),
        seconds=seconds,
        seconds_per_step=per_step,
        preparing=preparing,
    )


class _Enough(Exception):
    """The speed is known."""


@dataclass
class _Stopwatch:
    """An audience that ends the loop as soon as the speed of its steps is known."""

    ticks: list[tuple[int, float]] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)

    def say(self, text: str) -> None:
        """Nothing: this is no run."""

    def tick(self, tick: Tick) -> None:
        """Note step and time."""
        self.ticks.append((tick.step, tick.seconds))
        since = self.ticks[-1][1] - self.ticks[0][1]
        if (since >= LONG_ENOUGH and len(self.ticks) > _FEWEST) or since >= _TOO_LONG:
            raise _Enough

    def speed(self, session: Session) -> tuple[float, float]:
        """Seconds of a step, and seconds before the first was done.

        The median over the intervals leaves out those in which a report was made.
        """
        pairs = [
            ((after[1] - before[1]) / (after[0] - before[0]))
            for before, after in zip(self.ticks, self.ticks[1:], strict=False)
            if after[0] > before[0]
        ]
        if pairs:
            per_step = statistics.median(pairs)
            return per_step, max(self.ticks[0][1] - self.ticks[0][0] * per_step, 0.0)
        return max(session.seconds, 1e-6) / max(session.step, 1), 0.0


def _report_seconds(session: Session, loop: Loop) -> float:
    begun = time.perf_counter()
    loop.observer.write_picture()
    history.append(session.run, loop.line())
    session.save()
    curves.write(session.run)
    return time.perf_counter() - begun


def _steps(session: Session, budget: Budget) -> int:
    """Steps after which training would end, if not for its time; with a time the horizon follows from that, and ends nothing before."""
    counts = [session.recipe.horizon if budget.seconds is None else None, budget.images]
    steps = [session.schedule.step_at(session.source, count) for count in counts if count is not None]
    return min(steps if budget.steps is None else [*steps, budget.steps], default=sys.maxsize)


def _reports(session: Session, steps: int) -> int:
    progress = session.schedule.images(session.source, steps) / session.recipe.horizon
    return sum(point <= progress for point in report_points(session.recipe.keeping.reports))


def _memory(session: Session) -> Memory:
    state = sum(tensor.numel() * tensor.element_size() for tensors in named(session.state).values() for tensor in tensors.values())
    splits = [split for split in (session.dataset.train, session.dataset.test) if isinstance(split, Split)]
    arrays: list[np.ndarray] = [split.target for split in splits]
    return Memory(state, sum(array.nbytes for array in arrays), _peak(session.recipe.machine.device))


def _peak(device: str) -> int | None:
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
