"""Figures stand beside their floors and carry their protocol."""

import json

import numpy as np
import pytest
import torch

from mulligan.errors import DataError
from mulligan.metrics.figures import Figures, figures


def blobs(count: int, seed: int, colour: bool = False) -> np.ndarray:
    """Images of one soft blob each, at random places: enough variety for distances to mean something."""
    generator = np.random.default_rng(seed)
    centres = generator.integers(4, 12, (count, 2))
    rows, columns = np.mgrid[:16, :16]
    grey = (255 * np.exp(-((rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2) / 6)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=3) if colour else grey


def ring(count: int, seed: int, radius: float = 1.0) -> np.ndarray:
    angles = np.random.default_rng(seed).uniform(0, 2 * np.pi, count)
    return (radius * np.stack([np.cos(angles), np.sin(angles)], 1)).astype(np.float32)


@pytest.mark.parametrize("colour", [False, True])
def test_fresh_real_images_score_about_the_floor_and_bad_ones_far_above(colour: bool) -> None:
    train, test = blobs(300, 0, colour), blobs(200, 1, colour)
    real = figures(blobs(150, 2, colour), test, train, "image")
    bad = figures(255 - blobs(150, 2, colour), test, train, "image")
    for name in ("distance", "fd_random"):
        assert getattr(real, name).value < 4 * getattr(real, name).floor
        assert getattr(bad, name).value > 5 * getattr(bad, name).floor
        assert getattr(bad, name).floor == getattr(real, name).floor
    assert real.protocol.n == 150
    assert real.protocol.split == "test"
    assert real.protocol.features == "random64"
    assert len(real.protocol.feature_hash) == 64


def test_points_are_judged_by_their_coordinates() -> None:
    result = figures(ring(200, 0, radius=1.5), ring(200, 1), ring(200, 2), "points")
    assert result.distance.value == pytest.approx(0.5 / 2**0.5, rel=0.1)  # every point moves by 0.5 along a radius
    assert result.fd_random.value > 10 * result.fd_random.floor
    assert result.protocol.features == "coordinates"
    assert result.protocol.feature_hash == ""


def test_without_a_test_split_the_training_data_are_halved() -> None:
    result = figures(ring(500, 0), None, ring(300, 1), "points")
    assert result.protocol.n == 150
    assert result.protocol.split == "halves of train"
    assert result.distance.floor > 0


def test_the_same_figures_twice_and_for_data_in_another_order() -> None:
    samples, test, train = ring(100, 0), ring(100, 1), ring(100, 2)
    assert figures(samples, test, train, "points") == figures(torch.from_numpy(samples), test, train, "points")
    reordered = figures(samples, test[::-1].copy(), train[::-1].copy(), "points")
    assert reordered.distance.value == pytest.approx(figures(samples, test, train, "points").distance.value, rel=1e-5)


def test_sorted_data_are_not_judged_by_their_first_class() -> None:
    """Real data sorted by class, as class folders are: the floor looks at all of them."""
    classes = np.concatenate([ring(500, 0, radius=float(radius)) for radius in range(1, 5)])
    result = figures(classes[::20], classes, classes, "points")
    assert result.distance.floor < 0.5


@pytest.mark.parametrize("count", [1, 2])
def test_f22_one_image_constant_images_and_tiny_sets_have_figures(count: int) -> None:
    constant = np.full((count, 16, 16), 7, np.uint8)
    for test in (constant, None):
        result = figures(constant, test, constant, "image")
        assert result.distance.value == pytest.approx(0, abs=1e-6)
        assert result.fd_random.value == pytest.approx(0, abs=1e-6)


def test_two_lines_for_people_and_json_for_machines() -> None:
    result = figures(blobs(20, 0), blobs(20, 1), blobs(20, 2), "image")
    lines = result.lines()
    assert len(lines) == 2
    assert lines[0].startswith("distance")
    assert "sliced Wasserstein on pixels" in lines[0]
    assert lines[1].startswith("fd_random")
    assert all(", floor " in line and "20 samples against 20 of test" in line and "\n" not in line for line in lines)
    assert json.loads(json.dumps(result.as_dict()))["protocol"]["n"] == 20
    assert isinstance(result, Figures)


def test_what_cannot_be_judged_is_named() -> None:
    with pytest.raises(DataError, match="cannot be judged"):
        figures(blobs(4, 0), blobs(4, 1, colour=True), blobs(4, 2, colour=True), "image")
    with pytest.raises(DataError, match="nothing to judge"):
        figures(ring(0, 0), ring(3, 1), ring(3, 2), "points")
    with pytest.raises(DataError, match="not finite"):
        figures(np.full((3, 2), np.nan), ring(3, 1), ring(3, 2), "points")
