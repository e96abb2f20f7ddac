"""The judges: their published weights, how well they know their classes, and that an image is judged by itself."""

import os
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mulligan.data import fashion
from mulligan.data.dataset import Split
from mulligan.data.opening import open_dataset
from mulligan.errors import CheckpointError, DataError
from mulligan.metrics.images import BLOCK
from mulligan.metrics.judge import PUBLISHED, judge, prepared, read_judge
from mulligan.recipe import Data

NO_FASHION = not (Path(fashion.ORIGINAL.folders[0]).is_dir() or "MULLIGAN_TEST_PACKAGES" in os.environ)
WITHOUT_FASHION = pytest.mark.skipif(NO_FASHION, reason="Debian's package dataset-fashion-mnist is not installed")
GOAL = {"digits": 0.988, "fashion": 0.93}  # at least, on the test split


def held_out(name: str, size: int | None = None, colour: str = "auto") -> tuple[np.ndarray, Tensor]:
    """Images (N, H, W) or (N, H, W, 3), and labels."""
    test = open_dataset(Data.model_validate({"source": name, "size": size, "colour": colour})).test
    assert isinstance(test, Split)
    assert test.label is not None
    pixels = test.target[:, 0] if test.target.shape[1] == 1 else test.target.transpose(0, 2, 3, 1)
    return pixels, torch.from_numpy(test.label)


def accuracy(name: str, pixels: np.ndarray, labels: Tensor) -> float:
    trained = judge(name)
    return float((trained.logits(trained.depths(pixels)["late"]).argmax(1) == labels).double().mean())


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def published(name: str) -> Path:
    return Path(str(files("mulligan.metrics").joinpath("judges", f"{name}.safetensors")))


@pytest.mark.parametrize("name", PUBLISHED)
def test_weights_are_the_published_ones_and_small(name: str) -> None:
    content = published(name).read_bytes()
    assert sha256(content).hexdigest() == PUBLISHED[name]
    assert len(content) <= 2_000_000
    assert all(tensor.dtype == torch.float32 for tensor in judge(name).tensors.values())
    assert judge(name).classes == 10


@pytest.mark.parametrize("name", ["digits", pytest.param("fashion", marks=WITHOUT_FASHION)])
def test_test_accuracy_is_what_is_published(name: str) -> None:
    pixels, labels = held_out(name)
    assert accuracy(name, pixels, labels) >= GOAL[name]


@pytest.mark.parametrize(("size", "colour"), [(32, "grey"), (28, "rgb"), (48, "rgb")])
def test_digits_of_other_sizes_and_in_colour_are_known_as_well(size: int, colour: str) -> None:
    pixels, labels = held_out("digits", size, colour)
    assert accuracy("digits", pixels[:500], labels[:500]) >= 0.97


def test_features_do_not_depend_on_company() -> None:
    given = images(150, 28, 28)
    trained = judge("digits")
    together = trained.depths(given)
    for part in (slice(0, 1), slice(64, 70), slice(0, 149)):
        apart = trained.depths(given[part])
        for depth in ("late", "early"):
            # bit for bit in the same place of a block; elsewhere kernels may round edges differently
            assert torch.equal(apart[depth], together[depth][part])
        assert torch.equal(trained.logits(apart["late"]), trained.logits(together["late"])[part])
    assert torch.allclose(trained.depths(given[37:90])["late"], together["late"][37:90], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (64, 64), (37, 28), (4, 4, 3)])
def test_both_depths_have_one_shape_for_any_size(name: str, shape: tuple[int, ...]) -> None:
    depths = judge(name).depths(images(3, *shape))
    assert {depth: rows.shape for depth, rows in depths.items()} == {"late": (3, 128), "early": (3, 256)}
    assert all(rows.dtype == torch.float32 and bool(rows.isfinite().all()) for rows in depths.values())


def test_no_images_have_no_features() -> None:
    trained = judge("digits")
    depths = trained.depths(images(0, 28, 28))
    assert depths["early"].shape == (0, 256)
    assert trained.logits(depths["late"]).shape == (0, 10)


def test_an_image_is_seen_in_grey_and_antialiased() -> None:
    pixels = torch.zeros(3, 3, 56, 56, dtype=torch.uint8)
    pixels[0, 0], pixels[1] = 255, 200
    pixels[2, :, ::2] = 255  # stripes of one pixel, which without antialiasing would come out black or white
    red, grey, stripes = prepared(pixels)
    assert torch.allclose(red, torch.tensor(0.299), atol=1e-6)
    assert torch.allclose(grey, torch.tensor(200 / 255), atol=1e-6)
    assert float((stripes[:, 1:-1] - 0.5).abs().max()) < 0.01
    given = torch.from_numpy(images(2, 1, 28, 28))
    assert torch.equal(prepared(given), given / 255)


@pytest.mark.parametrize("given", [np.zeros((2, 28, 28)), images(2, 28, 28, 4), images(2, 3, 28), images(5)])
def test_what_is_no_image_is_refused(given: np.ndarray) -> None:
    with pytest.raises(DataError, match="have no features"):
        judge("digits").depths(given)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    content = bytearray(published("digits").read_bytes())
    content[-1] ^= 1
    changed = tmp_path / "digits.safetensors"
    changed.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"expected {PUBLISHED['digits'][:8]}.*not the weights"):
        read_judge(changed, PUBLISHED["digits"])
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_judge(tmp_path / "none.safetensors", PUBLISHED["digits"])


def test_a_block_is_smaller_than_what_is_tested() -> None:
    assert BLOCK < 149, "the tests above are to go through more than one block"
