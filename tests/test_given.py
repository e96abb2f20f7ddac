"""Samples that are given to a run: from any file, in its shape, order and classes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan import given
from mulligan.errors import DataError, UsageError

GREY = (1, 28, 28)


def test_an_image_is_resized(tmp_path: Path) -> None:
    Image.new("RGB", (90, 60), (255, 255, 255)).save(tmp_path / "white.png")
    raw, label = given.read(str(tmp_path / "white.png"), GREY)
    assert (raw.shape, raw.dtype, raw.min(), label) == ((1, *GREY), np.uint8, 255, None)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match="not an image"):
        given.read(str(tmp_path / "text.png"), GREY)


def test_numbers_keep_their_order(tmp_path: Path) -> None:
    """Although a tenth of them would be held out, were this data to train on."""
    images = np.random.default_rng(0).integers(0, 256, (300, 28, 28), np.uint8)
    labels = np.arange(300) % 3
    raw, label = given.read_array(images, GREY, ("0", "1", "2"), labels)
    assert np.array_equal(raw[:, 0], images)
    assert np.array_equal(label, labels)
    np.save(tmp_path / "images.npy", images / 255)
    assert np.array_equal(given.read(str(tmp_path / "images.npy"), GREY)[0][:, 0], images)


def test_labels_by_name() -> None:
    images = np.zeros((4, 28, 28), np.uint8)
    _, label = given.read_array(images, GREY, ("cat", "dog", "owl"), np.array(["owl", "cat", "owl", "cat"]))
    assert label.tolist() == [2, 0, 2, 0]
    with pytest.raises(UsageError, match="fox"):
        given.read_array(images, GREY, ("cat", "dog"), np.array(["fox"] * 4))


def test_tables_and_endless_points(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).standard_normal((150, 2)).astype(np.float32)
    np.savetxt(tmp_path / "points.csv", rows, delimiter=",")
    assert np.array_equal(given.read(str(tmp_path / "points.csv"), (2,))[0], rows)
    assert given.read("ring", (2,))[0].shape == (given.DRAWN, 2)
    with pytest.raises(UsageError, match=r"shape \(2,\)"):
        given.read("ring", (3,))


def test_held_out_samples_of_a_published_set() -> None:
    assert given.read("digits", GREY)[0].shape == (2000, *GREY)


def test_what_is_no_array() -> None:
    with pytest.raises(UsageError, match="no array"):
        given.read_array([[1, 2], [3]], (2,))
    with pytest.raises(UsageError, match="type object"):
        given.read_array([None, 3], (2,))
