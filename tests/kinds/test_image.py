from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from pydantic import ValidationError

from mulligan.errors import CheckpointError, DataError, DiskError, UsageError
from mulligan.kinds.image import Image, fit
from mulligan.kinds.kind import restore
from mulligan.marks import Mark, read_mark
from mulligan.recipe import Data

ALL_BYTES = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
COLOUR = np.random.default_rng(0).integers(0, 256, (5, 3, 6, 6), np.uint8)


@pytest.mark.parametrize(("scaling", "low"), [("symmetric", -1.0), ("unit", 0.0)])
def test_every_byte_comes_back_from_what_networks_see(scaling: str, low: float) -> None:
    kind = restore({"name": "image", "shape": (1, 16, 16), "scaling": scaling})
    encoded = kind.encode(torch.from_numpy(ALL_BYTES))
    assert encoded.dtype == torch.float32
    assert (float(encoded.min()), float(encoded.max())) == (low, 1.0)
    assert np.array_equal(kind.decode(encoded), ALL_BYTES[:, 0])


def test_the_published_scaling_is_kept() -> None:
    encoded = Image(shape=(1, 1, 2)).encode(torch.tensor([[[[0, 200]]]], dtype=torch.uint8))
    assert encoded.flatten().tolist() == [-1, pytest.approx(200 / 127.5 - 1)]


def test_out_of_range_is_clipped_and_not_finite_is_refused() -> None:
    kind = Image(shape=(1, 1, 3))
    assert kind.decode(torch.tensor([[[[-9.0, 0.0, 9.0]]]])).tolist() == [[[0, 128, 255]]]
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not finite"):
            kind.decode(torch.tensor([[[[0.0, number, 0.0]]]]))


def test_decoding_takes_halves_and_what_needs_gradients() -> None:
    kind = Image(shape=(1, 1, 2))
    assert kind.decode(torch.ones(1, 1, 1, 2, dtype=torch.bfloat16, requires_grad=True)).tolist() == [[[255, 255]]]


def test_encoding_is_part_of_a_compiled_step() -> None:
    kind = Image(shape=(3, 6, 6), scaling="unit")
    compiled = torch.compile(lambda raw: kind.encode(raw) * 2, fullgraph=True, backend="eager")
    raw = torch.from_numpy(COLOUR)
    assert torch.equal(compiled(raw), kind.encode(raw) * 2)


def test_arrays_of_people_and_of_networks() -> None:
    kind = Image(shape=(3, 6, 6))
    arrays = kind.to_arrays(COLOUR)
    assert arrays.shape == (5, 6, 6, 3)
    assert np.array_equal(kind.from_arrays(arrays), COLOUR)
    for wrong in (arrays[:, :5], arrays.astype(float), arrays[..., 0], arrays[0, 0]):
        with pytest.raises(DataError, match=r"expected uint8 \(6, 6, 3\)"):
            kind.from_arrays(wrong)


def test_previews_place_samples_row_by_row() -> None:
    kind = Image(shape=(1, 4, 4))
    samples = np.stack([np.full((4, 4), 40 * (place + 1), np.uint8) for place in range(5)])
    grid = np.asarray(kind.preview([samples], columns=3, scale=1))
    assert grid.shape == (2 * 6 + 2, 3 * 6 + 2)
    assert [int(grid[4 + 6 * (place // 3), 4 + 6 * (place % 3)]) for place in range(5)] == [40, 80, 120, 160, 200]
    assert grid[0, 0] == 0
    pairs = np.asarray(kind.preview([samples, 255 - samples], columns=1, scale=1))
    assert pairs.shape == (5 * 6 + 2, 2 * 6 + 2)
    assert [int(pairs[4, 4]), int(pairs[4, 10])] == [40, 215]


def test_previews_enlarge_small_images_and_invert_on_request() -> None:
    kind = Image(shape=(1, 28, 28))
    samples = np.zeros((4, 28, 28), np.uint8)
    assert kind.preview([samples], columns=2).size == (2 * 58 + 2, 2 * 58 + 2)
    assert Image(shape=(3, 64, 64)).preview([np.zeros((1, 64, 64, 3), np.uint8)]).size == (68, 68)
    assert set(np.unique(np.asarray(kind.preview([samples], dark_on_light=True))).tolist()) == {255}


def test_written_to_grid_arrays_and_folder_with_their_mark(tmp_path: Path) -> None:
    kind, mark = Image(shape=(3, 6, 6)), Mark(seed=2)
    arrays = kind.to_arrays(COLOUR)
    assert kind.write(arrays, tmp_path / "grid.png", mark, columns=5) == (tmp_path / "grid.png",)
    kind.write(arrays, tmp_path / "a.npz", mark, labels=np.arange(5))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        assert np.array_equal(stored["images"], arrays)
        assert stored["labels"].tolist() == [0, 1, 2, 3, 4]
    files = kind.write(arrays, tmp_path / "many", mark, names=[f"seed{place}" for place in range(5)])
    assert [file.name for file in files] == [f"seed{place}.png" for place in range(5)]
    with PIL.Image.open(files[3]) as image:
        assert np.array_equal(np.asarray(image), arrays[3])
    for file in (*files, tmp_path / "grid.png", tmp_path / "a.npz"):
        facts = read_mark(file)
        assert facts is not None
        assert facts["seed"] == 2
    assert [file.name for file in kind.write(arrays[:2], tmp_path / "plain", None)] == ["000000.png", "000001.png"]
    assert read_mark(tmp_path / "plain" / "000000.png") is None


def test_one_image_alone_is_written_as_it_is(tmp_path: Path) -> None:
    kind = Image(shape=(1, 16, 16))
    kind.write(ALL_BYTES[:, 0], tmp_path / "one.png", None)
    with PIL.Image.open(tmp_path / "one.png") as image:
        assert np.array_equal(np.asarray(image), ALL_BYTES[0, 0])


def test_f03_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(DiskError, match="cannot be made"):
        Image.tiny().write(np.zeros((1, 8, 8), np.uint8), tmp_path / "taken", None)


def test_an_unknown_ending_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written as \.bmp"):
        Image.tiny().write(np.zeros((1, 8, 8), np.uint8), tmp_path / "a.bmp", None)


@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_scalings_of_points_are_refused(scaling: str) -> None:
    with pytest.raises(UsageError, match="scaling=symmetric or scaling=unit"):
        fit(Data(source="x"), scaling, COLOUR)  # type: ignore[arg-type]  # parametrised


def test_settings_go_to_json_and_back() -> None:
    kind = fit(Data(source="x"), "unit", COLOUR)
    assert kind.shape == (3, 6, 6)
    assert restore(kind.model_dump(mode="json")) == kind


@pytest.mark.parametrize(
    "settings",
    [{"shape": (1, 10**9, 10**9)}, {"shape": (2, 8, 8)}, {"shape": (8, 8)}, {"shape": (1, 0, 8)}, {"shape": (1, 8, 8), "x": 1}, {}],
)
def test_f34_a_shape_bomb_or_nonsense_in_a_model_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="kind of sample cannot be read"):
        restore({"name": "image", **settings})
    with pytest.raises(ValidationError):
        Image.model_validate(settings)
