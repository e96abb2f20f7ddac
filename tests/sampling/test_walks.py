"""Walks go from sample to sample, smoothly, and come back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mulligan.errors import UsageError
from mulligan.marks import read_mark
from mulligan.sampling.blocks import first_of
from mulligan.sampling.model import Model
from mulligan.sampling.walks import legs, walk, write_walk


def test_normal_latents_walk_on_the_arc_at_constant_pace() -> None:
    ends = torch.tensor([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0]])
    ways = legs(ends, 7, "normal")
    assert ways.shape == (2, 7, 2)
    assert torch.allclose(ways.norm(dim=2), torch.full((2, 7), 3.0), atol=1e-5)
    angles = torch.atan2(ways[0, :, 1], ways[0, :, 0])
    assert torch.allclose(angles.diff(), torch.full((6,), torch.pi / 12), atol=1e-5)
    assert torch.allclose(ways[:, 0], ends[:-1], atol=1e-5)
    assert torch.allclose(ways[:, -1], ends[1:], atol=1e-5)


def test_uniform_latents_walk_straight_and_stay_inside() -> None:
    ends = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    assert torch.allclose(legs(ends, 5, "uniform")[0, :, 0], torch.tensor([1.0, 0.5, 0.0, -0.5, -1.0]))


@pytest.mark.parametrize("last", [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
def test_ends_without_an_arc_are_joined_by_a_line(last: list[float]) -> None:
    ways = legs(torch.tensor([[1.0, 0.0], last]), 5, "normal")
    assert bool(ways.isfinite().all())
    assert torch.allclose(ways[0, -1], torch.tensor(last))


def test_a_walk_begins_and_ends_at_the_samples_of_its_seeds(model: Model) -> None:
    ways = walk(model, [3, 8, 5], steps=6)
    assert ways.shape == (2, 6, 8, 8)
    samples = model.draw(first_of([3, 8, 5])).array.astype(int)
    for found, wanted in zip((ways[0, 0], ways[0, -1], ways[1, 0], ways[1, -1]), samples[[0, 1, 1, 2]], strict=True):
        assert np.abs(found.astype(int) - wanted).max() <= 1  # another slot of a block may round one grey level away


def test_a_walk_keeps_its_label(conditional: Model) -> None:
    assert np.array_equal(walk(conditional, [2, 4], 4), walk(conditional, [2, 4], 4, label="Ankle boot"))
    assert not np.array_equal(walk(conditional, [2, 4], 4), walk(conditional, [2, 4], 4, label=0))


@pytest.mark.parametrize("name", ["walk.gif", "walk.webp"])
def test_f44_a_film_comes_back_to_its_beginning_and_is_marked(name: str, model: Model, tmp_path: Path) -> None:
    (file,) = write_walk(model, [0, 1, 2], tmp_path / name, steps=5)
    with Image.open(file) as image:
        assert image.n_frames == 3 * 4  # three legs, the last one back to the first; each end is shown once
        assert min(image.size) >= 160
        assert image.info["loop"] == 0
    mark = read_mark(file)
    assert mark is not None
    assert mark["model"] == model.description.weights


def test_a_strip_has_a_row_for_each_leg(model: Model, tmp_path: Path) -> None:
    (file,) = write_walk(model, [0, 1, 2], tmp_path / "strip.png", steps=5)
    with Image.open(file) as image:
        assert image.size == (5 * 18 + 2, 2 * 18 + 2)
    assert read_mark(file) is not None


def test_walks_as_numbers_and_single_files(model: Model, points: Model, tmp_path: Path) -> None:
    write_walk(model, [0, 1], tmp_path / "walk.npz", steps=4)
    with np.load(tmp_path / "walk.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["images"], walk(model, [0, 1], 4)[0])
    assert len(write_walk(model, [0, 1], tmp_path / "walk", steps=4)) == 4
    for name in ("line.png", "line.webp"):
        (file,) = write_walk(points, [0, 1], tmp_path / name, steps=4)
        assert read_mark(file) is not None


def test_the_autoencoder_walks_too(autoencoder: Model, tmp_path: Path) -> None:
    assert write_walk(autoencoder, [0, 1], tmp_path / "walk.gif", steps=3)[0].exists()


def test_walks_that_cannot_be_are_named(model: Model, points: Model, tmp_path: Path) -> None:
    for call, message in (
        (lambda: walk(model, [1], 5), "at least two"),
        (lambda: walk(model, [1, 2], 1), "at least two"),
        (lambda: walk(model, range(1000), 1000), "frames"),
        (lambda: walk(model, [1, 2], 3, label=0), "no classes"),
        (lambda: write_walk(model, [1], tmp_path / "a.gif"), "at least two"),
        (lambda: write_walk(points, [1, 2], tmp_path / "a.gif"), "a line, not a film"),
        (lambda: write_walk(model, [1, 2], tmp_path / "a.mp4"), "mp4"),
    ):
        with pytest.raises(UsageError, match=message):
            call()
    assert list(tmp_path.iterdir()) == []
