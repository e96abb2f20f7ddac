"""The lab: a real recipe, its game and its session, trained step by step and changed on the way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mulligan.data.dataset import Dataset, Endless, Split
from mulligan.lab.course import Course
from mulligan.lab.points import FRAME, opened
from mulligan.lab.settings import MOST_BATCH, RESTARTS, LabSettings, Sides, recipe
from mulligan.lab.view import ARROWS, SHOWN, View, landscape, latents, lattice, pushes, tame
from mulligan.metrics.divergences import Divergences, Plane
from mulligan.randomness import numpy_generator
from mulligan.runs.folder import Run
from mulligan.training.game import Batch, Turn
from mulligan.training.session import Session
from mulligan.training.state import named, put_back, sampled
from mulligan.training.step import play
from mulligan.verbs.opening import made_game

JUDGED = 2000  # samples that divergences are taken of
_KNOWN = 8000  # points that stand for the data there
_FLOORS = 8  # sets of fresh real points that the floor is the mean of
_LOST = 1e6  # a loss or a score beyond it leads nowhere any more


@dataclass(frozen=True)
class Changed:
    """What a change did.

    names: settings that differ. restarted: those of them that made training begin anew, and `points`; empty where it goes on.
    """

    names: tuple[str, ...]
    restarted: tuple[str, ...]


class Lab:
    """A GAN in the plane. One thread drives it.

    points: a built-in name, or drawn points (N, 2) within the frame. Raises UsageError for other points.

    >>> lab = Lab("moons", LabSettings(width=8))
    >>> lab.step(count=3)
    3
    >>> lab.change(LabSettings(width=8, loss="hinge")).restarted
    ()
    >>> lab.view().step
    3
    """

    _session: Session
    _changes: list[int]

    def __init__(self, points: str | np.ndarray = "ring", settings: LabSettings | None = None) -> None:
        self.settings = settings or LabSettings()
        self._dataset = opened(points)
        self._begin(made(self.settings, self._dataset))

    def step(self, sides: Sides = "both", count: int = 1) -> int:
        """Play steps in which both sides move, or one alone; returns how many were played, fewer where training has stopped.

        A step of one side is the same step with the turns of the other left out: what it draws does not depend on that.
        """
        for played in range(count):
            if self.trouble:
                return played
            self._step(sides)
        return count

    def change(self, settings: LabSettings, points: str | np.ndarray | None = None) -> Changed:
        """Go on with other settings, and other points where some are given.

        Weights and moments stay what they are, unless the points change or a setting that the weights hang on (RESTARTS). A stop
        is lifted. Raises UsageError for points that cannot be used, and settings that do not go together; nothing has changed then.
        """
        names = tuple(name for name in LabSettings.model_fields if getattr(settings, name) != getattr(self.settings, name))
        anew = tuple(name for name in names if name in RESTARTS)
        dataset = self._dataset if points is None else opened(points)
        session = made(settings, dataset)
        self.settings, self._dataset = settings, dataset
        if points is not None or anew:
            self._begin(session)
            return Changed(names, (*(("points",) if points is not None else ()), *anew))
        put_back(session.state, named(self._session.state))
        session.step = self._session.step
        self._session = session
        self.trouble = ""
        if names:
            self._changes.append(session.step)
        return Changed(names, ())

    def restart(self) -> None:
        """Begin anew with the first weights of the same seed."""
        self._begin(made(self.settings, self._dataset))

    def view(self) -> View:
        """What is seen now."""
        session, z = self._session, self._latents
        count = session.recipe.batch
        with torch.no_grad():
            cast = sampled(session.game.actors, session.state)
            made = session.game.sample(cast, z, None, self._real)
            lines = self._lattice.reshape(-1, 2)
            warped = session.game.sample(cast, lines, None, self._real).reshape(self._lattice.shape)
            land = landscape(session, cast, session.game.kind.encode(self._real.target), made)
        starts, moves = pushes(session, z[:count], Batch(self._real.target[:count], None, self._real.places[:count]))
        found = self._compared(tame(made))
        (loss_steps, losses), (steps, values) = self._losses.arrays(), self._divergences.arrays()
        return View(
            step=session.step,
            moved=self.moved,
            frame=FRAME,
            real=self._shown,
            fake=tame(made[:SHOWN]),
            landscape=land,
            lattice=tame(warped),
            starts=tame(starts[:ARROWS]),
            pushes=tame(moves[:ARROWS]),
            reading=session.game.reading,
            equilibrium=session.game.equilibrium,
            losses=dict(self._told_losses),
            scores=dict(self._told_scores),
            divergences=found,
            floor=self._floor,
            loss_steps=loss_steps,
            loss_course=losses,
            divergence_steps=steps,
            divergence_course=values,
            changes=tuple(self._changes),
            trouble=self.trouble,
        )

    def _begin(self, session: Session) -> None:
        """New weights, and an empty history."""
        self._session = session
        self.trouble, self.moved = "", "nobody"
        self._losses, self._divergences, self._changes = Course(2), Course(2), []
        self._told_losses = {"discriminator": math.nan, "generator": math.nan}
        self._told_scores = {"real": math.nan, "fake": math.nan}
        self._compared_at = -1
        self._latents, self._lattice = latents(session, JUDGED), lattice(session.recipe.latent.distribution)
        rows = torch.from_numpy(self._fresh(MOST_BATCH, "real"))
        self._real = Batch(rows, None, torch.zeros(len(rows), dtype=torch.long))
        train = self._dataset.train
        self._shown = self._encoded(self._fresh(SHOWN, "real") if isinstance(train, Endless) else train.target)
        self._plane = Plane(self._encoded(self._fresh(_KNOWN, "known") if isinstance(train, Endless) else train.target), FRAME)
        self._floor = self._plane.floor(self._encoded(self._fresh(JUDGED, "floor", number)) for number in range(_FLOORS))

    def _fresh(self, count: int, stream: str, number: int = 0) -> np.ndarray:
        """Real points (count, 2) as they are stored; of drawn ones some of those, with replacement."""
        generator, train = numpy_generator(self.settings.seed, f"lab/{stream}", number), self._dataset.train
        if isinstance(train, Endless):
            return train.draw(count, generator)
        return train.target[generator.integers(len(train.target), size=count)]

    def _encoded(self, points: np.ndarray) -> np.ndarray:
        return tame(self._session.game.kind.encode(torch.from_numpy(points)))

    def _step(self, sides: Sides) -> None:
        """One step of the project's own, with the turns of one side or of both."""
        session = self._session
        places = [place for place, turn in enumerate(session.game.turns) if sides == "both" or sides in turn.players]
        batches, draws, knobs = session.inputs()
        figures, finite = play(
            replace(session.game, turns=tuple(session.game.turns[place] for place in places)),
            session.state,
            [batches[place] for place in places],
            [draws[place] for place in places],
            knobs,
            torch.float32,
        )
        sound, *values = torch.stack([finite.float(), *figures.values()]).tolist()
        told = dict(zip(figures, values, strict=True))
        self.moved = sides
        lost = [name for name, value in told.items() if not abs(value) <= _LOST]
        if sound == 1.0:
            session.step += 1
            self._tell(told)
        if sound != 1.0 or lost:
            self.trouble = self._what_happened(lost, sound == 1.0)

    def _tell(self, told: dict[str, float]) -> None:
        for player in self._told_losses:
            terms = [value for name, value in told.items() if name.startswith(f"{player}.loss")]
            self._told_losses[player] = sum(terms) if terms else math.nan
        for side in self._told_scores:
            self._told_scores[side] = told.get(f"discriminator.score.{side}", math.nan)
        self._losses.add(self._session.step, (self._told_losses["discriminator"], self._told_losses["generator"]))

    def _what_happened(self, lost: list[str], kept: bool) -> str:
        """Why there is no going on, and what to do."""
        who = "generator" if lost and lost[0].startswith("generator") else "discriminator"
        rate = self.settings.generator_rate if who == "generator" else self.settings.discriminator_rate
        what = "a number has grown beyond a million" if kept else "a number was no longer finite, and that step was not kept"
        help_ = "" if self.settings.penalties else ", or add a penalty, which keeps D from growing ever steeper"
        return f"Training has diverged: in step {self._session.step} {what}. Lower the {who}'s rate (now {rate:g}){help_}; or begin anew."

    def _compared(self, samples: np.ndarray) -> Divergences:
        found = self._plane.compare(samples)
        if self._session.step != self._compared_at:
            self._compared_at = self._session.step
            self._divergences.add(self._session.step, (found.kl, found.js))
        return found


def repeated(turns: Sequence[Turn], updates: int) -> tuple[Turn, ...]:
    """A game's turns with that of the generator so many times, each under a name of its own, so that it draws its own numbers."""
    last = turns[-1]
    more = (replace(last, name=f"{last.name}.{place}") for place in range(1, updates))
    return (*turns, *more)


def made(settings: LabSettings, dataset: Dataset) -> Session:
    """A session of these settings at step 0. Its run has no folder: nothing in the lab is ever saved. Raises UsageError."""
    asked = recipe(settings, dataset.data, drawn=isinstance(dataset.train, Split))
    game = made_game(asked, dataset)
    return Session(Run(Path()), asked, dataset, replace(game, turns=repeated(game.turns, settings.generator_updates)))
