import json
import struct
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from safetensors.torch import load_file, save_file

from mulligan.errors import CheckpointError, MulliganError, UnsafeError
from mulligan.runs import tensors

TWO = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "I64", "shape": [1], "data_offsets": [8, 16]}}


def made(path: Path, header: Any, data: bytes = b"\0" * 16, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def changed(name: str, **fields: Any) -> dict[str, Any]:
    return {**TWO, name: {**TWO[name], **fields}}


def test_the_library_reads_what_we_write_and_we_what_it_writes(tmp_path: Path) -> None:
    weights = {"b": torch.randn(3, 5), "a": torch.tensor(True), "c": torch.randn(2, dtype=torch.float16), "ü": torch.empty(0, 4)}
    tensors.write(tmp_path / "ours", weights, {"title": "some text"})
    save_file(weights, tmp_path / "theirs")
    for found in (load_file(tmp_path / "ours"), tensors.read(tmp_path / "theirs")):
        assert found.keys() == weights.keys()
        assert all(torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in weights.items())
    assert tensors.header(tmp_path / "ours").metadata == {"title": "some text"}


def test_size_and_checksum_are_those_of_the_file(tmp_path: Path) -> None:
    from hashlib import sha256

    weights = {"a": torch.randn(7, 3).t(), "b": torch.zeros(1, dtype=torch.bool)}
    digest = tensors.write(tmp_path / "file", weights)
    content = (tmp_path / "file").read_bytes()
    assert sha256(content).hexdigest() == digest
    assert len(content) == tensors.size(weights)


def test_all_dtypes_come_back(tmp_path: Path) -> None:
    weights = {code: torch.ones(3).to(tensors._dtype(code)) for code in tensors.BYTES}
    tensors.write(tmp_path / "file", weights)
    found = tensors.read(tmp_path / "file")
    assert all(found[code].dtype == weights[code].dtype and bool((found[code] == weights[code]).all()) for code in weights)


HOSTILE = {
    "header of 2^63 bytes": (TWO, {"length": 2**63}),
    "header of 200 MB": (TWO, {"length": 200_000_000}),
    "header that is a list": ([1, 2], {}),
    "nested deeply": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}),
    "a key twice": (b'{"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]},"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16]}}', {}),
    "overlap": (changed("b", data_offsets=[0, 8]), {}),
    "partial overlap": (changed("b", data_offsets=[4, 12]), {}),
    "gap": (changed("b", data_offsets=[16, 24]), {"data": b"\0" * 24}),
    "bytes after the data": (TWO, {"data": b"\0" * 17}),
    "offsets backwards": (changed("b", data_offsets=[16, 8]), {}),
    "negative offset": (changed("a", data_offsets=[-8, 0]), {}),
    "offset that is no integer": (changed("a", data_offsets=[0, 8.0]), {}),
    "offset that is a boolean": (changed("a", shape=[0], data_offsets=[False, False]), {}),
    "three offsets": (changed("a", data_offsets=[0, 8, 8]), {}),
    "unknown dtype": (changed("a", dtype="F128"), {}),
    "dtype that is a list": (changed("a", dtype=["F32"]), {}),
    "dtype of another width": (changed("a", dtype="F64"), {}),
    "shape that does not fit": (changed("a", shape=[3]), {}),
    "shape of 2^64": (changed("a", shape=[2**64 - 1]), {}),
    "negative shape": (changed("a", shape=[-2]), {}),
    "empty tensor of endless shape": (changed("a", shape=[0, 2**62, 2**62], data_offsets=[0, 0]), {}),
    "a thousand axes": (changed("a", shape=[1] * 1000 + [2]), {}),
    "another field": (changed("a", more=1), {}),
    "entry that is no object": ({**TWO, "c": 5}, {}),
    "metadata that are no texts": ({**TWO, "__metadata__": {"a": 1}}, {}),
    "metadata that are no object": ({**TWO, "__metadata__": 5}, {}),
    "strides outside": ({**TWO, "__metadata__": {"strides": json.dumps({"a": [2**40]})}}, {}),
    "strides of another length": ({**TWO, "__metadata__": {"strides": json.dumps({"a": [1, 1]})}}, {}),
    "strides of zero": ({**TWO, "__metadata__": {"strides": json.dumps({"a": [0]})}}, {}),
    "strides that are no object": ({**TWO, "__metadata__": {"strides": "[]"}}, {}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_f34_hostile_headers_are_refused_before_allocation(tmp_path: Path, case: str) -> None:
    header, how = HOSTILE[case]
    path = made(tmp_path / "file", header, **how)
    tracemalloc.start()
    with pytest.raises(UnsafeError) as caught:
        tensors.read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20
    assert str(path) in caught.value.message
    assert caught.value.exit_code == 8


def test_f34_a_shape_bomb_in_a_small_file_is_refused_before_allocation(tmp_path: Path) -> None:
    path = made(tmp_path / "file", changed("b", shape=[2**40], data_offsets=[8, 8 + 2**43]))
    with pytest.raises(CheckpointError, match="cut off"):
        tensors.read(path)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"a": ("float32", (2,)), "b": ("int64", (1,))}, None),
        ({"a": ("float32", (2,))}, "holds b"),
        ({"a": ("float32", (2,)), "b": ("int64", (1,)), "c": ("bool", ())}, "lacks c"),
        ({"a": ("float32", (2, 1)), "b": ("int64", (1,))}, r"a is F32 \[2\], expected F32 \[2, 1\]"),
        ({"a": ("float16", (2,)), "b": ("int64", (1,))}, "a is F32 .*, expected F16"),
    ],
)
def test_f34_wrong_names_dtypes_and_shapes(tmp_path: Path, expected: dict[str, Any], words: str | None) -> None:
    path = made(tmp_path / "file", TWO)
    if words is None:
        assert set(tensors.read(path, expected)) == {"a", "b"}
        return
    with pytest.raises(CheckpointError, match=words):
        tensors.read(path, expected)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_f34_weights_that_are_not_finite(number: float) -> None:
    weights = {"fine": torch.zeros(2), "counts": torch.tensor([1]), "bad": torch.tensor([0.0, number])}
    with pytest.raises(CheckpointError, match=r"model\.safetensors: bad"):
        tensors.check_finite(weights, Path("model.safetensors"))
    del weights["bad"]
    tensors.check_finite(weights, Path("model.safetensors"))


@pytest.mark.parametrize("content", [b"", b"\x01", struct.pack("<Q", 10), struct.pack("<Q", 10) + b"{", struct.pack("<Q", 2) + b"{["])
def test_files_that_are_cut_off(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(CheckpointError):
        tensors.read(tmp_path / "file")


def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CheckpointError, match="no such file"):
            tensors.read(path)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
@given(some.data())
def test_f34_any_damage_gives_tensors_or_an_error_of_ours(tmp_path: Path, data: some.DataObject) -> None:
    path = tmp_path / "file"
    tensors.write(path, {"weight": torch.ones(3, 2).t(), "count": torch.tensor(3)}, {"title": "text"})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(some.integers(1, 4))):
        content[data.draw(some.integers(0, len(content) - 1))] = data.draw(some.integers(0, 255))
    path.write_bytes(content[: data.draw(some.integers(0, len(content)))] if data.draw(some.booleans()) else content)
    with suppress(MulliganError):
        tensors.read(path)
