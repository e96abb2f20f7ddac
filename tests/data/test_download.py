import gzip
import struct
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mulligan.data.dataset import Split
from mulligan.data.idx import parse
from mulligan.data.originals import File, Original, load_original
from mulligan.errors import DataError
from mulligan.recipe import Data


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Broken(BaseHTTPRequestHandler):
    """Promises more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")

    def log_message(self, format: str, *args: object) -> None:
        pass


def served(handler: type[BaseHTTPRequestHandler] | partial[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    return {
        "train-images": draw.integers(0, 256, (12, 28, 28), np.uint8),
        "train-labels": draw.integers(0, 10, 12).astype(np.uint8),
        "test-images": draw.integers(0, 256, (4, 28, 28), np.uint8),
        "test-labels": draw.integers(0, 10, 4).astype(np.uint8),
    }


@pytest.fixture
def shelf(tmp_path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """The folder that the official place serves."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, array in arrays.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    return folder


@pytest.fixture
def server(shelf: Path) -> Iterator[str]:
    yield from served(partial(Quiet, directory=str(shelf)))


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MULLIGAN_DATA", raising=False)
    monkeypatch.delenv("MULLIGAN_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "*")


def original(arrays: dict[str, np.ndarray], *urls: str, folders: tuple[str, ...] = ()) -> Original:
    files = [File(name, array.shape, sha256(idx(array)).hexdigest()) for name, array in arrays.items()]
    return Original("small", (files[0], files[1], files[2], files[3]), urls, tuple("0123456789"), "none", folders)


def test_downloaded_once_checked_and_kept(arrays: dict[str, np.ndarray], server: str, shelf: Path, tmp_path: Path) -> None:
    dataset = load_original(original(arrays, server), Data(source="small"))
    assert isinstance(dataset.train, Split)
    assert isinstance(dataset.test, Split)
    assert np.array_equal(dataset.train.target[:, 0], arrays["train-images"])
    assert dataset.test.label is not None
    assert np.array_equal(dataset.test.label, arrays["test-labels"])
    kept = tmp_path / "home" / "data" / "small"
    assert sorted(path.name for path in kept.iterdir()) == sorted(path.name for path in shelf.iterdir())
    again = load_original(original(arrays), Data(source="small"))  # no address any more
    assert again.data == dataset.data


def test_the_second_place_serves_where_the_first_does_not(arrays: dict[str, np.ndarray], server: str) -> None:
    dataset = load_original(original(arrays, f"{server}no-such-folder/", server), Data(source="small"))
    assert dataset.data.count == 12


@pytest.mark.parametrize("packed", [True, False])
def test_found_in_mulligan_data_gzipped_or_not(
    arrays: dict[str, np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    for folder in (tmp_path / "mine", tmp_path / "mine" / "small"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():
            content = idx(array)
            (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content, 1) if packed else content)
        monkeypatch.setenv("MULLIGAN_DATA", str(tmp_path / "mine"))
        assert load_original(original(arrays), Data(source="small")).data.count == 12
        for path in folder.iterdir():
            path.unlink()


def test_files_of_another_set_under_the_same_names_are_passed_over(
    arrays: dict[str, np.ndarray], server: str, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name, array in arrays.items():
        (other / name).write_bytes(idx(array[::-1].copy()))
    monkeypatch.setenv("MULLIGAN_DATA", str(other))
    dataset = load_original(original(arrays, server), Data(source="small"))
    assert isinstance(dataset.train, Split)
    assert np.array_equal(dataset.train.target[:, 0], arrays["train-images"])


def test_where_all_fail_each_place_is_named_with_its_reason(
    arrays: dict[str, np.ndarray], server: str, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, debian = tmp_path / "mine", tmp_path / "debian"
    debian.mkdir()
    (debian / "train-images.gz").write_bytes(b"\x1f\x8bnothing")
    monkeypatch.setenv("MULLIGAN_DATA", str(mine))
    (shelf / "train-images.gz").write_bytes(gzip.compress(idx(np.zeros((12, 28, 28), np.uint8))))
    places = (server, f"{server}gone/", "http://127.0.0.1:9/")
    with pytest.raises(DataError) as caught:
        load_original(original(arrays, *places, folders=(str(debian),)), Data(source="small"))
    message = caught.value.message
    assert f"{mine / 'small'}: not there" in message
    assert f"{mine}: not there" in message
    assert f"{debian}: it cannot be unpacked" in message
    assert f"{tmp_path / 'home' / 'data' / 'small'}: not there" in message
    assert f"{server}train-images.gz: its content is another" in message
    assert f"{server}gone/train-images.gz: the server says 404" in message
    assert "http://127.0.0.1:9/train-images.gz: it cannot be reached" in message
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "home").rglob("*"))  # nothing that was not verified is kept


def test_a_lost_connection_is_no_download(arrays: dict[str, np.ndarray]) -> None:
    server = served(Broken)
    with pytest.raises(DataError, match="connection was lost"):
        load_original(original(arrays, next(server)), Data(source="small"))
    next(server, None)


def test_a_server_that_never_ends_is_cut_short(arrays: dict[str, np.ndarray], server: str, shelf: Path) -> None:
    (shelf / "train-images.gz").write_bytes(bytes(100_000))
    with pytest.raises(DataError, match="it sends more than"):
        load_original(original(arrays, server), Data(source="small"))


def test_offline_asks_nobody(arrays: dict[str, np.ndarray], server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_OFFLINE", "1")
    with pytest.raises(DataError, match="MULLIGAN_OFFLINE"):
        load_original(original(arrays, server), Data(source="small"))


def test_a_cache_that_cannot_be_written_stops_nobody(
    arrays: dict[str, np.ndarray], server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path / "file"))
    assert load_original(original(arrays, server), Data(source="small")).data.count == 12


def test_f28_a_small_file_that_unpacks_to_much_is_refused_early() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(ValueError, match="more than"):
        parse(bomb, (10,), "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (idx(np.zeros(9, np.uint8)), "not 18"),
        (gzip.compress(idx(np.zeros(10, np.uint8)))[:-9], "cannot be unpacked"),
        (idx(np.ones(10, np.uint8)), "another"),
    ],
    ids=["empty", "short", "cut off", "other content"],  # a name of its own for each: the bytes of gzip hold the time
)
def test_broken_idx_files_are_told(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(content, (10,), sha256(idx(np.zeros(10, np.uint8))).hexdigest())
