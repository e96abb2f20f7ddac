"""The runs that the doctor is measured on: healthy ones of many recipes, and the same with a fault; their histories as files."""

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from breaking import FAULTS, Fault

from mulligan import Doctor
from mulligan.data.dataset import Dataset, Endless
from mulligan.errors import DivergedError
from mulligan.layers.critique import reduce_logits
from mulligan.randomness import numpy_generator, sample_latents
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import history
from mulligan.runs.folder import Run
from mulligan.training.budget import Budget
from mulligan.training.game import Batch
from mulligan.training.loop import Loop
from mulligan.training.machine import prepare_machine
from mulligan.training.observing import Observer
from mulligan.training.session import Session
from mulligan.training.state import sampled
from mulligan.training.together import Together
from mulligan.verbs import Quiet, made_game

IMAGE_STEPS, IMAGE_BATCH = 1500, 64
POINT_STEPS, POINT_BATCH, POINT_SEEDS, PROBES = 1500, 64, 8, 40  # seeds: of one group
# A tenth of the length of `modern` for points: it begins nearer to the data, with fewer components to place.
SHORT = (
    "gamma=0.05",
    "penalties.zero-centred-real.final=5e-4",
    "penalties.zero-centred-fake.final=5e-4",
    "generator.network.components=128",
)
POINT_GROUPS = 5  # of healthy seeds, for each recipe and data set
MACHINE = ("machine.device=cpu", "machine.threads=1", "machine.compile=off", "machine.precision=float32")

# Healthy runs: recipes that differ in loss, penalty, normalisation and networks. Broken ones start from the first two of each list.
IMAGES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "digits": (
        ("modern", ("size=small",)),
        (
            "modern",
            (
                "size=small",
                "loss.name=non-saturating",
            ),
        ),
        ("shallow-deeper", ()),
        (
            "modern",
            (
                "size=small",
                "loss.name=least-squares",
            ),
        ),
        (
            "modern",
            (
                "size=small",
                "loss.name=hinge",
            ),
        ),
        ("modern", ()),
    ),
    "fashion": (
        ("modern", ("size=small",)),
        (
            "modern",
            (
                "size=small",
                "loss.name=least-squares",
            ),
        ),
        (
            "modern",
            (
                "size=small",
                "loss.name=non-saturating",
            ),
        ),
        (
            "modern",
            (
                "size=small",
                "loss.name=hinge",
            ),
        ),
        ("modern", ()),
        ("shallow-deeper", ()),
    ),
}
REPAIRED = IMAGES["fashion"][1:2]  # remedies were chosen with the first recipe of digits and fashion in view
POINTS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "ring": (("modern", ()), ("modern", ("loss.name=non-saturating",))),
    "grid": (("modern", ()),),
    "parabola": (("modern", ()), ("modern", ("loss.name=hinge",))),
}


@dataclass(frozen=True)
class Case:
    """One run, or for points one group of seeds from `POINT_SEEDS * seed` on: what is trained, and how it is broken."""

    kind: str  # images, points, repair (images with repair=on), unrepaired (the same without)
    data: str
    recipe: str
    settings: tuple[str, ...]
    seed: int
    fault: Fault | None = None
    strength: float = 0.0

    @property
    def name(self) -> str:
        """The file of its record."""
        what = "healthy" if self.fault is None else f"{self.fault.name}-{self.strength:g}"
        own = "-".join(setting.rpartition("=")[2] for setting in self.settings)
        return "_".join(filter(None, (self.kind, self.data, self.recipe, own, what, str(self.seed)))).replace(" ", "-")


def cases(kinds: Sequence[str]) -> Iterator[Case]:
    """Every case, healthy and broken ones in turn, so that a suite that is broken off is still balanced."""
    if "images" in kinds:
        healthy = [Case("images", data, recipe, own, seed) for seed in range(3) for data, known in IMAGES.items() for recipe, own in known]
        yield from _in_turn(healthy, list(_broken("images", IMAGES, 2)))
    if "points" in kinds:
        known = {data: recipes[:1] for data, recipes in POINTS.items()}
        yield from _in_turn(
            [
                Case("points", data, recipe, own, seed)
                for seed in range(POINT_GROUPS)
                for data, more in POINTS.items()
                for recipe, own in more
            ],
            [case for place, case in enumerate(_broken("points", known, 1)) if place < len(_strengths("points"))],
        )
    if "repair" in kinds:
        for case in _broken("images", {"fashion": REPAIRED}, 1):
            if _is_repairable(case):
                yield from (replace(case, kind="unrepaired"), replace(case, kind="repair"))


def _in_turn(some: Sequence[Case], others: Sequence[Case]) -> Iterator[Case]:
    for place in range(max(len(some), len(others))):
        yield from (*some[place : place + 1], *others[place : place + 1])


def _strengths(kind: str) -> list[tuple[Fault, float]]:
    return [(fault, strength) for fault in FAULTS if kind == "images" or not fault.images_only for strength in fault.strengths]


def _broken(kind: str, known: dict[str, tuple[tuple[str, tuple[str, ...]], ...]], bases: int) -> Iterator[Case]:
    """Every fault at every strength on one set of data, the sets in turn; then on another, until each has had each."""
    sets = list(known)
    for turn in range(len(sets)):
        for place, (fault, strength) in enumerate(_strengths(kind)):
            which = (place + turn) % len(sets)
            recipe, own = known[sets[which]][(which + fault.strengths.index(strength)) % min(bases, len(known[sets[which]]))]
            yield Case(kind, sets[which], recipe, own, 0, fault, strength)


def _is_repairable(case: Case) -> bool:
    """Whether what is broken is a setting: what is done again before each step no remedy can undo."""
    return case.fault is not None and case.fault.act is None


def record(folder: Path, kinds: Sequence[str]) -> None:
    """Train what has no record yet."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for case in cases(kinds):
        file = folder / f"{case.name}.json"
        if file.exists():
            continue
        print(case.name, file=sys.stderr, flush=True)
        file.with_suffix(".part").write_text(json.dumps(record_of(case)))
        file.with_suffix(".part").replace(file)


def record_of(case: Case) -> dict[str, Any]:
    """Train one case: what it was, and the history of every seed."""
    runs = _points(case) if case.kind == "points" else [_image(case)]
    facts = {
        "fault": case.fault.name if case.fault else None,
        "strength": case.strength,
        "onset": case.fault.onset if case.fault else 0,
    }
    return {**facts, "kind": case.kind, "data": case.data, "recipe": case.recipe, "runs": runs}


def _resolved(case: Case) -> tuple[Recipe, Dataset]:
    steps, batch = (POINT_STEPS, POINT_BATCH) if case.kind == "points" else (IMAGE_STEPS, IMAGE_BATCH)
    fixed = [f"batch={batch}", f"horizon={steps * batch}", f"keeping.reports={PROBES}", *MACHINE, *(SHORT if case.kind == "points" else ())]
    repair = ["repair=on"] if case.kind == "repair" else []
    recipe, dataset = resolve(case.data, case.recipe, [*fixed, *case.settings, *repair], case.seed)
    if case.fault is not None:
        broken = [f"{key}={value}" for key, value in case.fault.settings(recipe, case.strength).items()]
        recipe, dataset = resolve(case.data, case.recipe, [*fixed, *case.settings, *broken, *repair], case.seed)
    prepare_machine(recipe.machine)
    return recipe, dataset


class _BrokenLoop(Loop):
    """A loop whose session is broken before each step, from the fault's onset on."""

    case: Case

    def _step(self) -> None:
        fault = self.case.fault
        if fault is not None and fault.act is not None and self.session.images >= fault.onset * self.session.controls.horizon:
            fault.act(self.session, self.case.strength)
        super()._step()


def _image(case: Case) -> dict[str, Any]:
    """One run of images: its lines, and whether training itself gave up."""
    recipe, dataset = _resolved(case)
    if case.fault is not None and case.fault.change is not None:
        dataset = case.fault.change(dataset, case.strength)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run").prepare()
        session = Session(run, recipe, dataset, made_game(recipe, dataset))
        session.save()
        loop = _BrokenLoop(session, Budget(), Quiet(), Observer(session))
        loop.case = case
        given_up = None
        try:
            loop.run()
        except DivergedError:
            given_up = session.images / recipe.horizon
        return {"seed": case.seed, "lines": history.read(run), "given_up": given_up, "repairs": len(session.controls.repairs)}


def _points(case: Case) -> list[dict[str, Any]]:
    """Seeds of a small net that train together, each seen by a doctor of its own."""
    recipe, dataset = _resolved(case)
    with tempfile.TemporaryDirectory() as folder:
        seeds = range(POINT_SEEDS * case.seed, POINT_SEEDS * (case.seed + 1))
        together = Together.of(recipe, seeds, dataset, made_game, Run(Path(folder)))
        real = [_real(session, 4000, 0) for session in together.sessions]
        doctors = [Doctor(rows.numpy(), horizon=recipe.horizon) for rows in real]
        for step in range(POINT_STEPS + 1):
            if step % (POINT_STEPS // PROBES) == 0:
                for session, doctor, rows in zip(together.sessions, doctors, real, strict=True):
                    _observe(session, doctor, rows)
            for session in together.sessions:
                fault = case.fault
                if fault is not None and fault.act is not None and session.images >= fault.onset * recipe.horizon:
                    fault.act(session, case.strength)
            if len(together.lost) < len(together.sessions):
                try:
                    together.once()
                except DivergedError:
                    break
        lost = {seed: step / POINT_STEPS for seed, step in together.lost.items()}
        return [
            {"seed": session.recipe.seed, "lines": doctor.lines, "given_up": lost.get(session.recipe.seed), "repairs": 0}
            for session, doctor in zip(together.sessions, doctors, strict=True)
        ]


def _real(session: Session, count: int, stream: int) -> torch.Tensor:
    split = session.dataset.train  # not the source, which a fault may have narrowed
    assert isinstance(split, Endless)
    return torch.from_numpy(split.draw(count, numpy_generator(session.recipe.seed, "doctor", stream)))


def _observe(session: Session, doctor: Doctor, rows: torch.Tensor) -> None:
    cast = sampled(session.game.actors, session.state)
    draw, kind = session.game.latent, session.game.kind
    z = sample_latents(draw.distribution, draw.shape[0], session.recipe.seed + 1, range(1000))
    with torch.no_grad():
        made = session.game.sample(cast, z, None, Batch(rows, None, torch.zeros(len(rows))))
        said = [reduce_logits(cast("discriminator", part, None, inference=True).logits) for part in (kind.encode(rows[:1000]), made)]
    finite = bool(made.isfinite().all())
    doctor.observe(session.images, kind.decode(made) if finite else made.numpy(), d_real=said[0], d_fake=said[1])
