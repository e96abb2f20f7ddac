"""Augmentations for sets of so many images: there where they help, and fit for a recipe."""

import pytest

from mulligan.data.opening import open_dataset
from mulligan.recipe import Data
from mulligan.recipes.modern import modern
from mulligan.recipes.small_data import augmentations_for
from mulligan.tasks.view import View
from mulligan.training.adapting import withheld


def images(count: int | None, channels: int = 1) -> Data:
    return Data(source="mine", kind="image", shape=(channels, 28, 28), count=count)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (images(100), ("translation", "cutout")),
        (images(2000, channels=3), ("translation", "cutout", "colour")),
        (images(8000), ()),
        (images(39), ()),
        (images(None), ()),
        (Data(source="mine", kind="points", shape=(2,), count=100), ()),
    ],
)
def test_which_for_which_data(data: Data, names: tuple[str, ...]) -> None:
    found = augmentations_for(data)
    assert tuple(found) == names
    assert all(each.adaptive and each.weight == 1 for each in found.values())


@pytest.mark.parametrize("limit", [40, 4999])
def test_a_recipe_can_be_played_with_them(limit: int) -> None:
    """From the fewest images to the most: some are withheld, and all augmentations fit."""
    dataset = open_dataset(Data(source="digits", limit=limit))
    recipe = modern(dataset.data).model_copy(update={"augmentations": augmentations_for(dataset.data)})
    assert tuple(View.of(recipe).augmentations) == ("translation", "cutout")
    places = withheld(recipe, dataset.train)
    assert places is not None
    assert 4 <= len(places) <= 256
