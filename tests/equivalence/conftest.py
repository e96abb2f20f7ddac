"""Small runs of every recipe: narrow networks on a few digits, or on endless points."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data, Network, Recipe
from mulligan.resolve import resolve
from mulligan.testing.games import EAGER

BATCH, STEPS = 8, 15
IMAGES = 60  # an epoch is seven batches and a half
SETTINGS = (f"batch={BATCH}", f"horizon={BATCH * STEPS}", "keeping.reports=1", *EAGER)


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
    """small(recipe, *settings): the recipe with narrow networks, on a few digits or on endless points; 15 steps of 8."""

    def make(name: str, *settings: str) -> tuple[Recipe, Dataset]:
        source = "parabola" if name == "points" else str(few_digits)
        recipe, dataset = resolve(source, name, [*SETTINGS, *settings])
        players = {player: known.model_copy(update={"network": narrow(known.network)}) for player, known in recipe.players.items()}
        return recipe.model_copy(update={"players": players}), dataset

    return make
