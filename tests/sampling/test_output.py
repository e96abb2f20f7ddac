"""What is written: in every form, under readable names, with its mark inside."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan.errors import DiskError, UsageError
from mulligan.marks import read_mark
from mulligan.sampling.asked import find_label, parse_grid, parse_seeds
from mulligan.sampling.blocks import Place, first_of, of_seed
from mulligan.sampling.model import Model
from mulligan.sampling.output import write_reconstructions, write_samples


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_grid_holds_the_samples_in_order(model: Model, tmp_path: Path) -> None:
    samples = model.draw(of_seed(0, range(6)))
    (file,) = write_samples(samples, tmp_path / "new folder" / "grid.png", grid=(3, 2))
    grid = pixels(file)
    assert grid.shape == (2 * 18 + 2, 3 * 18 + 2)  # 8 pixels doubled, and a gap of 2
    for index, sample in enumerate(samples.images):
        top, left = 2 + index // 3 * 18, 2 + index % 3 * 18
        assert np.array_equal(grid[top : top + 16 : 2, left : left + 16 : 2], sample)


def test_one_sample_is_written_as_it_is(model: Model, tmp_path: Path) -> None:
    samples = model.draw([Place(4, 2)])
    (file,) = write_samples(samples, tmp_path / "one.png")
    assert np.array_equal(pixels(file), samples.images[0])
    (file,) = write_samples(samples, tmp_path / "one.webp")
    assert np.array_equal(pixels(file), samples.images[0][..., None].repeat(3, 2))  # WebP has no grey


def test_arrays_hold_images_and_labels(conditional: Model, tmp_path: Path) -> None:
    samples = conditional.draw(of_seed(0, range(5)), "Bag")
    (file,) = write_samples(samples, tmp_path / "some.npz")
    with np.load(file, allow_pickle=False) as arrays:
        assert arrays["images"].dtype == np.uint8
        assert np.array_equal(arrays["images"], samples.images)
        assert arrays["labels"].tolist() == [1] * 5


def test_points_are_written_as_arrays_tables_and_plots(points: Model, tmp_path: Path) -> None:
    samples = points.draw(of_seed(0, range(30)))
    write_samples(samples, tmp_path / "some.npz")
    with np.load(tmp_path / "some.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["points"], samples.points)
        assert "labels" not in arrays
    (table,) = write_samples(samples, tmp_path / "folder")
    assert table.name == "points.csv"
    assert np.allclose(np.loadtxt(table, delimiter=",", skiprows=2), samples.points)
    (plot,) = write_samples(samples, tmp_path / "plot.png")
    assert pixels(plot).ndim == 3
    assert np.array_equal(pixels(write_samples(samples, tmp_path / "plot.webp")[0]), pixels(plot)[..., :3])
    assert all(read_mark(file) is not None for file in (tmp_path / "some.npz", table, plot))


def test_a_folder_has_one_file_for_each_sample(model: Model, conditional: Model, tmp_path: Path) -> None:
    files = write_samples(conditional.draw(first_of(range(8, 12))), tmp_path / "firsts")
    assert [file.name for file in files] == [
        "seed08-000000-label2.png",
        "seed09-000000-label0.png",
        "seed10-000000-label1.png",
        "seed11-000000-label2.png",
    ]
    assert sorted(files) == sorted((tmp_path / "firsts").iterdir())
    assert np.array_equal(pixels(files[2]), conditional.sample([0], seed=10)[0])
    assert [file.name for file in write_samples(model.draw(of_seed(7, [5])), tmp_path / "own")] == ["seed7-000005.png"]


def test_f44_every_file_says_that_it_is_synthetic_and_of_which_model_and_seed(model: Model, tmp_path: Path) -> None:
    samples = model.draw(of_seed(3, range(4)))
    files = [file for name in ("grid.png", "grid.webp", "some.npz", "folder") for file in write_samples(samples, tmp_path / name)]
    files += [samples.grid().save(tmp_path / name) for name in ("grid of a notebook.png", "grid of a notebook.webp")]
    for file in files:
        mark = read_mark(file)
        assert mark is not None
        assert (mark["synthetic"], mark["composite"]) == (True, False)
        assert (mark["model"], mark["seed"]) == (model.description.weights, 3)
        assert str(tmp_path).encode() not in file.read_bytes()
    several = read_mark(write_samples(model.draw(first_of(range(3))), tmp_path / "several.png")[0])
    assert several is not None
    assert several["seed"] is None


def test_f23_the_same_samples_make_the_same_bytes(model: Model, tmp_path: Path) -> None:
    for name in ("a.png", "a.webp", "a.npz"):
        (first,) = write_samples(model.draw(of_seed(0, range(9))), tmp_path / "one" / name)
        (second,) = write_samples(model.draw(of_seed(0, range(9))), tmp_path / "two" / name)
        assert first.read_bytes() == second.read_bytes()


def test_what_cannot_be_written_is_named(model: Model, points: Model, tmp_path: Path) -> None:
    samples = model.draw(of_seed(0, range(6)))
    for call, message in (
        (lambda: write_samples(samples, tmp_path / "a.jpg"), "written as .jpg.*"),
        (lambda: write_samples(samples, tmp_path / "a.png", grid=(2, 2)), "no place for 6"),
        (lambda: write_samples(samples, tmp_path / "a.npz", grid=(3, 2)), "a grid is a picture"),
        (lambda: write_samples(model.draw([]), tmp_path / "a.png"), "no samples"),
        (lambda: model.draw([]).grid(), "no samples"),
        (lambda: samples.grid().save(tmp_path / "a.gif"), "written as .png"),
        (lambda: samples.points, "images, not points"),
        (lambda: points.draw([]).images, "points, not images"),
    ):
        with pytest.raises(UsageError, match=message):
            call()
    (tmp_path / "file").touch()
    for to in (tmp_path / "file" / "a.png", tmp_path / "file" / "folder" / "below"):
        with pytest.raises(DiskError):
            write_samples(samples, to)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_samples_become_pictures(model: Model, points: Model, tmp_path: Path) -> None:
    samples = model.draw(of_seed(0, range(3)))
    assert [picture.size for picture in samples.to_pil()] == [(8, 8)] * 3
    assert samples._repr_png_().startswith(b"\x89PNG")
    assert samples.save(tmp_path / "a.png") == (tmp_path / "a.png",)
    assert points.draw(of_seed(0, range(2))).to_pil()[1].size == (480, 480)
    assert len(samples) == 3


def test_reconstructions_stand_beside_originals_and_are_composite(autoencoder: Model, model: Model, tmp_path: Path) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8), dtype=np.uint8)
    grid = pixels(write_reconstructions(autoencoder, raw, tmp_path / "pairs.png", columns=3))
    assert grid.shape == (2 * 18 + 2, 6 * 18 + 2)
    assert np.array_equal(grid[2:18:2, 2:18:2], raw[0, 0])
    assert np.array_equal(grid[2:18:2, 20:36:2], autoencoder.reconstruct(raw)[0])
    write_reconstructions(autoencoder, raw, tmp_path / "pairs.npz")
    with np.load(tmp_path / "pairs.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["originals"], raw[:, 0])
        assert np.array_equal(arrays["reconstructions"], autoencoder.reconstruct(raw))
    write_reconstructions(autoencoder, raw, tmp_path / "pairs.webp", columns=3)
    for name in ("pairs.png", "pairs.npz", "pairs.webp"):
        mark = read_mark(tmp_path / name)
        assert mark is not None
        assert mark["composite"] is True
    for which, to, count in ((autoencoder, "a.gif", 6), (autoencoder, "a.png", 0), (model, "a.png", 6)):
        with pytest.raises(UsageError):
            write_reconstructions(which, raw[:count], tmp_path / to)


def test_seeds_in_words() -> None:
    assert parse_seeds("7") == (7,)
    assert parse_seeds(" 0-2, 5 ,9-9") == (0, 1, 2, 5, 9)
    assert len(parse_seeds("0-99")) == 100


@pytest.mark.parametrize(
    "text", ["", "a", "3-1", "1,,2", "-5", "1.5", "0-10000000", "9" * 30, str(2**63), "1-2-3", "0-999999,0-5", "nan", "١"]
)
def test_seeds_that_are_none_are_named(text: str) -> None:
    with pytest.raises(UsageError, match="--seeds"):
        parse_seeds(text)


def test_grids_in_words() -> None:
    assert parse_grid("10x8") == (10, 8)
    assert parse_grid(" 3 X 1 ") == (3, 1)
    for text in ("", "10", "0x3", "axb", "99999x99999", "-1x3", "2x3x4"):
        with pytest.raises(UsageError, match="--grid"):
            parse_grid(text)


def test_labels_in_words() -> None:
    digits = tuple("0123456789")
    assert find_label("7", digits) == find_label(7, digits) == 7
    assert find_label("1", ("1", "0")) == 0  # a name before a number
    assert find_label("COAT", ("Shirt", "Coat")) == 1
    for asked, message in (("ten", "no such class"), (10, "expected 0 to 9"), ("10", "expected 0 to 9"), (-1, "expected 0 to 9")):
        with pytest.raises(UsageError, match=message):
            find_label(asked, digits)
