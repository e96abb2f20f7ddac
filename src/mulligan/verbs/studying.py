"""Study: how far a recipe can be relied on. Several seeds train at once, and each is judged by the same protocol."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mulligan import find
from mulligan.data.dataset import Dataset
from mulligan.errors import UsageError
from mulligan.marks import Mark, write_png
from mulligan.metrics.distances import sliced_wasserstein
from mulligan.metrics.figures import Figure
from mulligan.metrics.modes import Modes, mixture_modes
from mulligan.randomness import sample_latents
from mulligan.recipe import Recipe
from mulligan.resolve import reopened
from mulligan.runs import environment, safe_json
from mulligan.runs.folder import Run, numbered, studies_base
from mulligan.runs.writing import disk_errors, write_text
from mulligan.training import trial
from mulligan.training.budget import Budget
from mulligan.training.finishing import real
from mulligan.training.game import Batch, Game
from mulligan.training.loop import Audience
from mulligan.training.machine import decide_machine, most_steps, prepare_machine
from mulligan.training.session import Session
from mulligan.training.state import sampled
from mulligan.training.together import Together
from mulligan.verbs.opening import made_game

SAMPLES = 2500  # of each seed, the protocol of mixtures (metrics/modes.py)
MOST_SEEDS = 256
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Centres:
    """What a set of points says of itself that is a mixture of Gaussians: centres (K, D), and the deviation of each."""

    centres: torch.Tensor
    deviation: float


@dataclass(frozen=True)
class Seeded:
    """What one seed came to. lost: the step at which its numbers were not finite, after which nothing is measured of it.

    modes: absent where the data are no mixture whose centres are known.
    """

    seed: int
    lost: int | None
    modes: Modes | None
    distance: Figure | None

    @property
    def collapsed(self) -> bool | None:
        """Whether a mode of the mixture is missing; None where that is not known."""
        return None if self.modes is None else self.modes.modes < self.modes.of

    def figures(self) -> dict[str, float]:
        """What is compared between seeds, by name."""
        found: dict[str, float] = {}
        if self.modes is not None:
            values = {name: getattr(self.modes, name) for name in ("modes", "high_quality", "off_mode", "kl", "width")}
            found |= {name: float(value) for name, value in values.items() if value is not None}
        if self.distance is not None and self.distance.value is not None:
            found["distance"] = self.distance.value
        return found


@dataclass(frozen=True)
class Spread:
    """A figure over the seeds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Study:
    """Several seeds of one recipe. seconds: of the training of all of them together."""

    folder: Path
    recipe: Recipe
    seeds: tuple[Seeded, ...]
    steps: int
    images: int
    horizon: int
    seconds: float

    @property
    def collapsed(self) -> float | None:
        """Share of the seeds that are judged and miss a mode of the mixture; None where that is not known."""
        known = [seeded.collapsed for seeded in self.seeds if seeded.collapsed is not None]
        return sum(known) / len(known) if known else None

    @property
    def lost(self) -> float:
        """Share of the seeds whose numbers became not finite."""
        return sum(seeded.lost is not None for seeded in self.seeds) / len(self.seeds)

    def summary(self) -> dict[str, Spread]:
        """Median and range of each figure over the seeds that have it."""
        found = [seeded.figures() for seeded in self.seeds]
        names = list(dict.fromkeys(name for figures in found for name in figures))
        values = {name: [figures[name] for figures in found if name in figures] for name in names}
        return {name: Spread(statistics.median(each), min(each), max(each)) for name, each in values.items()}

    def floors(self) -> dict[str, float]:
        """What a perfect generator has of the figures that are not zero for one."""
        found: dict[str, float] = {}
        for seeded in self.seeds:
            if seeded.modes is not None:
                found["kl"] = (seeded.modes.of - 1) / (2 * SAMPLES)  # if all samples were of high quality
            if seeded.distance is not None and seeded.distance.floor is not None:
                found["distance"] = seeded.distance.floor
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = [
            {
                "seed": seeded.seed,
                "lost": seeded.lost,
                "collapsed": seeded.collapsed,
                "modes": None if seeded.modes is None else asdict(seeded.modes),
                "distance": None if seeded.distance is None else seeded.distance.value,
            }
            for seeded in self.seeds
        ]
        return {
            "recipe": self.recipe.name,
            "data": self.recipe.data.source,
            "steps": self.steps,
            "images": self.images,
            "horizon": self.horizon,
            "seconds": round(self.seconds, 3),
            "protocol": {"samples": SAMPLES, "latents": "seed + 1", "weights": "averaged where the recipe averages"},
            "seeds": rows,
            "summary": {name: asdict(spread) for name, spread in self.summary().items()},
            "floors": self.floors(),
            "collapsed": self.collapsed,
            "lost": self.lost,
        }


def study(
    recipe: Recipe,
    dataset: Dataset | None = None,
    *,
    seeds: Sequence[int] = range(10),
    to: Path | str | None = None,
    budget: Budget | None = None,
    audience: Audience,
    command: Sequence[str] = (),
) -> Study:
    """Train several seeds of a recipe together, judge each, and leave a folder: recipe.json, study.json, samples.png.

    recipe: resolved; its own seed is not used. seeds: different ones. to: an empty or a new folder; absent for the next number in
    the folder of studies. With a time as the budget the horizon follows from the speed of all seeds together.
    Raises UsageError for a game that makes no samples from latents and for networks whose seeds cannot be told apart, DivergedError where
    the numbers of every seed become not finite.
    """
    dataset, budget = dataset or reopened(recipe), budget or Budget()
    _check(seeds, Path(to) if to is not None else None)
    game = made_game(recipe, dataset)
    if not game.makes_samples or game.fit is not None:
        raise UsageError(f"recipe {recipe.name} makes no samples from noise alone, so there is nothing to compare", "Take another recipe")
    decided = _decided(recipe, game, dataset, seeds, budget, audience.say)
    threads = torch.get_num_threads()
    prepare_machine(decided.machine)
    try:
        together = Together.of(decided, seeds, dataset, made_game, Run(studies_base()))
        folder = _folder(recipe, Path(to) if to is not None else None)
        Run(folder).write_recipe(recipe)
        environment.record(
            Run(folder), command or sys.argv[1:], {**decided.machine.model_dump(mode="json"), "outside_code": find.trusted()}
        )
        audience.say(f"{recipe.name} on {Path(recipe.data.source).name}: {len(seeds)} seeds at once, study {folder}")
        note = " (the first step waits for that, some minutes where there are many seeds)" if decided.machine.compile == "on" else ""
        audience.say(f"{decided.machine.device}, {decided.machine.threads} threads, compile {decided.machine.compile}{note}")
        together.run(budget, audience)
        return _judged(together, dataset, folder, recipe)
    finally:
        torch.set_num_threads(threads)


def centres_of(source: str) -> Centres | None:
    """The mixture that a built-in or outside set of points is, if its file says so: MODES and DEVIATION."""
    if source not in find.names("data") and not find.is_outside(source):
        return None
    thing = find.load("data", source)
    modes, deviation = getattr(thing, "MODES", None), getattr(thing, "DEVIATION", None)
    if modes is None or deviation is None:
        return None
    return Centres(torch.as_tensor(modes, dtype=torch.float32), float(deviation))


def _check(seeds: Sequence[int], to: Path | None) -> None:
    if not 1 <= len(seeds) <= MOST_SEEDS:
        raise UsageError(f"{len(seeds)} seeds: expected 1 to {MOST_SEEDS} at once", "Write them as --seeds 0-9")
    if len(set(seeds)) < len(seeds):
        raise UsageError("a seed is given twice, and would give the same numbers twice", "Write them as --seeds 0-9")
    if to is not None and to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is there already", "Name a new or an empty folder")


def _folder(recipe: Recipe, to: Path | None) -> Path:
    if to is None:
        return numbered(studies_base(), f"{recipe.name}-{Path(recipe.data.source).name}")
    with disk_errors(to):
        to.mkdir(parents=True, exist_ok=True)
    return to


def _decided(recipe: Recipe, game: Game, dataset: Dataset, seeds: Sequence[int], budget: Budget, say: Callable[[str], None]) -> Recipe:
    """The recipe with its machine settled, for as much work as all seeds are."""
    tried = trial.of_several(Run(studies_base()), recipe, dataset, seeds, made_game)
    machine = decide_machine(recipe, game, most_steps(recipe, game, budget), budget.seconds, tried, len(seeds), say)
    return recipe.model_copy(update={"machine": machine})


def _judged(together: Together, dataset: Dataset, folder: Path, recipe: Recipe) -> Study:
    """Figures and picture of what was trained."""
    train, test = real(dataset, False, 3 * SAMPLES, 0), real(dataset, True, SAMPLES, 0)
    assert train is not None  # there is always a training split
    kind, centres = together.sessions[0].game.kind, centres_of(recipe.data.source)
    truth = kind.to_arrays(train)
    against = kind.to_arrays(train[:SAMPLES] if test is None else test)
    floor = sliced_wasserstein(truth[-len(against) :], against)
    found, made, headings = [], [], []
    for session in together.sessions:
        seed = session.recipe.seed
        lost = together.lost.get(seed)
        if lost is not None:
            found.append(Seeded(seed, lost, None, None))
            continue
        samples = kind.decode(_samples(session))
        modes = None if centres is None else mixture_modes(torch.from_numpy(samples), centres.centres, centres.deviation)
        distance = Figure(sliced_wasserstein(samples, against), floor=floor)
        found.append(Seeded(seed, None, modes, distance))
        made.append(samples)
        headings.append(f"seed {seed}" if modes is None else f"seed {seed}: {modes.modes} of {modes.of}, {modes.high_quality:.0%}")
    study = Study(folder, recipe, tuple(found), together.step, together.images, together.horizon, together.seconds)
    if made:
        write_png(kind.side_by_side(made, headings, truth[:SAMPLES]), folder / "samples.png", Mark(composite=kind.name == "points"))
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    write_text(folder / "study.json", safe_json.dumps({"schema_version": SCHEMA_VERSION, "time": when, **study.as_dict()}))
    return study


def _samples(session: Session) -> torch.Tensor:
    """Samples of a seed, from the latents that the figures of its run would be taken with (training/finishing.py)."""
    game, recipe = session.game, session.recipe
    device = recipe.machine.device
    z = sample_latents(game.latent.distribution, recipe.latent.size, recipe.seed + 1, range(SAMPLES)).to(device)
    label = torch.arange(SAMPLES, device=device) % game.classes if game.classes else None
    with torch.no_grad():
        samples: torch.Tensor = game.sample(sampled(game.actors, session.state), z, label, Batch(z, label, torch.zeros(SAMPLES)))
    return samples.cpu()
