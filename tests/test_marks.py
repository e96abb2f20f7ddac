import getpass
import json
import socket
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan import __version__
from mulligan.errors import DataError, DiskError, UsageError
from mulligan.marks import Mark, inspected, png_bytes, read_mark, write_csv, write_film, write_gif, write_npz, write_picture, write_png

PICTURES = [Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 7), np.uint8)) for seed in range(3)]
MARK = Mark(model="0123abcd", seed=7)


def write_all(folder: Path, mark: Mark | None) -> list[Path]:
    files = [folder / name for name in ("a.png", "a.gif", "one.gif", "a.npz", "a.csv", "a.webp", "film.webp")]
    write_png(PICTURES[0], files[0], mark)
    write_gif(PICTURES, files[1], mark)
    write_gif(PICTURES[:1], files[2], mark)
    write_npz({"images": np.asarray(PICTURES[0])[None]}, files[3], mark)
    write_csv(["x", "y"], np.eye(2), files[4], mark)
    write_picture(PICTURES[0], files[5], mark)
    write_film(PICTURES, files[6], mark)
    return files


def test_f44_every_file_says_that_it_is_synthetic(tmp_path: Path) -> None:
    for path in write_all(tmp_path, MARK):
        assert read_mark(path) == {
            "synthetic": True,
            "composite": False,
            "source_type": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
            "generator": f"Mulligan {__version__}",
            "model": "0123abcd",
            "seed": 7,
        }


def test_f44_mixed_pictures_say_so_and_real_data_say_nothing(tmp_path: Path) -> None:
    for path in write_all(tmp_path, Mark(composite=True)):
        facts = read_mark(path)
        assert facts is not None
        assert facts["composite"] is True
        assert facts["source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
        assert facts["seed"] is None
    for path in write_all(tmp_path, None):
        assert read_mark(path) is None


def test_f44_no_path_user_or_host_is_in_any_file(tmp_path: Path) -> None:
    folder = tmp_path / "secret-project"
    folder.mkdir()
    for path in write_all(folder, MARK):
        content = path.read_bytes()
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                content += str(arrays["provenance"]).encode()
        for word in ("secret-project", str(Path.home()), socket.gethostname(), f"/{getpass.getuser()}"):
            assert word.encode() not in content


def test_the_property_that_others_read_is_plain_xmp(tmp_path: Path) -> None:
    for name, path in zip(("png", "gif"), write_all(tmp_path, MARK), strict=False):
        content = path.read_bytes()
        assert b'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"' in content, name
    for name in ("a.png", "a.webp", "film.webp"):
        with Image.open(tmp_path / name) as image:
            assert image.info["xmp"].startswith(b"<?xpacket")
            assert b"digitalsourcetype/trainedAlgorithmicMedia" in image.info["xmp"]


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_all(tmp_path, MARK)]
    assert [path.read_bytes() for path in write_all(tmp_path, MARK)] == first


def test_pictures_survive_their_mark(tmp_path: Path) -> None:
    write_all(tmp_path, MARK)
    for name in ("a.png", "a.webp"):
        with Image.open(tmp_path / name) as image:
            assert np.array_equal(np.asarray(image.convert("L")), np.asarray(PICTURES[0]))
    for name in ("a.gif", "a.webp"):
        write_film([picture.convert("RGB") for picture in PICTURES], tmp_path / name, MARK, milliseconds=[100, 250, 900])
        assert read_mark(tmp_path / name) is not None
        with Image.open(tmp_path / name) as film:
            assert film.n_frames == 3
            assert film.info["loop"] == 0
            for frame, (picture, pause) in enumerate(zip(PICTURES, (100, 250, 900), strict=True)):
                film.seek(frame)
                shown = film.convert("L")  # a WebP knows how long a frame is shown once it is decoded
                assert film.info["duration"] == pause
                assert np.array_equal(np.asarray(shown), np.asarray(picture))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["images", "provenance"]
    assert np.array_equal(np.loadtxt(tmp_path / "a.csv", delimiter=",", skiprows=2), np.eye(2))


def test_embedded_pictures_are_marked_too(tmp_path: Path) -> None:
    write_png(PICTURES[0], tmp_path / "a.png", MARK)
    assert png_bytes(PICTURES[0], MARK) == (tmp_path / "a.png").read_bytes()


def test_files_of_others_have_no_mark(tmp_path: Path) -> None:
    PICTURES[0].save(tmp_path / "a.png")
    PICTURES[0].save(tmp_path / "a.gif")
    PICTURES[0].save(tmp_path / "a.webp")
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    np.savez(tmp_path / "a.npz", images=np.zeros(3))
    assert [read_mark(tmp_path / f"a.{ending}") for ending in ("png", "gif", "csv", "npz", "webp")] == [None] * 5


@pytest.mark.parametrize(
    "packet",
    ["", "<x", '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', '<a xmlns:m="urn:mulligan:mark:1" m:mark="[1]"/>', "<a/>"],
)
def test_a_hostile_mark_is_no_mark(tmp_path: Path, packet: str) -> None:
    from PIL import PngImagePlugin

    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", packet)
    PICTURES[0].save(tmp_path / "a.png", pnginfo=chunks)
    assert read_mark(tmp_path / "a.png") is None
    PICTURES[0].save(tmp_path / "a.webp", xmp=packet.encode())
    assert read_mark(tmp_path / "a.webp") is None
    (tmp_path / "a.csv").write_text("# synthetic " + "[" * 4000)
    assert read_mark(tmp_path / "a.csv") is None


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"RIFF\x04\0\0\0WEBP",
        b"RIFF\0\0\0\0WEBPXMP \xff\xff\xff\x7f<a",
        b"RIFF\0\0\0\0WEBP" + b"\0" * 8000,
    ],
)
def test_a_hostile_webp_has_no_mark(tmp_path: Path, content: bytes) -> None:
    """Lengths that lie, and chunks without end; nothing is decoded."""
    (tmp_path / "a.webp").write_bytes(content)
    with suppress(DataError):
        assert inspected(tmp_path / "a.webp") is None


def test_what_webp_cannot_hold_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 16,383 a side"):
        write_picture(Image.new("L", (1, 16_384)), tmp_path / "a.webp", MARK)
    assert list(tmp_path.iterdir()) == []


def test_f03_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "a.png", tmp_path / "taken.png"):
        (tmp_path / "taken.png").mkdir(exist_ok=True)
        with pytest.raises(DiskError, match="cannot be written"):
            write_png(PICTURES[0], path, MARK)
    assert [path.name for path in tmp_path.rglob("*")] == ["taken.png"]


def test_f11_names_with_spaces_and_unicode_and_umask_are_kept(tmp_path: Path) -> None:
    import os

    folder = tmp_path / "a folder – übung 数字"
    folder.mkdir()
    before = os.umask(0o027)
    try:
        files = write_all(folder, MARK)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}


def test_the_provenance_in_npz_is_json(tmp_path: Path) -> None:
    write_npz({}, tmp_path / "a.npz", MARK)
    with np.load(BytesIO((tmp_path / "a.npz").read_bytes()), allow_pickle=False) as arrays:
        assert arrays["provenance"].shape == ()
        assert json.loads(str(arrays["provenance"]))["synthetic"] is True
