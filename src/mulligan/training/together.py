"""Several seeds of one recipe, trained at once: their tensors are rows of one stack, and `torch.vmap` plays the one step for all of them.

A small network keeps a processor waiting for calls rather than for arithmetic, so that ten seeds take little longer than one
(dev/LOG.md). Each seed has a session of its own: its initial weights, batches and draws are those of a run of that seed alone, and its
numbers are the same within rounding, whatever company it has.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mulligan.data.dataset import Dataset
from mulligan.errors import DivergedError, UsageError
from mulligan.recipe import Recipe
from mulligan.runs.folder import Run
from mulligan.signals import raise_pending
from mulligan.training import compilations
from mulligan.training.adapting import adaptive
from mulligan.training.budget import Budget
from mulligan.training.compiling import compiled
from mulligan.training.game import Batch, Game, Tensors
from mulligan.training.horizon import RESERVE, SETTLING
from mulligan.training.loop import TICK, Audience, Tick
from mulligan.training.session import Session
from mulligan.training.state import BUFFERS, MOVING, PlayerState, State
from mulligan.training.step import play

CORRECTIONS = 20  # of the horizon, where a time is the budget

Players = dict[str, dict[str, Any]]  # player -> its tensors by part (`buffers` by name within), each with the seeds in front
Mapped = Callable[[Players, list[list[Tensor]], list[Tensors], Tensors, Tensors], tuple[Tensors, Tensor]]


@dataclass
class Together:
    """Sessions of one recipe that differ in their seed alone, in the middle of their work."""

    sessions: Sequence[Session]
    lost: dict[int, int] = field(init=False, default_factory=dict)  # seed -> the step at which its numbers were not finite
    step: int = field(init=False, default=0)
    seconds: float = field(init=False, default=0.0)
    _stack: Players = field(init=False)
    _play: Mapped = field(init=False)

    def __post_init__(self) -> None:
        first = self.sessions[0]
        _refuse_dropout(first)
        self._stack = stacked([session.state for session in self.sessions])
        for place, session in enumerate(self.sessions):
            session.state = row(self._stack, first.state, place)
        self._play = mapped(first.game, first.state, first.recipe, len(self.sessions))

    @classmethod
    def of(
        cls, recipe: Recipe, seeds: Sequence[int], dataset: Dataset, make_game: Callable[[Recipe, Dataset], Game], folder: Run
    ) -> "Together":
        """Sessions at step 0. recipe: with nothing left to `auto` in its machine. make_game: the game of a recipe and its data."""
        recipes = [recipe.model_copy(update={"seed": seed}) for seed in seeds]
        return cls([Session(folder, each, dataset, make_game(each, dataset)) for each in recipes])

    @property
    def images(self) -> int:
        """Real samples that each seed has seen."""
        return self.sessions[0].images

    @property
    def horizon(self) -> int:
        """Images over which everything is scheduled."""
        return self.sessions[0].controls.horizon

    def once(self) -> dict[str, float]:
        """One step of every seed. Returns the figures, means over the seeds whose numbers are finite.

        Of a seed whose losses or gradients are not finite nothing of this step is kept; it is noted in `lost`.
        """
        inputs = [session.inputs() for session in self.sessions]
        batches = [_batched([each[0][turn] for each in inputs]) for turn in range(len(inputs[0][0]))]
        draws = [_named([each[1][turn] for each in inputs]) for turn in range(len(inputs[0][1]))]
        figures, finite = self._play(self._stack, batches, draws, inputs[0][2], self._strengths(inputs))
        for session, kept in zip(self.sessions, finite.tolist(), strict=True):
            if not kept:
                self.lost.setdefault(session.recipe.seed, self.step)
            session.step += 1
            session.adapt()
        self.step += 1
        if len(self.lost) == len(self.sessions):
            raise DivergedError(
                f"step {self.step - 1}: the numbers of every seed have become not finite", "Lower the rates, or raise a penalty's weight"
            )
        told = torch.stack(list(figures.values()))
        return dict(zip(figures, told[:, finite].mean(1).tolist(), strict=True))

    def _strengths(self, inputs: Sequence[tuple[Any, Any, Tensors]]) -> Tensors:
        """The strengths that adapt, each seed's own (seeds,)."""
        names = [f"augmentation.{name}" for name in adaptive(self.sessions[0].recipe)]
        return {name: torch.stack([knobs[name] for _, _, knobs in inputs]) for name in names}

    def _first(self, audience: Audience) -> dict[str, float]:
        """The first step; where it cannot be compiled, this and all others without compilation."""
        recipe = self.sessions[0].recipe
        try:
            return self.once()
        except RuntimeError as error:  # what the compiler raises is one too
            raise_pending()  # a compiler that died with the signal is no missing compiler
            if recipe.machine.compile != "on":
                hint = "Train its seeds one by one: mulligan train --seed"
                raise UsageError(f"recipe {recipe.name} cannot be trained for several seeds at once ({_line(error)})", hint) from error
            audience.say(f"compilation failed ({type(error).__name__}); training goes on without it")
        machine = recipe.machine.model_copy(update={"compile": "off"})
        for session in self.sessions:
            session.recipe = session.recipe.model_copy(update={"machine": machine})
        self._play = mapped(self.sessions[0].game, self.sessions[0].state, self.sessions[0].recipe, len(self.sessions))
        return self._first(audience)

    def find_strange(self) -> None:
        """Note in `lost` every seed whose tensors hold a number that is not finite, which a constraint on weights can make."""
        for session in self.sessions:
            if session.strange() is not None:
                self.lost.setdefault(session.recipe.seed, self.step)

    def run(self, budget: Budget, audience: Audience) -> None:
        """Train until the horizon or the budget is reached. Raises Signalled with nothing saved, DivergedError where no seed is left."""
        clock = _Clock(self, budget)
        while not clock.is_over():
            raise_pending()
            figures = self.once() if self.step else self._first(audience)
            if clock.has_ticked():
                audience.tick(Tick(self.step, clock.last_step(), self.images, self.seconds, figures))
        self.find_strange()


@dataclass
class _Clock:
    """When training together ends; where a time is the budget, the horizon follows from the speed."""

    seeds: Together
    budget: Budget
    _begun: float = field(init=False, default_factory=time.perf_counter)
    _warm: tuple[float, int] | None = field(init=False, default=None)  # time and images after the first step, which may compile
    _due: float = field(init=False, default=SETTLING)  # seconds since then at which the horizon is corrected next
    _ticked: float = field(init=False, default=0.0)

    def is_over(self) -> bool:
        seeds, budget = self.seeds, self.budget
        return (
            seeds.images >= seeds.horizon
            or (budget.steps is not None and seeds.step >= budget.steps)
            or (budget.images is not None and seeds.images >= budget.images)
            or (budget.seconds is not None and seeds.seconds >= budget.seconds)
        )

    def has_ticked(self) -> bool:
        """After a step: note the time. Returns whether it is time for another progress line."""
        now = time.perf_counter()
        self.seeds.seconds = now - self._begun
        self._steer(now)
        if now - self._ticked < TICK:
            return False
        self._ticked = now
        return True

    def last_step(self) -> int:
        first = self.seeds.sessions[0]
        last = first.schedule.step_at(first.source, min(self.seeds.horizon, self.budget.images or self.seeds.horizon))
        return last if self.budget.steps is None else min(last, self.budget.steps)

    def _steer(self, now: float) -> None:
        if self.budget.seconds is None:
            return
        if self._warm is None:
            self._warm = (now, self.seeds.images)
            return
        since, images = self._warm
        if now - since < self._due:
            return
        left = max(self.budget.seconds - self.seeds.seconds - RESERVE, 0.0)
        speed = (self.seeds.images - images) / (now - since)
        horizon = max(self.seeds.images + int(speed * left), 1)
        for session in self.seeds.sessions:
            session.controls = session.controls.model_copy(update={"horizon": horizon})
        self._due = now - since + max(self.budget.seconds / CORRECTIONS, SETTLING)


def mapped(game: Game, example: State, recipe: Recipe, seeds: int) -> Mapped:
    """The step of a game for a stack of seeds, compiled where the recipe's machine says `on`.

    example: the state of one seed. The step takes a stack (`stacked`), batches and draws with the seeds in front, the knobs, which all
    share, and those that each seed has for itself (seeds,); it changes the stack in place, and returns figures and finiteness with the
    seeds in front.
    """
    precision = torch.bfloat16 if recipe.machine.precision == "bfloat16" else torch.float32
    layouts = {name: player.layout for name, player in example.items()}

    def alone(players: Players, batches: list[list[Tensor]], draws: list[Tensors], knobs: Tensors, own: Tensors) -> tuple[Tensors, Tensor]:
        state = {name: PlayerState(layout=layouts[name], **_whole(parts)) for name, parts in players.items()}
        return play(game, state, [_batch(batch) for batch in batches], draws, knobs | own, precision, True)

    step = torch.vmap(alone, in_dims=(0, 0, 0, None, 0))
    if recipe.machine.compile != "on":
        return step
    return compiled(step, recipe.machine.device, compilations.key_of(recipe, seeds))


def stacked(states: Sequence[State]) -> Players:
    """The tensors of several states with the same players, one upon the other: (seeds, ...)."""
    return {name: _stacked([_parts(state[name]) for state in states]) for name in states[0]}


def row(stack: Players, example: State, place: int) -> State:
    """The state of one seed as views of the stack. example: a state with the same players."""
    return {name: PlayerState(layout=example[name].layout, **_whole(_row(parts, place))) for name, parts in stack.items()}


def _parts(player: PlayerState) -> dict[str, Any]:
    """The tensors of a player by part; parts that it does not have are left out."""
    flat = {part: getattr(player, part) for part in (*MOVING, "updates")}
    return {name: value for name, value in flat.items() if value is not None} | {part: getattr(player, part) for part in BUFFERS}


def _whole(parts: dict[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(MOVING), **parts}


def _stacked(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = parts[0]
    return {
        name: torch.stack([each[name] for each in parts]) if isinstance(value, Tensor) else _stacked([each[name] for each in parts])
        for name, value in first.items()
    }


def _row(parts: Mapping[str, Any], place: int) -> dict[str, Any]:
    return {name: value[place] if isinstance(value, Tensor) else _row(value, place) for name, value in parts.items()}


def _batched(batches: Sequence[Batch | None]) -> list[Tensor]:
    """The same batch of every seed: target, places and, where there are labels, the condition; nothing for a turn that reads nothing."""
    read = [batch for batch in batches if batch is not None]
    if not read:
        return []
    fields = [torch.stack([batch.target for batch in read]), torch.stack([batch.places for batch in read])]
    labels = [batch.condition for batch in read if batch.condition is not None]
    return [*fields, torch.stack(labels)] if labels else fields


def _batch(fields: Sequence[Tensor]) -> Batch | None:
    if not fields:
        return None
    target, places, *label = fields
    return Batch(target, label[0] if label else None, places)


def _named(draws: Sequence[Tensors]) -> Tensors:
    return {name: torch.stack([each[name] for each in draws]) for name in draws[0]}


def _line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _refuse_dropout(session: Session) -> None:
    """Dropout draws inside the network, where one generator serves all seeds: none would be what it is alone."""
    for name, actor in session.game.actors.items():
        if any(isinstance(module, nn.modules.dropout._DropoutNd) and module.p for module in actor.training.modules()):
            raise UsageError(f"the {name} has dropout, so its seeds cannot be trained together", f"Set {name}.network.dropout=0")
