"""Recipes are what was published: sizes, orders, lengths."""

import pytest

from mulligan import find
from mulligan.data.dataset import Dataset
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data, Recipe
from mulligan.resolve import recipe_function, resolve
from mulligan.training.game import Game
from mulligan.training.state import count
from mulligan.verbs import made_game

PUBLISHED = {  # trainable weights of G and D, from the texts
    "dense-dropout": (1_486_352, 1_460_225),
    "shallow": (227_344, 83_601),
    "shallow-conditional": (229_904, 84_601),
    "dense-batchnorm": (1_489_936, 533_505),
    "points": (122, 101),
    "dense-smooth": (114_800, 110_849),
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return open_dataset(Data(source="digits"))


def made(name: str, dataset: Dataset) -> tuple[Recipe, Game]:
    recipe = recipe_function(name)(dataset.data)
    return recipe, made_game(recipe, dataset)


def parameters(game: Game) -> tuple[int, int]:
    return count(game.actors["generator"]), count(game.actors["discriminator"])


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name: str, digits: Dataset) -> None:
    _, game = made(name, open_dataset(Data(source="parabola")) if name == "points" else digits)
    assert parameters(game) == PUBLISHED[name]


def test_points_follow_the_columns() -> None:
    for columns in (2, 3, 7):
        recipe = recipe_function("points")(Data(source="table.csv", kind="points", shape=(columns,)))
        assert recipe.scaling == "standard"
        signature = recipe.signature()
        networks = [recipe.players[name].network.build(signature) for name in ("generator", "discriminator")]
        sizes = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
        assert sizes == [5 * 15 + 15 + 15 * columns + columns, columns * 25 + 25 + 25 + 1]


def test_moving_statistics_are_beside_the_trainable(digits: Dataset) -> None:
    """The published total of `dense-batchnorm`, 1,493,520, counts both."""
    _, game = made("dense-batchnorm", digits)
    moving = sum(tensor.numel() for tensor in game.actors["generator"].buffers.values())
    assert moving == 3_584
    assert count(game.actors["generator"]) + moving == 1_493_520


def test_deeper_generator(digits: Dataset) -> None:
    """100-60-120-784, as chosen, and the D of `shallow`."""
    recipe, game = made("shallow-deeper", digits)
    assert recipe.players["generator"].network.model_dump()["widths"] == (60, 120)
    assert parameters(game) == (100 * 60 + 60 + 60 * 120 + 120 + 120 * 784 + 784, 83_601)


def test_autoencoder_sizes(digits: Dataset) -> None:
    """784-256-32-256-784."""
    _, game = made("autoencoder", digits)
    assert count(game.actors["encoder"]) == 784 * 256 + 256 + 256 * 32 + 32
    assert count(game.actors["generator"]) == 32 * 256 + 256 + 256 * 784 + 784
    assert "discriminator" not in game.actors


@pytest.mark.parametrize(
    ("name", "turns"),
    [
        ("dense-dropout", ["discriminator.real", "discriminator.fake", "generator"]),
        ("shallow", ["discriminator.real", "discriminator.fake", "generator"]),
        ("shallow-conditional", ["discriminator.real", "discriminator.fake", "generator"]),
        ("dense-batchnorm", ["discriminator", "generator"]),
        ("dense-smooth", ["discriminator", "generator"]),
        ("modern", ["discriminator", "generator"]),
        ("autoencoder", ["reconstruct"]),
    ],
)
def test_published_turns(name: str, turns: list[str], digits: Dataset) -> None:
    _, game = made(name, digits)
    assert [turn.name for turn in game.turns] == turns


def test_published_lengths(digits: Dataset) -> None:
    lengths = {name: made(name, digits)[0] for name in ("dense-dropout", "shallow", "dense-batchnorm", "dense-smooth")}
    assert {name: recipe.horizon // recipe.batch for name, recipe in lengths.items() if name.endswith(("dropout", "norm"))} == {
        "dense-dropout": 18_740,
        "dense-batchnorm": 15_000,
    }
    assert lengths["shallow"].horizon == 30 * 60_000
    assert lengths["dense-smooth"].horizon == 100 * 60_000
    assert lengths["dense-dropout"].order.how == "replacement"
    assert lengths["dense-smooth"].order.short_batch
    assert lengths["dense-smooth"].latent.distribution == "uniform"
    assert lengths["dense-smooth"].loss.smoothing == 0.1


def test_dropout_of_both_is_active_when_g_makes_fakes(digits: Dataset) -> None:
    """In `dense-smooth`; in `dense-dropout`, fakes for D are made in inference mode."""
    assert made("dense-smooth", digits)[0].turns.fakes == "training"
    assert made("dense-dropout", digits)[0].turns.fakes == "inference"


@pytest.mark.parametrize("name", find.names("recipes"))
def test_says_where_it_comes_from(name: str) -> None:
    """Each file names its data, and its function says what is chosen here, where something is."""
    assert find.load("recipes", name).DATA in find.names("data")
    assert len((recipe_function(name).__doc__ or "").split()) > 10


def test_fast_follows_kind_size_and_labels(digits: Dataset) -> None:
    """Strided convolutions for square images, dense nets for others; labels where a class has enough samples."""
    of = recipe_function("fast")
    small = made("fast", digits)[0]
    large = of(Data(source="x", kind="image", shape=(3, 64, 64), count=1000))
    wide = of(Data(source="x", kind="image", shape=(1, 8, 12), count=1000))
    points = of(Data(source="x", kind="points", shape=(3,)))
    assert [recipe.players["generator"].network.name for recipe in (small, large, wide, points)] == ["strided", "strided", "mlp", "mlp"]
    assert {recipe.name for recipe in (small, large, wide, points)} == {"fast"}
    assert points.scaling == "standard"
    weights = [recipe.penalties["zero-centred-real"].weight for recipe in (small, large)]
    assert weights[1] / weights[0] == pytest.approx(3 * 64 * 64 / 28**2, rel=0.01)
    assert small.conditional
    assert not large.conditional
    classes = ("cat", "dog")
    assert [of(Data(source="x", kind="image", shape=(1, 8, 8), count=count, classes=classes)).conditional for count in (99, 100)] == [
        False,
        True,
    ]


def test_arguments_of_a_recipe_are_keys() -> None:
    recipe, _ = resolve("digits", "modern", ["gamma=3", "network=conv"])
    assert recipe.penalties["zero-centred-real"].weight == 3
    assert recipe.players["generator"].network.name == "conv"
    assert resolve("digits", "autoencoder", ["codes=7"])[0].latent.size == 7
