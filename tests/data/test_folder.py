import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.errors import DataError, PreemptedError
from mulligan.recipe import Data
from mulligan.resolve import resolve

Photos = Callable[..., Path]


def opened(folder: Path, **settings: object) -> Dataset:
    return open_dataset(Data.model_validate({"source": str(folder), **settings}))


def train(dataset: Dataset) -> Split:
    assert isinstance(dataset.train, Split)
    return dataset.train


def reasons(dataset: Dataset) -> dict[str, str]:
    return {skip.file: skip.reason for skip in dataset.skipped}


def test_a_folder_of_grey_squares_is_read_as_it_is(photos: Photos) -> None:
    folder = photos(20)
    dataset = opened(folder)
    assert dataset.data.shape == (1, 28, 28)
    assert (dataset.data.kind, dataset.data.count, dataset.data.size, dataset.data.colour) == ("image", 20, 28, "grey")
    expected = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
    assert np.array_equal(train(dataset).target[:, 0], expected)
    assert dataset.test is None
    assert dataset.skipped == ()
    assert opened(folder).data == dataset.data


def test_photographs_become_32_pixels_of_their_centre(photos: Photos) -> None:
    folder = photos(5, size=(200, 100), grey=False, ending="jpg")
    middle = Image.new("RGB", (200, 100), "red")
    middle.paste("blue", (50, 0, 150, 100))
    middle.save(folder / "9.png")
    dataset = opened(folder)
    assert dataset.data.shape == (3, 32, 32)
    assert (train(dataset).target[5].reshape(3, -1).T == [0, 0, 255]).all()
    assert opened(folder, size=48, colour="grey").data.shape == (1, 48, 48)


def test_grey_pictures_stored_as_colour_are_grey(photos: Photos, tmp_path: Path) -> None:
    for path in photos(4, size=(40, 40)).iterdir():
        with Image.open(path) as image:
            image.convert("RGB").save(tmp_path / f"{path.stem}.jpg")
    assert opened(tmp_path).data.shape[0] == 1


def test_resizing_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((320, 320), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    pixels = train(opened(tmp_path)).target.astype(int)
    assert abs(pixels - 128).max() <= 8  # plain picking of every tenth column would give 0 or 255


def test_class_folders_are_labels(photos: Photos, tmp_path: Path) -> None:
    for name, count in (("10", 3), ("9", 2), ("9/deeper", 2)):
        photos(count, name=f"set/{name}")
    dataset = opened(tmp_path / "set")
    assert dataset.data.classes == ("9", "10")
    assert train(dataset).label is not None
    assert np.bincount(train(dataset).label).tolist() == [4, 3]
    assert opened(tmp_path / "set", labels=False).data.classes == ()
    photos(1, name="set")
    assert opened(tmp_path / "set").data.classes == ()  # an image beside the folders: they are no classes


def test_one_class_folder_is_no_label(photos: Photos, tmp_path: Path) -> None:
    photos(3, name="set/all")
    assert opened(tmp_path / "set").data.classes == ()


def test_train_and_test_folders_are_the_splits(photos: Photos, tmp_path: Path) -> None:
    for name, count in (("train/cat", 3), ("train/dog", 2), ("test/cat", 1), ("test/dog", 1)):
        photos(count, name=f"set/{name}")
    dataset = opened(tmp_path / "set")
    assert dataset.data.classes == ("cat", "dog")
    assert dataset.data.count == 5
    assert isinstance(dataset.test, Split)
    assert dataset.test.label is not None
    assert dataset.test.label.tolist() == [0, 1]


def test_a_tenth_of_a_hundred_is_held_out_by_name(photos: Photos) -> None:
    folder = photos(150)
    dataset = opened(folder)
    assert isinstance(dataset.test, Split)
    assert 5 <= len(dataset.test.target) <= 30
    assert len(dataset.test.target) + len(train(dataset).target) == 150


def test_f22_one_image_and_constant_images_are_fine(photos: Photos) -> None:
    assert opened(photos(1)).data.count == 1


def make_odd_ones(folder: Path) -> None:
    """Files of F27 that are good after all: what they hold is asserted below."""
    Image.new("CMYK", (28, 28), (0, 255, 255, 0)).save(folder / "cmyk.jpg", quality=95)
    Image.fromarray(np.full((28, 28), 40000, np.uint16)).save(folder / "sixteen.png")
    palette = Image.new("P", (28, 28), 1)
    palette.putpalette([0, 0, 0, 0, 255, 0])
    palette.paste(0, (0, 0, 28, 14))
    palette.save(folder / "palette.png", transparency=0)
    rotated = Image.new("L", (28, 28), 0)
    rotated.paste(255, (0, 0, 28, 14))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    rotated.save(folder / "rotated.png", exif=exif)


def make_bad_ones(folder: Path) -> dict[str, str]:
    """Files of F27 that cannot be used, and a part of the reason that is expected."""
    (folder / "empty.png").touch()
    Image.effect_noise((64, 64), 50).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-600])
    (folder / "text.png").write_text("no picture at all")
    Image.new("L", (1, 1)).save(folder / "pixel.png")
    frames = [Image.new("L", (28, 28), shade) for shade in (0, 255)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    (folder / "._x.png").write_bytes(b"resource fork")
    (folder / "Thumbs.db").write_bytes(b"thumbs")
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "back").symlink_to(folder)
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "new\nline.txt").write_text("")
    (folder / "phone.heic").write_bytes(b"x")
    return {
        "empty.png": "empty",
        "cut.jpg": "broken (image file is truncated",
        "text.png": "not an image, whatever its name says",
        "pixel.png": "1 x 1 pixels are too few",
        "film.gif": "more than one picture",
        "._x.png": "hidden",
        "Thumbs.db": "not an image by its name",
        "dangling.png": "a link to nothing",
        "loop.png": "a link that leads back to itself",
        "back": "a link to a folder that is read already",
        "folder.png": "a folder, not an image",
        "pipe.png": "not a regular file",
        "new\\nline.txt": "not an image by its name",
        "phone.heic": "convert it to PNG or JPEG",
    }


def test_f27_each_bad_file_is_named_with_its_reason_and_the_good_ones_are_used(photos: Photos) -> None:
    folder = photos(200)
    make_odd_ones(folder)
    expected = make_bad_ones(folder)
    dataset = opened(folder, colour="rgb", labels=True)
    found = reasons(dataset)
    assert set(found) == set(expected)
    for name, reason in expected.items():
        assert reason in found[name]
    assert isinstance(dataset.test, Split)
    assert len(train(dataset).target) + len(dataset.test.target) == 204
    assert sum(skip.broken for skip in dataset.skipped) == 10


def test_f27_odd_but_good_files_are_read_right(tmp_path: Path) -> None:
    make_odd_ones(tmp_path)
    dataset = opened(tmp_path, colour="rgb")
    assert dataset.skipped == ()
    cmyk, palette, rotated, sixteen = train(dataset).target.transpose(0, 2, 3, 1)  # sorted by name
    assert cmyk[14, 14, 0] > 200
    assert cmyk[14, 14, 1] < 60
    assert palette[3, 3].tolist() == [255, 255, 255]  # transparent is white
    assert palette[20, 3].tolist() == [0, 255, 0]
    assert rotated[3, 3].tolist() == [0, 0, 0]
    assert rotated[25, 3].tolist() == [255, 255, 255]
    assert abs(int(sixteen[0, 0, 0]) - round(40000 / 257)) <= 1


@contextmanager
def without_privileges() -> Iterator[None]:
    """The superuser reads everything, so be nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_f27_an_unreadable_file_is_named(photos: Photos) -> None:
    with tempfile.TemporaryDirectory() as place:  # not tmp_path, whose parents only their owner may enter
        Path(place).chmod(0o755)
        folder = Path(place) / "set"
        shutil.copytree(photos(40), folder)
        opened(folder)  # everything that is imported late is imported now
        (folder / "0007.png").chmod(0)
        (folder / "closed").mkdir(mode=0)
        with without_privileges():
            dataset = opened(folder)
        (folder / "closed").chmod(0o700)
    assert reasons(dataset) == {"0007.png": "not readable: permission denied", "closed": "cannot be read (Permission denied)"}
    assert dataset.data.count == 39


@pytest.mark.parametrize(("good", "bad", "fine"), [(19, 1, True), (18, 1, False), (190, 10, True), (0, 1, False)])
def test_f27_above_five_percent_the_folder_is_refused(photos: Photos, good: int, bad: int, fine: bool) -> None:
    folder = photos(good)
    for place in range(bad):
        (folder / f"bad{place}.jpg").write_bytes(b"\xff\xd8\xff nothing")
    if fine:
        assert len(opened(folder).skipped) == bad
        return
    with pytest.raises(DataError) as caught:
        opened(folder)
    assert caught.value.exit_code == 3
    assert f"{bad} of {good + bad} images cannot be used, more than 5%" in caught.value.message
    assert "bad0.jpg: " in caught.value.message


def test_f27_many_bad_files_are_named_by_the_first_few(photos: Photos) -> None:
    folder = photos(10)
    for place in range(500):
        (folder / f"bad{place:03}.png").write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        opened(folder)
    assert len(caught.value.message) < 500
    assert "bad002.png: " in caught.value.message
    assert "; ..." in caught.value.message


def test_files_that_claim_to_be_no_image_do_not_count(photos: Photos) -> None:
    folder = photos(3)
    for place in range(20):
        (folder / f"{place}.txt").write_text("notes")
    assert len(opened(folder).skipped) == 20


def test_a_folder_without_images_says_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images in it") as caught:
        opened(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError) as caught:
        opened(tmp_path)
    assert "notes.txt: not an image by its name" in caught.value.message


def test_links_to_folders_are_followed_once(photos: Photos, tmp_path: Path) -> None:
    photos(3, name="elsewhere")
    folder = photos(2, name="set")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "linked too").symlink_to(tmp_path / "elsewhere")
    dataset = opened(folder)
    assert dataset.data.count == 5
    assert reasons(dataset) == {"linked too": "a link to a folder that is read already"}


def test_f14_a_signal_that_arrives_while_reading_is_not_taken_for_a_bad_image(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(image: Image.Image) -> None:
        raise PreemptedError("SIGTERM")

    monkeypatch.setattr("mulligan.data.scan._check", interrupted)
    with pytest.raises(PreemptedError):
        opened(photos(3))


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of(width: int, height: int) -> bytes:
    packer = zlib.compressobj(1)
    row = bytes(1 + width // 8)
    pixels = b"".join([packer.compress(row * 1000) for _ in range(height // 1000)]) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def gif_of(frames: int) -> bytes:
    frame = b"\x2c" + struct.pack("<4HB", 0, 0, 16, 16, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<2H3B", 16, 16, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + frame * frames + b"\x3b"


def make_bombs(folder: Path) -> dict[str, str]:
    (folder / "pixels.png").write_bytes(png_of(30_000, 30_000))
    (folder / "pixels2.png").write_bytes(png_of(10_000, 10_000))  # within what Pillow takes without an error
    (folder / "frames.gif").write_bytes(gif_of(100_000))
    image = Image.new("L", (28, 28))
    for name, packed in (("text.png", False), ("packed.png", True)):
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "x" * 2_000_000, zip=packed)
        image.save(folder / name, pnginfo=text)
    plain = (folder / "text.png").read_bytes()
    start = plain.index(b"tEXt") - 4
    end = start + 12 + struct.unpack(">I", plain[start : start + 4])[0]
    (folder / "late.png").write_bytes(plain[:start] + plain[end:-12] + plain[start:end] + plain[-12:])  # behind the pixels
    body = plain[:start] + chunk(b"tEXt", b"a\0b") * 120_000 + plain[end:]
    (folder / "parts.png").write_bytes(body)
    return {
        "pixels.png": "more than 80 million pixels",
        "pixels2.png": "more than 80 million pixels",
        "frames.gif": "more than one picture",
        "text.png": "1 MB of text",
        "packed.png": "broken (Decompressed data too large",
        "late.png": "1 MB of text",
        "parts.png": "more than",
    }


READ_AND_MEASURE = """
import resource, sys
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data
from mulligan.resolve import resolve
open_dataset(Data(source=sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
dataset = open_dataset(Data(source=sys.argv[2]))
for skip in dataset.skipped:
    print(skip.file, skip.reason, sep="\\t")
unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
print("MB", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // unit, sep="\\t")
"""


def read_and_measure(small: Path, folder: Path) -> list[list[str]]:
    """What is skipped in a folder, and at last how many megabytes reading it took beyond reading a small one."""
    command = [sys.executable, "-c", READ_AND_MEASURE, str(small), str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_f28_bombs_are_refused_by_their_headers_within_a_memory_limit(photos: Photos) -> None:
    small = photos(10, name="small")
    folder = photos(150)
    expected = make_bombs(folder)
    *skipped, (_, megabytes) = read_and_measure(small, folder)
    found = dict(skipped)
    assert set(found) == set(expected)
    for name, reason in expected.items():
        assert reason in found[name]
    assert int(megabytes) < 60


def test_photographs_are_larger_where_a_gpu_trains(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the user says where to train, or how large; and the run that comes of it is the same recipe on any machine."""
    folder = str(photos(3, size=(80, 90), grey=False))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    found = [resolve(folder, "fast", settings)[0].data for settings in ([], ["machine.device=cpu"], ["data.size=48"])]
    assert [data.shape[-1] for data in found] == [64, 32, 48]
    assert {data.default_size for data in found} == {Data(source="x").default_size}


def test_many_large_photographs_take_no_more_memory_than_few(photos: Photos) -> None:
    small = photos(10, name="small")
    folder = photos(1, size=(1500, 1500), grey=False, ending="jpg")
    for place in range(150):  # together 1 GB as pixels
        (folder / f"again{place}.jpg").symlink_to(folder / "0000.jpg")
    *_, (_, megabytes) = read_and_measure(small, folder)
    assert int(megabytes) < 60
