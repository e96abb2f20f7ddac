"""F21: games that are forced into a fault, in real small trainings; the doctor names each, and shows it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mulligan import find, verbs
from mulligan.data.dataset import Split
from mulligan.data.opening import open_dataset
from mulligan.marks import read_mark
from mulligan.recipe import Data
from mulligan.resolve import resolve
from mulligan.runs.folder import Run
from mulligan.testing.games import EAGER
from mulligan.verbs import Outcome

SMALL = ("data.size=8", "generator.network.widths=[64,64]", "discriminator.network.widths=[64,64]", "keeping.reports=8", *EAGER)
FREE = ("penalties={}",)
SATURATED = ("generator.optimiser.rate=1e-6", "discriminator.optimiser.rate=1e-3", "horizon=6400", *FREE)
COLLAPSED = ("batch=20", "horizon=8000", "generator.optimiser.rate=2e-3")


MEMORISING = ("batch=20", "horizon=12000", "generator.optimiser.rate=2e-3")
GAME = """
import torch

from mulligan.training.game import Draw, Game, Show, Told, Turn
from mulligan.training.state import actor, build


def game(recipe, kind):
    player = recipe.players["generator"]
    actors = {"generator": actor(build(player.network, recipe.signature(), recipe.seed, "generator"), player)}

    def to_the_nearest(cast, batch, drawn, knobs):
        real, made = kind.encode(batch.target).flatten(1), cast("generator", drawn["z"], None).flatten(1)
        distances = (real[:, None] - made).square().mean(2)
        return Told({"generator.loss": AIM}, {})

    def sample(cast, z, label, record):
        return cast("generator", z, label, inference=True)

    def show(cast, z, label, record):
        return Show(("samples",), (sample(cast, z, label, record),))

    latent = Draw("normal", (recipe.latent.size,))
    turn = Turn("generator", ("generator",), to_the_nearest, reads=True, draws={"z": latent})
    return Game(kind=kind, actors=actors, turns=(turn,), sample=sample, show=show, latent=latent)
"""


TO_ALL, TO_ONE = "distances.amin(0) + distances.amin(1)", "(made - real.mean(0)).square().mean(1)"


def task(tmp_path: Path, aim: str) -> str:
    """A game of one turn, in which samples are drawn to training images."""
    file = tmp_path / "drawn.py"
    file.write_text(GAME.replace("AIM", aim))
    find.trust(f"{file}:drawn")
    return f"task={file}:drawn"


@pytest.fixture
def some(tmp_path: Path) -> Callable[..., str]:
    """some(count, blank=n): an array of so many digits, each n-th of them blank."""

    def make(count: int, blank: int = 0) -> str:
        digits = open_dataset(Data(source="digits"))
        assert isinstance(digits.train, Split)
        images = digits.train.target[:count, 0].copy()
        if blank:
            images[::blank] = 0
        np.savez(tmp_path / "some.npz", images=images)
        return str(tmp_path / "some.npz")

    return make


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., tuple[str, Run]]:
    """told(data, recipe, *settings): the verdict on a training, and its run."""

    def run(source: str, recipe: str, *settings: str) -> tuple[str, Run]:
        done: Outcome = verbs.train(*resolve(source, recipe, [*SMALL, *settings]), run=tmp_path / "run")
        folder = Run(done.run)
        said = json.loads(folder.diagnosis_file.read_text())
        assert verbs.diagnose(folder.path).verdict == said["verdict"]
        return said["verdict"], folder

    return run


def check_shown(run: Run, pairs: bool) -> None:
    """The picture is there, in the report too; where samples are in it, it says that they are synthetic."""
    mark = read_mark(run.diagnosis_picture)
    assert (mark is not None and mark["composite"]) == pairs
    assert "What the doctor found" in run.report_file.read_text(encoding="utf-8")


def test_f21_a_saturated_discriminator(told: Callable[..., tuple[str, Run]], some: Callable[..., str]) -> None:
    verdict, run = told(some(400), "shallow-deeper", *SATURATED)
    assert verdict == "discriminator-wins"
    check_shown(run, pairs=False)


def test_f21_a_generator_collapsed_to_one_image(told: Callable[..., tuple[str, Run]], some: Callable[..., str], tmp_path: Path) -> None:
    """Every sample is drawn to the mean of the data."""
    verdict, run = told(some(400), "shallow", task(tmp_path, TO_ONE), *COLLAPSED)
    assert verdict == "mode-collapse"
    check_shown(run, pairs=True)


def test_f21_a_model_that_memorises_twenty_images(told: Callable[..., tuple[str, Run]], some: Callable[..., str], tmp_path: Path) -> None:
    """Every sample is drawn to the training image that is nearest to it, and every image draws its nearest sample."""
    verdict, run = told(some(20), "shallow", task(tmp_path, TO_ALL), *MEMORISING)
    assert verdict == "memorising"
    check_shown(run, pairs=True)


def test_f21_a_discriminator_that_teaches_nothing(told: Callable[..., tuple[str, Run]], some: Callable[..., str]) -> None:
    verdict, run = told(some(400), "shallow-deeper", "discriminator.optimiser.rate=1e-7", "horizon=6400")
    assert verdict == "generator-wins"
    check_shown(run, pairs=False)


def test_f21_blank_data(told: Callable[..., tuple[str, Run]], some: Callable[..., str]) -> None:
    assert told(some(300, blank=4), "shallow", "horizon=640")[0] == "bad-data"
