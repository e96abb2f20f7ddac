"""The loop: reports, steps, budgets, rollbacks and signals, in this order, until the horizon or a budget is reached."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch

from mulligan.diagnostics.diagnosis import WARMING_UP, diagnose, write
from mulligan.diagnostics.finding import Diagnosis
from mulligan.errors import CheckpointError, DivergedError, OutOfMemoryError, is_out_of_memory
from mulligan.randomness import seed_operators
from mulligan.runs import checkpoints, curves, environment, facts, history, report
from mulligan.signals import Signalled, raise_pending, shielded
from mulligan.training import repairing
from mulligan.training.batches import draw_sizes
from mulligan.training.budget import Budget
from mulligan.training.compiling import Step, stepper
from mulligan.training.controls import Repair
from mulligan.training.game import Batch, Tensors
from mulligan.training.horizon import Horizon
from mulligan.training.machine import give_back
from mulligan.training.observing import Observer
from mulligan.training.session import Session
from mulligan.training.splitting import smallest
from mulligan.training.stopping import is_no_worse, stopped_improving

MOST_ROLLBACKS = 3
DIVERGED = {"rate": 0.5, "penalty": 3.0}  # what repair=on changes where numbers are not finite
EARLY = 6  # reports before the first regular one, each at half the images of the next
TICK = 0.5  # seconds between two progress lines
DRAWING = 120.0  # seconds between two drawings of the curves and the report, which take as long as hundreds of small steps
FIRST_DRAWING = 20.0
A_REPORT = 10.0  # seconds for each report where time is the budget: one takes as long as ten steps of small networks
FEWEST_REPORTS = 2


class Tick(NamedTuple):
    """How far training is, for a progress line."""

    step: int
    last_step: int
    images: int
    seconds: float
    figures: dict[str, float]
    verdict: str = ""  # of the doctor at the newest report


class Audience(Protocol):
    """Whoever is told how a run goes."""

    def say(self, text: str) -> None:
        """A sentence, for log.txt and the terminal."""

    def tick(self, tick: Tick) -> None:
        """Progress, a few times a second; only work that is kept is counted."""


def report_points(reports: int, early: int = EARLY) -> list[float]:
    """Shares of the horizon at which a report is due: evenly spaced, and closer together at the start, where most happens.

    >>> report_points(2)[-3:]
    [0.25, 0.5, 1.0]
    """
    first = [2.0**-place / reports for place in range(min(early, EARLY), 0, -1)]
    return [0.0, *first, *(place / reports for place in range(1, reports + 1))]


@dataclass
class Loop:
    """Trains a session until its horizon or its budget."""

    session: Session
    budget: Budget
    audience: Audience
    observer: Observer
    _play: Step = field(init=False)
    _horizon: Horizon = field(init=False)
    _points: list[float] = field(init=False)
    _begun: float = field(init=False, default=0.0)
    _before: float = field(init=False, default=0.0)
    _seen: set[tuple[int, ...]] = field(init=False, default_factory=set)  # sizes of batches that the step has run on (is compiled for)
    _whole: bool = field(init=False, default=True)  # whether the state stands between two steps, so that it may be saved
    _ticked: float = field(init=False, default=0.0)
    verdict: str = field(init=False, default="")
    ended: str = field(init=False, default="")  # why stop=auto ended the run
    _drawn: float = field(init=False, default=FIRST_DRAWING - DRAWING)

    def __post_init__(self) -> None:
        self._play = stepper(self.session.game, self.session.recipe)
        self._horizon = Horizon(self.session.run, self.budget.seconds)
        self._points = self._planned()
        lines = history.read(self.session.run)
        if lines and lines[-1]["step"] == self.session.step:  # a process was stopped right after the report that ends the run
            self.ended = self._stopped(lines)

    def _planned(self) -> list[float]:
        """Shares of the horizon at which a report is due: fewer in a short time, which is decided once and kept with the run."""
        controls, reports = self.session.controls, self.session.recipe.keeping.reports
        if self.budget.seconds is not None and controls.reported < 0:
            few = min(max(int(self.budget.seconds / A_REPORT), FEWEST_REPORTS), reports)
            self.session.controls = controls = controls.model_copy(update={"reports": few})
        return report_points(min(controls.reports or reports, reports), EARLY * (controls.reports or reports) // reports)

    def run(self) -> None:
        """Train. Ends with a checkpoint of the last step on disk.

        Raises Signalled with the state saved, DivergedError where recovery is spent, DiskError with the last checkpoint intact.
        """
        session = self.session
        self._begun, self._before = time.perf_counter(), session.seconds
        try:
            while self.once():
                pass
            session.save()
            raise_pending()
        except Signalled:
            if self._whole and session.strange() is None:  # otherwise a step was broken off, and the checkpoint before it stands
                session.save()
            raise

    def once(self) -> bool:
        """A report if one is due, then a step; False where training is over."""
        raise_pending()
        self._report_if_due()
        if self._is_over() and self._is_sound():
            return False
        self._step()
        self._clock()
        if self._horizon.steer(self.session, bool(self._seen)):
            self._say_horizon()
        return True

    def _is_over(self) -> bool:
        session, budget = self.session, self.budget
        return (
            bool(self.ended)
            or session.images >= session.controls.horizon
            or (budget.steps is not None and session.step >= budget.steps)
            or (budget.images is not None and session.images >= budget.images)
            or (budget.seconds is not None and session.seconds >= budget.seconds)
        )

    def _step(self) -> None:
        session = self.session
        batches, draws, now = session.inputs()
        sizes = draw_sizes(batches)
        seed_operators(session.recipe.seed, session.step, session.controls.attempt, session.recipe.machine.device)
        # A compilation takes so long that a signal has to interrupt it; it is broken off, so what is worth keeping is saved before.
        compiles = session.recipe.machine.compile == "on" and sizes not in self._seen
        if compiles and self._seen:
            session.save()
        with nullcontext() if compiles else shielded():
            self._whole = False
            try:
                figures, finite = self._played(batches, draws, now)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self._split(smallest(batches))
                self._whole = True
                return
            values = torch.stack([finite.float(), *figures.values()]).tolist()
            told = dict(zip(figures, values[1:], strict=True))
            if values[0] == 1.0:
                self._seen.add(sizes)
                session.step += 1
                session.add(told | session.adapt())
            else:
                self._roll_back(told)
            self._whole = True

    def _played(self, batches: Sequence[Batch | None], draws: Sequence[Tensors], now: Tensors) -> tuple[Tensors, torch.Tensor]:
        """Play a step; where it cannot be compiled, without compilation from now on."""
        session = self.session
        try:
            return self._play(session.state, batches, draws, now)
        except Exception as error:
            raise_pending()  # a compiler that died with the signal is no missing compiler
            if is_out_of_memory(error):
                raise
            if session.recipe.machine.compile != "on" or self._seen:
                raise
            self.audience.say(f"compilation failed ({type(error).__name__}); training goes on without it")
            environment.amend(session.run, {"compile": "off"})
            machine = session.recipe.machine.model_copy(update={"compile": "off"})
            session.recipe = session.recipe.model_copy(update={"machine": machine})
            self._play = stepper(session.game, session.recipe)
            return self._play(session.state, batches, draws, now)

    def _split(self, size: int) -> None:
        """Memory was short in the middle of a step: go back to the newest checkpoint and play each batch in twice as many parts.

        Raises OutOfMemoryError where even single samples do not fit.
        """
        session = self.session
        batch, split = session.recipe.batch, session.recipe.machine.split * 2
        if split > size:
            raise OutOfMemoryError(
                f"step {session.step}: there is not enough memory for a single sample of the batch",
                "Take smaller networks (generator.network.*) or smaller samples (data.size=32)",
            )
        checkpoint = checkpoints.newest(session.run)
        if checkpoint is None:
            raise OutOfMemoryError(f"step {session.step}: there is not enough memory for a batch of {batch}", f"Set batch={batch // 2}")
        spent = session.seconds
        session.restore(checkpoint)
        session.seconds = spent
        history.cut(session.run, checkpoint.step)
        machine = session.recipe.machine.model_copy(update={"split": split, "compile": "off"})
        session.recipe = session.recipe.model_copy(update={"machine": machine})
        environment.amend(session.run, {"split": split, "compile": "off"})
        self._play = stepper(session.game, session.recipe)
        self.audience.say(f"not enough memory for a batch of {batch}: it is played in {split} parts from step {checkpoint.step} on")

    def _clock(self) -> None:
        session = self.session
        now = time.perf_counter()
        session.seconds = self._before + now - self._begun
        if now - self._ticked >= TICK and session.counted:
            self._ticked = now
            last = session.schedule.step_at(session.source, session.controls.horizon)
            if self.budget.steps is not None:
                last = min(last, self.budget.steps)
            if self.budget.images is not None:
                last = min(last, session.schedule.step_at(session.source, self.budget.images))
            self.audience.tick(Tick(session.step, last, session.images, session.seconds, session.means(), self.verdict))

    def _report_if_due(self) -> None:
        session = self.session
        progress = session.images / session.controls.horizon
        reached = max(point for point in self._points if point <= progress + 1e-12)
        if reached <= session.controls.reported:
            return
        if not self._is_sound():
            return
        if any(line["step"] == session.step for line in history.read(session.run)[-1:]):
            history.cut(session.run, session.step - 1)  # a process was killed between this very report and its checkpoint
        line = self.line()
        told = session.controls.model_copy(update={"reported": reached})
        if is_no_worse(line, told.best_distance):
            lowest = min(line["distance"], told.best_distance if told.best_distance is not None else math.inf)
            told = told.model_copy(update={"best_step": session.step, "best_distance": lowest})
        self.observer.write_picture()
        with shielded(saving=True):  # a report is made whole or not at all, and then again on resume
            history.append(session.run, line)
            lines = history.read(session.run)
            found = diagnose(lines, told.horizon)
            if session.recipe.repair == "on" and repairing.is_good(found):
                told = told.model_copy(update={"good_steps": repairing.good_steps(told.good_steps, session.step)})
            session.controls = told
            session.memory = self.observer.memory
            session.forget()
            self._horizon.correct(session)
            session.save()
        self._tell(found, lines, picture=False)
        self.ended = self._stopped(lines)
        self._mend(found, lines)
        self._clock()
        left = math.inf if self.budget.seconds is None else self.budget.seconds - session.seconds
        if session.seconds - self._drawn >= DRAWING and left >= DRAWING / 2:  # the last one is made at the end
            self._drawn = session.seconds
            facts.advance(session.run, session.step, session.images, session.seconds)
            self.diagnose()
            curves.write(session.run)
            report.write(session.run)
            self._clock()
        give_back()

    def diagnose(self) -> None:
        """Write what the doctor says of the history so far, with the picture that shows it."""
        lines = history.read(self.session.run)
        self._tell(diagnose(lines, self.session.controls.horizon), lines, picture=True)

    def _tell(self, found: Diagnosis, lines: list[history.Line], picture: bool) -> None:
        """Write a diagnosis; the picture takes a moment."""
        session = self.session
        if found.verdict != self.verdict and found.findings and found.verdict != WARMING_UP:
            session.run.log(f"step {session.step}: {found.verdict}: {found.findings[0].evidence}. {found.findings[0].remedy}")
        self.verdict = found.verdict
        if picture:
            self.observer.write_diagnosis(found, lines)
        else:
            write(session.run, found)

    def _stopped(self, lines: list[history.Line]) -> str:
        """Why stop=auto ends the run here, if it does."""
        recipe, horizon = self.session.recipe, self.session.controls.horizon
        reason = stopped_improving(lines, horizon, recipe.patience) if recipe.stop == "auto" else None
        if reason is None:
            return ""
        self.audience.say(f"stopped improving: {reason}")
        return reason

    def _mend(self, found: Diagnosis, lines: list[history.Line]) -> None:
        """With repair=on: go back to the last good state and apply the remedy of a fault that two signals have shown for three probes."""
        session = self.session
        finding = repairing.due(lines, found) if session.recipe.repair == "on" else None
        if finding is not None and len(session.controls.repairs) < repairing.MOST:
            self._repair(finding.name, finding.evidence, finding.change, finding.since_step or 0)

    def _repair(self, verdict: str, evidence: str, change: Mapping[str, Any], since: int) -> bool:
        """Roll back and apply a change; the history says so. Returns whether anything could be done."""
        session, failed = self.session, self.session.step
        vain = repairing.in_vain(session.controls.repairs, since)
        changes = repairing.remedied(session.recipe, change, 1 + sum(repair.verdict == verdict for repair in vain))
        kept = [step for step in session.controls.good_steps if session.run.checkpoint(step).exists()]  # not all, after going back far
        back_to = repairing.last_good(kept, since, len(vain))
        if not changes or back_to is None or (session.make_game is None and repairing.adds(session.recipe, changes)):
            return False
        groups, known = checkpoints.load(session.run.checkpoint(back_to))
        repair = Repair(verdict=verdict, evidence=evidence, failed=failed, back_to=back_to, changes=changes)
        repairs, attempt, spent = (*session.controls.repairs, repair), session.controls.attempt + 1, session.seconds
        with shielded(saving=True):
            session.restore(checkpoints.Checkpoint(back_to, groups, known, session.run.checkpoint(back_to)), (repairs, attempt))
            session.seconds = spent
            history.cut(session.run, back_to)
            told = {line.get("repair") for line in history.read(session.run)}  # going further back has cut those of earlier ones
            for number, each in enumerate(repairs, 1):
                if number not in told:
                    event = {"step": back_to, "images": session.images, "seconds": round(spent, 3), "repair": number}
                    history.append(session.run, {**event, **each.model_dump(mode="json")})
            session.save()
        self._play = stepper(session.game, session.recipe)
        self._seen.clear()
        self.ended = ""  # what had stopped improving begins anew
        what = ", ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in changes.items())
        self.audience.say(f"step {failed}: {verdict} ({evidence}); repair {len(repairs)}: back to step {back_to} with {what}")
        return True

    def line(self) -> dict[str, float]:
        """A line of the history for this step."""
        session = self.session
        rates = {name: float(value) for name, value in session.knobs().items() if name != "device"}
        where = {"step": session.step, "images": session.images, "seconds": round(session.seconds, 3)}
        return {**where, **session.means(), **self.observer.figures(), **rates, "attempt": session.controls.attempt}

    def _is_sound(self) -> bool:
        """Whether what is about to be kept holds finite numbers alone (a constraint may have made others); if not, go back."""
        strange = self.session.strange()
        if strange is not None:
            with shielded():
                self._whole = False
                self._roll_back({strange: math.nan})
                self._whole = True
        return strange is None

    def _roll_back(self, told: dict[str, float]) -> None:
        """Return to the newest checkpoint and try again with other numbers; nothing of the failed step was kept."""
        session = self.session
        strange = [name for name, value in told.items() if not math.isfinite(value)]
        what = f"{strange[0]} is {told[strange[0]]}" if strange else "a gradient is not finite"
        attempt, failed = session.controls.attempt + 1, session.step
        players = {name.partition(".")[0] for name in strange} & session.game.actors.keys()
        player = sorted(players)[0] if players else "generator"
        hint = f"Lower {player}.optimiser.rate (now {self._rate(player):g}), or raise a penalty's weight"
        mends = session.recipe.repair == "on" and len(session.controls.repairs) < repairing.MOST
        if mends and self._repair("diverged", what, DIVERGED, failed):
            return
        if attempt - len(session.controls.repairs) > MOST_ROLLBACKS:
            raise DivergedError(f"step {failed}: {what}, after {MOST_ROLLBACKS} rollbacks", hint)
        checkpoint = checkpoints.newest(session.run)
        if checkpoint is None:
            raise CheckpointError(f"{session.run.path}: there is no checkpoint to go back to")
        spent = session.seconds
        session.restore(checkpoint)
        session.seconds = spent
        history.cut(session.run, checkpoint.step)
        session.controls = session.controls.model_copy(update={"attempt": attempt})
        self.audience.say(f"step {failed}: {what}; back to step {checkpoint.step}, try {attempt} of {MOST_ROLLBACKS}. {hint}")

    def _rate(self, player: str) -> float:
        optimiser = self.session.recipe.players[player].optimiser
        return optimiser.rate if optimiser else 0.0

    def _say_horizon(self) -> None:
        session = self.session
        self.audience.say(f"this machine reaches about {session.controls.horizon:,} images in the time given; rates fall towards that")
