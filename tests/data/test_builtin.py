import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mulligan.data import fashion, grid, moons, parabola, ring, spiral
from mulligan.data.dataset import Dataset, Endless, Split
from mulligan.data.opening import built_in, open_dataset
from mulligan.errors import DataError, UsageError
from mulligan.recipe import Data


def split(dataset: Dataset) -> tuple[Split, Split]:
    assert isinstance(dataset.train, Split)
    assert isinstance(dataset.test, Split)
    return dataset.train, dataset.test


def test_digits_are_the_published_ones_split_by_position() -> None:
    dataset = open_dataset(Data(source="digits"))
    train, test = split(dataset)
    assert train.target.shape == (8000, 1, 28, 28)
    assert test.target.shape == (2000, 1, 28, 28)
    assert train.target.dtype == np.uint8
    assert train.label is not None
    assert test.label is not None
    assert np.bincount(np.concatenate([train.label, test.label]), minlength=10).min() > 800
    assert dataset.data.kind == "image"
    assert dataset.data.classes == tuple("0123456789")
    assert (dataset.data.size, dataset.data.colour, dataset.data.count) == (28, "grey", 8000)
    assert dataset.licence == "CC BY-SA 3.0"


def test_digits_can_be_resized_coloured_and_stripped_of_labels() -> None:
    dataset = open_dataset(Data(source="digits", size=16, colour="rgb", labels=False))
    train, _ = split(dataset)
    assert train.target.shape == (8000, 3, 16, 16)
    assert train.label is None
    assert dataset.data.classes == ()
    plain, _ = split(open_dataset(Data(source="digits")))
    assert abs(float(train.target[:100].mean()) - float(plain.target[:100].mean())) < 1.5  # antialiased, so brightness stays


@pytest.mark.parametrize("name", ["digits", "ring"])
def test_opening_what_was_found_gives_the_same(name: str) -> None:
    found = open_dataset(Data(source=name)).data
    assert open_dataset(found).data == found


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No network, and nothing in the places that belong to the user."""
    monkeypatch.setenv("MULLIGAN_OFFLINE", "1")
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path))
    monkeypatch.delenv("MULLIGAN_DATA", raising=False)
    return tmp_path


def test_the_error_names_where_fashion_was_looked_for(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion, "ORIGINAL", replace(fashion.ORIGINAL, folders=(str(nowhere / "debian"),)))
    with pytest.raises(DataError, match=rf"{nowhere / 'debian'}: not there; .*MULLIGAN_OFFLINE"):
        open_dataset(Data(source="fashion"))


@pytest.mark.skipif(
    not (Path(fashion.ORIGINAL.folders[0]).is_dir() or "MULLIGAN_TEST_PACKAGES" in os.environ),
    reason="Debian's package dataset-fashion-mnist is not installed",
)
def test_fashion_is_the_original(nowhere: Path) -> None:
    dataset = open_dataset(Data(source="fashion"))
    train, test = split(dataset)
    assert train.target.shape == (60000, 1, 28, 28)
    assert test.target.shape == (10000, 1, 28, 28)
    assert train.label is not None
    assert np.bincount(train.label).tolist() == [6000] * 10
    assert [dataset.data.classes[label] for label in train.label[:2]] == ["Ankle boot", "T-shirt/top"]
    assert train.target.mean() == pytest.approx(72.94, abs=0.01)
    assert train.target.flags.writeable


@pytest.mark.parametrize("source", [ring, grid])
def test_mixtures_have_their_modes_and_widths(source: ModuleType) -> None:
    points = source.draw(20000, np.random.default_rng(0))
    assert points.shape == (20000, 2)
    assert points.dtype == np.float32
    distances = np.linalg.norm(points[:, None] - source.MODES, axis=-1)
    nearest = distances.argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(source.MODES))
    assert counts.min() > 0.8 * 20000 / len(source.MODES)
    offsets = points - source.MODES[nearest]
    assert offsets.std() == pytest.approx(source.DEVIATION, rel=0.02)


def test_ring_has_radius_one_and_grid_its_25_places() -> None:
    assert np.allclose(np.linalg.norm(ring.MODES, axis=1), 1)
    assert len(ring.MODES) == 8
    assert ring.DEVIATION == 0.01
    assert sorted({x for x, _ in grid.MODES.tolist()}) == [-4, -2, 0, 2, 4]
    assert len({tuple(mode) for mode in grid.MODES.tolist()}) == 25
    assert grid.DEVIATION == 0.05


def test_parabola_is_one() -> None:
    points = parabola.draw(1000, np.random.default_rng(0))
    assert np.abs(points[:, 0]).max() <= 0.5
    assert np.allclose(points[:, 1], points[:, 0] ** 2)


def test_spiral_lies_evenly_along_its_turns() -> None:
    points = spiral.draw(20000, np.random.default_rng(0)).astype(np.float64)
    radius = np.linalg.norm(points, axis=1)
    turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) % 1
    windings = spiral.NEAREST + (1 - spiral.NEAREST) * (turn + np.arange(2)[:, None]) / spiral.TURNS
    assert np.abs(radius - windings).min(axis=0).mean() < 1.5 * spiral.DEVIATION
    assert (radius**2).mean() == pytest.approx((1 + spiral.NEAREST**2) / 2, abs=0.01)  # as many on each part of its length


def test_moons_are_two_of_equal_weight() -> None:
    points = moons.draw(20000, np.random.default_rng(0)).astype(np.float64)
    off = np.stack([np.abs(np.linalg.norm(points - centre, axis=1) - 1) for centre in (np.zeros(2), moons.LOWER)])
    assert off.min(axis=0).mean() < moons.DEVIATION
    assert (points[:, 1] > 0.25).mean() == pytest.approx(0.5, abs=0.02)  # by symmetry


def test_endless_sources_repeat_by_their_generator_alone() -> None:
    dataset = open_dataset(Data(source="grid"))
    assert isinstance(dataset.train, Endless)
    first, again, other = (dataset.train.draw(5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert dataset.data.count is None
    assert dataset.data.shape == (2,)
    assert dataset.data.columns == ("x", "y")


@pytest.mark.parametrize("request_", [Data(source="ring", size=32), Data(source="ring", colour="rgb")])
def test_points_refuse_what_is_for_images(request_: Data) -> None:
    with pytest.raises(DataError, match="neither size nor colour"):
        open_dataset(request_)


def test_built_in_names() -> None:
    assert set(built_in()) >= {"digits", "mnist", "fashion", "ring", "grid", "parabola", "spiral", "moons"}
    assert not {"folder", "arrays", "table"} & set(built_in())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digts", "Did you mean digits"),
        ("nothing-like-it", "There are: digits, fashion"),
        ("no/such/folder", "no such file or folder"),
        ("photos.csv", "no such file or folder"),
        (__file__, "is no data that can be read"),
    ],
)
def test_what_is_no_data_is_told_with_what_would_be(source: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_dataset(Data(source=source))
    assert message in str(caught.value)


def test_a_built_in_name_wins_over_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    assert open_dataset(Data(source="digits")).data.count == 8000
    with pytest.raises(DataError, match="no images"):
        open_dataset(Data(source="./digits"))
