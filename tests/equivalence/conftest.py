"""Small runs on disk of every recipe, in a few pieces or in one, and all that they leave behind."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data, Network, Recipe
from mulligan.resolve import resolve
from mulligan.runs import checkpoints, history
from mulligan.runs.folder import Run
from mulligan.testing.games import EAGER
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop
from mulligan.training.observing import Observer
from mulligan.verbs import Quiet, new_session

BATCH, STEPS = 8, 15
IMAGES = 60  # an epoch is seven batches and a half
SETTINGS = (f"batch={BATCH}", f"horizon={BATCH * STEPS}", "keeping.reports=1", *EAGER)


@dataclass(frozen=True)
class Left:
    """What a run left behind, without its clock."""

    groups: dict[str, dict[str, torch.Tensor]]
    facts: dict[str, Any]
    history: list[dict[str, Any]]
    samples: dict[str, bytes]

    def demand_equal(self, other: "Left") -> None:
        """Equal bit by bit."""
        assert self.facts == other.facts
        assert self.history == other.history
        assert self.samples == other.samples
        assert self.groups.keys() == other.groups.keys()
        for player, tensors in self.groups.items():
            assert tensors.keys() == other.groups[player].keys()
            for name, tensor in tensors.items():
                assert torch.equal(tensor, other.groups[player][name]), f"{player} {name}"


def narrow(network: Network) -> Network:
    """The same network with all that it has, and few channels."""
    settings = network.model_dump()
    fewer: dict[str, Any] = {"widths": (8,) * len(settings["widths"])} if "widths" in settings else {"width": 2}
    return network.model_copy(update=fewer)


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An array of a few digits with their labels."""
    split = open_dataset(Data(source="digits")).train
    assert isinstance(split, Split)
    assert split.label is not None
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(path, images=split.target[:IMAGES, 0], labels=split.label[:IMAGES])
    return path


@pytest.fixture
def small(few_digits: Path) -> Callable[..., tuple[Recipe, Dataset]]:
    """small(recipe, *settings): the recipe with narrow networks, on a few digits or on endless points."""

    def make(name: str, *settings: str) -> tuple[Recipe, Dataset]:
        source = "parabola" if name == "points" else str(few_digits)
        recipe, dataset = resolve(source, name, [*SETTINGS, *settings])
        players = {player: known.model_copy(update={"network": narrow(known.network)}) for player, known in recipe.players.items()}
        return recipe.model_copy(update={"players": players}), dataset

    return make


@pytest.fixture
def train_in_pieces() -> Callable[..., Left]:
    """train_in_pieces(folder, recipe, dataset, *stops) -> Left."""
    return trained


@pytest.fixture
def what_is_left() -> Callable[[Run], Left]:
    """what_is_left(run) -> Left."""
    return left


def trained(folder: Path, recipe: Recipe, dataset: Dataset, *stops: int | None) -> Left:
    """Train in pieces, each of which is read from disk as a new process would do, up to these steps (None: to the end)."""
    run = Run(folder).prepare()
    for stop in stops:
        session = new_session(run, recipe, dataset)
        checkpoint = checkpoints.newest(run)
        if checkpoint is None:
            session.save()
        else:
            session.restore(checkpoint)
            history.cut(run, checkpoint.step)
        Loop(session, Budget(steps=stop), Quiet(), Observer(session)).run()
    return left(run)


def left(run: Run) -> Left:
    """What a run left."""
    newest = checkpoints.newest(run)
    assert newest is not None
    lines = history.read(run)
    return Left(
        groups=newest.groups,
        facts={name: value for name, value in newest.facts.items() if name != "seconds"},
        history=[{name: json.dumps(value) for name, value in line.items() if name != "seconds"} for line in lines],
        samples={path.name: path.read_bytes() for path in sorted(run.samples.iterdir())},
    )
