"""Train and resume: a run from its beginning, or from where it stands, to the end of its budget."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mulligan import find
from mulligan.data.dataset import Dataset, require_same
from mulligan.errors import MulliganError, OutOfMemoryError, PreemptedError, StoppedError, TerminatedError, UsageError, is_out_of_memory
from mulligan.metrics.figures import ScoreCard
from mulligan.recipe import MAY_CHANGE, Data, Machine, Recipe
from mulligan.resolve import changed, flat, reopened
from mulligan.runs import checkpoints, environment, history, lock, report
from mulligan.runs.folder import Run, create, find_unfinished, identity, runs_base
from mulligan.signals import Signalled, shielded
from mulligan.training import trial
from mulligan.training.budget import Budget
from mulligan.training.compiling import compiler
from mulligan.training.finishing import finish, write_facts
from mulligan.training.game import Game
from mulligan.training.loop import Audience, Loop, Tick
from mulligan.training.machine import decide_machine, most_steps, prepare_machine
from mulligan.training.observing import Observer
from mulligan.training.session import Session
from mulligan.verbs.opening import made_game, parameters, recorded_figures


class Listener(Audience, Protocol):
    """Whoever is told how a run goes, from its beginning on."""

    def opened(self, run: Run) -> None:
        """The run stands: its facts (data, networks, loss) can be read, and training is about to start."""


class Quiet:
    """A listener that leaves everything to log.txt."""

    def opened(self, run: Run) -> None:
        """Nothing on the terminal."""

    def say(self, text: str) -> None:
        """Nothing on the terminal."""

    def tick(self, tick: Tick) -> None:
        """Nothing on the terminal."""


@dataclass(frozen=True)
class Outcome:
    """What a training came to. `figures` is None where the game makes no samples from latents."""

    run: Path
    steps: int
    images: int
    seconds: float
    parameters: dict[str, int | None]
    figures: ScoreCard | None
    finished: bool


def train(
    recipe: Recipe,
    dataset: Dataset | None = None,
    *,
    run: Path | str | None = None,
    budget: Budget | None = None,
    audience: Listener | None = None,
    command: Sequence[str] = (),
) -> Outcome:
    """Train a recipe, or continue its newest unfinished run.

    recipe: resolved (`mulligan.resolve.resolve`). dataset: its data, opened; absent to open them here.
    run: the run folder itself; where it holds a run of the same recipe, that is continued. budget: when to stop.
    Raises UsageError for a run of another recipe, DataError for changed data, and what training raises.
    """
    audience = audience or Quiet()
    dataset = dataset or reopened(recipe)
    game = made_game(recipe, dataset)  # before anything is written: a recipe that cannot be played leaves no folder behind
    if run is not None:
        folder = Run(Path(run))
        if folder.exists:
            recipe = _same_recipe(folder, recipe, dataset)
        elif folder.path.exists() and not is_empty(folder):
            raise UsageError(f"{folder.path} is there already and holds no run", "Name a new or an empty folder")
        folder.prepare()
    else:
        unfinished = find_unfinished(runs_base(), identity(recipe))
        if unfinished is not None:
            audience.say(f"continuing {unfinished.path}, the newest unfinished run of this recipe and data (--run DIR begins another)")
        folder = unfinished or create(runs_base(), run_name(recipe))
    return _work(folder, recipe, dataset, game, budget or Budget(), audience, command)


def resume(
    run: Path | str,
    *,
    budget: Budget | None = None,
    audience: Listener | None = None,
    settings: Sequence[str] = (),
    allow_changed_data: bool = False,
    command: Sequence[str] = (),
) -> Outcome:
    """Continue a run exactly where its newest checkpoint stands.

    settings: `key=value` of what may change on resume (machine.*, keeping.*). allow_changed_data: go on although the data have changed.
    Raises UsageError for other settings, CheckpointError, DataError, and what training raises.
    """
    folder = Run(Path(run))
    recipe = changed(folder.read_recipe(), settings)
    with _saved(folder):
        dataset = reopened(recipe)
        if not allow_changed_data or not _fits(dataset.data, recipe.data):
            require_same(dataset.data, recipe.data)
        game = made_game(recipe, dataset)
        return _work(folder, recipe, dataset, game, budget or Budget(), audience or Quiet(), command)


def _same_recipe(folder: Run, recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recorded recipe with what may change taken from the new one; a UsageError lists any other difference."""
    recorded = folder.read_recipe()
    require_same(dataset.data, recorded.data)
    before, now = flat(recorded.model_dump(mode="json")), flat(recipe.model_dump(mode="json"))
    different = [
        key for key in sorted(before.keys() | now.keys()) if before.get(key) != now.get(key) and key.partition(".")[0] not in MAY_CHANGE
    ]
    if different:
        was = ", ".join(f"{key}={before.get(key)}" for key in different[:5])
        has = ", ".join(f"{key}={now.get(key)}" for key in different[:5])
        may = " and ".join(f"{part}.*" for part in MAY_CHANGE)
        raise UsageError(
            f"{folder.path} was trained with {was} and now has {has}; a resumed run keeps its recipe (only {may} may change)",
            "Start a new one with another --run DIR, or drop what differs",
        )
    return recorded.model_copy(update={part: getattr(recipe, part) for part in MAY_CHANGE})


def run_name(recipe: Recipe) -> str:
    """The name of a run's folder, without its number."""
    return f"{recipe.name}-{Path(recipe.data.source).name}"


def is_empty(folder: Run) -> bool:
    """Whether a folder holds nothing, or only what a process leaves that ends before it wrote its recipe."""
    own = {folder.lock_file, folder.holder_file, folder.output_file, folder.samples, folder.checkpoints}
    return folder.path.is_dir() and all(path in own or path.name.startswith(".recipe") for path in folder.path.iterdir())


def _fits(found: Data, recorded: Data) -> bool:
    """Whether other data can go through the networks of a run."""
    return (found.kind, found.shape, found.classes) == (recorded.kind, recorded.shape, recorded.classes)


def _work(folder: Run, recipe: Recipe, dataset: Dataset, game: Game, budget: Budget, audience: Listener, command: Sequence[str]) -> Outcome:
    with _saved(folder), lock.hold(folder):
        folder.sweep()
        voice = _Voice(folder, audience)
        budget = _remembered(folder, budget)
        decided = decide(folder, recipe, dataset, game, budget, voice.say)
        if not folder.exists:
            folder.write_recipe(recipe)
            folder.write_status("unfinished")
        prepare_machine(decided.machine)
        _record(folder, decided, budget, command or sys.argv[1:])
        return _trained(Session(folder, decided, dataset, game, lambda repaired: made_game(repaired, dataset)), budget, voice, audience)


def _trained(session: Session, budget: Budget, voice: "_Voice", audience: Listener) -> Outcome:
    folder = session.run
    session.forget_beginning()
    checkpoint = checkpoints.newest(folder)
    if checkpoint is not None:
        for wrong in checkpoint.wrong:
            voice.say(f"{wrong}; going on from {checkpoint.path.name}")
        session.restore(checkpoint)
        if folder.status == "finished":
            voice.say(f"{folder.path} is finished: {session.step:,} steps, {session.images:,} images")
            return _outcome(session, recorded_figures(folder), True)
        history.cut(folder, checkpoint.step)
    else:
        session.save()  # so that there is a way back from the first step on
    _say_skipped(session, audience)
    observer = Observer(session)
    write_facts(session)
    observer.write_real()
    audience.opened(folder)
    _say_start(session, voice)
    loop = Loop(session, budget, voice, observer)
    loop.run()
    found = finish(loop)
    timed = budget.seconds is not None and session.seconds >= budget.seconds
    finished = session.images >= session.controls.horizon or timed or bool(loop.ended)
    with shielded(saving=True):
        folder.write_status("finished" if finished else "unfinished")
        report.write(folder)  # which says whether the run is finished
    voice.say(f"{'finished' if finished else 'stopped'} at step {session.step:,}: {session.images:,} images in {session.seconds:.1f} s")
    return _outcome(session, found, finished)


def _outcome(session: Session, found: ScoreCard | None, finished: bool) -> Outcome:
    return Outcome(
        run=session.run.path,
        steps=session.step,
        images=session.images,
        seconds=round(session.seconds, 3),
        parameters=parameters(session),
        figures=found,
        finished=finished,
    )


@contextmanager
def _saved(folder: Run) -> Iterator[None]:
    """Say what a signal means for a run: where it has a checkpoint, the same command goes on."""
    try:
        yield
    except Signalled as error:
        raise _interrupted(folder, error) from None
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        steps = folder.checkpoint_steps()
        saved = f"; the state is saved at step {steps[-1]:,}" if steps else ""
        raise OutOfMemoryError(
            f"there is not enough memory outside of a step{saved}", "Free some, or set data.size=32 or batch=16"
        ) from None


def _interrupted(folder: Run, error: Signalled) -> MulliganError:
    steps = folder.checkpoint_steps()
    hint = f"`mulligan resume {folder.path}` goes on"
    if error.number == signal.SIGTERM:
        if not steps:
            return TerminatedError("terminated by SIGTERM before there was anything to save", "Give the same command again")
        return PreemptedError(f"stopped by SIGTERM; the state is saved at step {steps[-1]:,} in {folder.path}", hint)
    if not steps:
        return StoppedError("interrupted before there was anything to save", "Give the same command again")
    return StoppedError(f"stopped; the state is saved at step {steps[-1]:,} in {folder.path}", hint)


def decide(
    folder: Run, recipe: Recipe, dataset: Dataset, game: Game, budget: Budget, say: Callable[[str], None] = lambda text: None
) -> Recipe:
    """The recipe with every `auto` of its machine settled: as the run recorded it, or for the first time.

    say: is told what was measured.
    """
    recorded = environment.sessions(folder)
    asked = recipe.machine
    if recorded and folder.exists and folder.read_recipe().machine == asked:
        before = recorded[-1].get("decisions", {})
        try:
            known = {"products": "default", **before}  # earlier versions knew no other
            return recipe.model_copy(update={"machine": Machine.model_validate({k: known[k] for k in Machine.model_fields})})
        except (KeyError, ValueError):
            pass  # written by hand, or by another version: decide again
    tried = trial.of_one(folder, recipe, dataset, game)
    machine = decide_machine(recipe, game, most_steps(recipe, game, budget), budget.seconds, tried, say=say)
    return recipe.model_copy(update={"machine": machine})


def _record(folder: Run, recipe: Recipe, budget: Budget, command: Sequence[str]) -> None:
    time = {} if budget.seconds is None else {"time": budget.seconds}
    environment.record(folder, command, {**recipe.machine.model_dump(mode="json"), **time, "outside_code": find.trusted()})


def _remembered(folder: Run, budget: Budget) -> Budget:
    """The budget; where none is given, the time that a run was begun with: its horizon may not have been decided before it stopped."""
    if budget != Budget():
        return budget
    times = [session.get("decisions", {}).get("time") for session in environment.sessions(folder)]
    return Budget(seconds=next((float(time) for time in reversed(times) if isinstance(time, int | float)), None))


def _say_skipped(session: Session, audience: Listener) -> None:
    """Every file that was left out goes to log.txt; a terminal is told the first."""
    reasons = [f"{skipped.file}: {skipped.reason}" for skipped in session.dataset.skipped]
    for reason in reasons:
        session.run.log(f"skipped {reason}")
    if reasons:
        shown = "; ".join(reasons[:3]) + ("; ..." if len(reasons) > 3 else "")
        audience.say(f"{session.recipe.data.source}: files left out: {len(reasons)} ({shown}); training goes on without them")


def _say_start(session: Session, voice: "_Voice") -> None:
    recipe, machine = session.recipe, session.recipe.machine
    data = recipe.data
    where = f"step {session.step:,}" if session.step else "the beginning"
    voice.say(f"{recipe.name} on {Path(data.source).name}: samples of shape {tuple(data.shape)}, run {session.run.path}, from {where}")
    note = "" if machine.device != "cpu" or compiler() else " (no C++ compiler found: the step is not compiled)"
    if machine.compile == "on":
        note = " (the first step waits for that, up to a minute)"
    voice.say(f"{machine.device}, {machine.threads} threads, {machine.precision}, compile {machine.compile}{note}")


class _Voice:
    """Says everything twice: to log.txt and to the audience."""

    def __init__(self, folder: Run, audience: Audience) -> None:
        self.folder, self.audience = folder, audience

    def say(self, text: str) -> None:
        """A sentence."""
        self.folder.log(text)
        self.audience.say(text)

    def tick(self, tick: Tick) -> None:
        """Progress is not logged."""
        self.audience.tick(tick)
