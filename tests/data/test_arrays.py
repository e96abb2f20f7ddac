import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.errors import DataError, UnsafeError
from mulligan.recipe import Data

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)


def npy(folder: Path, array: np.ndarray, **settings: Any) -> Dataset:
    np.save(folder / "a.npy", array)
    return open_dataset(Data(source=str(folder / "a.npy"), **settings))


def npz(folder: Path, **arrays: np.ndarray) -> Dataset:
    np.savez_compressed(folder / "a.npz", **arrays)
    return open_dataset(Data(source=str(folder / "a.npz")))


def train(dataset: Dataset) -> Split:
    assert isinstance(dataset.train, Split)
    return dataset.train


@pytest.mark.parametrize(
    "array",
    [
        PIXELS,
        PIXELS[..., None],
        PIXELS.astype(np.int64),
        PIXELS / 255,
        (PIXELS / 127.5 - 1).astype(np.float32),
        np.asfortranarray(PIXELS),
        PIXELS.astype(">i4"),
    ],
)
def test_grey_images_in_all_accepted_forms_are_the_same(tmp_path: Path, array: np.ndarray) -> None:
    dataset = npy(tmp_path, array)
    assert np.array_equal(train(dataset).target[:, 0], PIXELS)
    assert (dataset.data.shape, dataset.data.count, dataset.data.classes) == ((1, 28, 28), 6, ())
    assert dataset.data.fingerprint == npy(tmp_path, PIXELS).data.fingerprint


def test_colour_images_have_their_channels_last(tmp_path: Path) -> None:
    colour = np.random.default_rng(1).integers(0, 256, (5, 40, 40, 3), np.uint8)
    assert np.array_equal(train(npy(tmp_path, colour)).target, colour.transpose(0, 3, 1, 2))
    assert npy(tmp_path, colour, colour="grey").data.shape == (1, 40, 40)
    with pytest.raises(DataError, match="transpose"):
        npy(tmp_path, colour.transpose(0, 3, 1, 2))


def test_sides_are_kept_from_28_to_64_and_otherwise_become_32(tmp_path: Path) -> None:
    for shape, side in (((28, 28), 28), ((64, 64), 64), ((100, 100), 32), ((8, 8), 32), ((30, 40), 32)):
        assert npy(tmp_path, np.zeros((3, *shape), np.uint8)).data.shape == (1, side, side)
    assert npy(tmp_path, np.zeros((3, 100, 60), np.uint8), size=48).data.shape == (1, 48, 48)


def test_booleans_are_black_and_white(tmp_path: Path) -> None:
    assert set(np.unique(train(npy(tmp_path, PIXELS > 99)).target).tolist()) == {0, 255}


def test_two_dimensions_are_points(tmp_path: Path) -> None:
    dataset = npy(tmp_path, np.arange(12).reshape(4, 3))
    assert (dataset.data.kind, dataset.data.shape) == ("points", (3,))
    assert train(dataset).target.dtype == np.float32


def test_labels_are_numbers_or_words(tmp_path: Path) -> None:
    numbers = npz(tmp_path, images=PIXELS, labels=np.array([10, 2, 2, 10, 7, 7]))
    assert numbers.data.classes == ("2", "7", "10")
    assert train(numbers).label is not None
    assert np.array_equal(train(numbers).label, [2, 0, 0, 2, 1, 1])
    words = npz(tmp_path, images=PIXELS, labels=np.array(["dog", "cat", "cat", "dog", "eel", "eel"]))
    assert words.data.classes == ("cat", "dog", "eel")
    assert npz(tmp_path, images=PIXELS, labels=np.array([[1.0], [0], [0], [1], [1], [1]])).data.classes == ("0", "1")


def test_what_was_sampled_can_be_trained_on(tmp_path: Path) -> None:
    assert npz(tmp_path, points=np.zeros((4, 2)), provenance=np.array("{}")).data.kind == "points"
    assert npz(tmp_path, faces=PIXELS).data.count == 6


def test_a_tenth_of_many_is_held_out(tmp_path: Path) -> None:
    dataset = npz(tmp_path, images=np.zeros((300, 28, 28), np.uint8), labels=np.arange(300) % 3)
    assert isinstance(dataset.test, Split)
    assert dataset.test.label is not None
    assert len(dataset.test.target) == len(dataset.test.label) > 10
    assert len(dataset.test.target) + len(train(dataset).target) == 300


def test_f22_constant_images_and_one_image_are_fine(tmp_path: Path) -> None:
    assert npy(tmp_path, np.zeros((5, 28, 28), np.uint8)).data.count == 5
    assert npy(tmp_path, np.zeros((5, 28, 28), np.float32)).data.count == 5
    assert npy(tmp_path, PIXELS[:1]).data.count == 1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 28, 28), np.uint8), "shape (0, 28, 28)"),
        (np.zeros(5), "shape (5,)"),
        (np.zeros((2, 2, 2, 2, 2)), "shape (2, 2, 2, 2, 2)"),
        (PIXELS.astype(np.float32), "pixels of float32 from 0.0 to 255.0"),
        (PIXELS.astype(np.int64) - 5, "pixels of int64 from -5"),
        (np.where(np.arange(6)[:, None, None] == 4, np.nan, PIXELS / 255), "image 4 holds a number that is not finite"),
        (np.array([[1.0, 2], [3, np.inf]]), "row 1, column 1 is inf"),
        (np.array([[1e39, 2]]), "row 0, column 0 is 1e+39"),
        (np.array([["a", "b"]]), "points of <U1"),
        (np.zeros((4, 28, 28, 2), np.uint8), "images of shape (28, 28, 2)"),
        (np.zeros((4, 28, 28), np.complex64), "pixels of complex64"),
    ],
)
def test_a_bad_array_is_one_clear_line(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(DataError) as caught:
        npy(tmp_path, array)
    assert message in caught.value.message
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": PIXELS, "labels": np.zeros(5, int)}, "labels of shape (5,) for 6 images"),
        ({"images": PIXELS, "labels": np.full(6, 0.5)}, "labels of float64"),
        ({"first": PIXELS, "second": PIXELS}, "holds first, second; expected images or points"),
        ({"labels": np.zeros(5)}, "holds labels; expected images or points"),
    ],
)
def test_a_bad_archive_is_one_clear_line(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError) as caught:
        npz(tmp_path, **arrays)
    assert message in caught.value.message


def header(shape: tuple[int, ...]) -> bytes:
    buffer = BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff", b"PK\x03\x04", b"nonsense", b"\x93NUMPY\x09\x00" + bytes(99)]
)
@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_a_file_that_is_no_array_is_one_clear_line(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_dataset(Data(source=str(path)))
    assert str(path) in caught.value.message


@pytest.mark.parametrize("shape", [(10**12, 28, 28), (6, 28, 29), (2**63, 2**63, 4), (-6, 28, 28)])
def test_f28_a_header_that_claims_more_than_there_is_allocates_nothing(tmp_path: Path, shape: tuple[int, ...]) -> None:
    content = header(shape) + PIXELS.tobytes()
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", content)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(DataError, match=r"cut off or damaged|broken header"):
            open_dataset(Data(source=str(tmp_path / name)))


def test_f28_an_archive_that_unpacks_to_more_than_this_machine_has_is_refused(tmp_path: Path) -> None:
    size = 1 << 45
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header((size,)))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    start = content.index(b"PK\x01\x02")
    extra = b"\x01\x00\x08\x00" + (size + len(header((size,)))).to_bytes(8, "little")  # ZIP64: the true size stands here
    content[start + 24 : start + 28] = b"\xff" * 4
    content[start + 30 : start + 32] = len(extra).to_bytes(2, "little")
    name_end = start + 46 + len("images.npy")
    content[name_end:name_end] = extra
    end = content.index(b"PK\x05\x06")
    content[end + 12 : end + 16] = (end - start).to_bytes(4, "little")
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="GB of this machine"):
        open_dataset(Data(source=str(tmp_path / "a.npz")))


class Trap:
    """Runs code where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("sprung"),))


def test_f33_pickles_in_any_disguise_are_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Trap())
    objects = BytesIO()
    np.save(objects, np.array([Trap()], dtype=object), allow_pickle=True)
    Path("plain.npy").write_bytes(pickled)
    Path("plain.npz").write_bytes(pickled)
    Path("objects.npy").write_bytes(objects.getvalue())
    for name, content in (("inside.npz", pickled), ("deep.npz", objects.getvalue())):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr("images.npy", content)
    np.savez("labels.npz", images=PIXELS, labels=np.array([Trap()] * 6, dtype=object))
    for name in ("plain.npy", "plain.npz", "objects.npy", "inside.npz", "deep.npz", "labels.npz"):
        with pytest.raises(UnsafeError) as caught:
            open_dataset(Data(source=name))
        assert caught.value.exit_code == 8
    assert not Path("sprung").exists()
