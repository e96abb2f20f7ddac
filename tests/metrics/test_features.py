"""Where a feature network is chosen: each by its name, all with one face."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mulligan.data.opening import built_in, judge_for
from mulligan.errors import UsageError
from mulligan.metrics.features import NAMES, features
from mulligan.metrics.random_network import PUBLISHED as RANDOM
from mulligan.recipe import Data
from mulligan.recipes.points import BUILT_IN

IMAGES = ("digits", "fashion", "random")


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(("channels", "shape"), [(1, (28, 28)), (3, (32, 32, 3))])
def test_networks_give_rows_at_two_depths(name: str, channels: int, shape: tuple[int, ...]) -> None:
    chosen = features(name, channels)
    depths = chosen.extract(images(5, *shape))
    assert list(depths) == ["late", "early"]
    assert all(rows.shape[0] == 5 and rows.shape[1] <= 256 and rows.dtype == torch.float32 for rows in depths.values())
    assert chosen.name == name
    assert len(chosen.hash) == 64


@pytest.mark.parametrize("name", ["digits", "fashion"])
def test_judges_know_classes(name: str) -> None:
    chosen = features(name)
    given = images(5, 28, 28)
    logits = chosen.classify(given)
    assert logits is not None
    assert logits.shape == (5, chosen.classes) == (5, 10)
    assert chosen.head is not None
    assert torch.equal(logits, chosen.head(chosen.extract(given)["late"]))


def test_the_random_network_knows_none_and_differs_by_channels() -> None:
    grey, colour = features("random", 1), features("random", 3)
    assert (grey.hash, colour.hash) == (RANDOM[1], RANDOM[3])
    assert grey.classify(images(2, 28, 28)) is None
    assert grey.classes == 0


def test_coordinates_are_the_samples_themselves() -> None:
    chosen = features("coordinates")
    points = torch.randn(7, 2)
    assert torch.equal(chosen.extract(points)["late"], points)
    assert chosen.hash == ""
    assert chosen.classify(points) is None


def test_each_has_a_hash_of_its_own() -> None:
    assert len({features(name).hash for name in IMAGES}) == len(IMAGES)


def test_unknown_features_are_told_with_what_there_is() -> None:
    with pytest.raises(UsageError, match="Did you mean fashion"):
        features("fashoin")


def test_without_its_extra_or_its_weights_inception_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch-fidelity is no dependency of the tests; where somebody has installed it, it is the weights that are missing."""
    monkeypatch.setenv("MULLIGAN_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r'Install "mulligan\[inception\]"') as caught:
        features("inception")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", built_in())
def test_built_in_data_name_features_that_there_are(name: str) -> None:
    kind = "points" if name in BUILT_IN else "image"
    chosen = judge_for(Data(source=name, kind=kind))
    assert chosen in NAMES
    assert (chosen == "coordinates") == (kind == "points")


def test_data_of_ones_own_are_judged_by_what_was_trained_on_nothing(tmp_path) -> None:
    assert judge_for(Data(source=str(tmp_path), kind="image")) == "random"
