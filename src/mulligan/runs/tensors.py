"""Named tensors in a safetensors file, read so that a hostile header is refused before anything is allocated.

The format (8 bytes of header length, JSON header, data) is written here and not by the library so that a full disk is an OSError with
its number, the checksum is made on the way, and no second copy of the weights stands in memory. Any safetensors reader opens the files.
"""

import json
import math
import os
import struct
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from mulligan.errors import CheckpointError, UnsafeError
from mulligan.runs import safe_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_NAMES = {
    "float64": "F64", "int64": "I64", "uint64": "U64", "float32": "F32", "int32": "I32", "uint32": "U32", "float16": "F16",
    "bfloat16": "BF16", "int16": "I16", "uint16": "U16", "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
MAXIMUM_AXES = 16
MAXIMUM_ELEMENTS = 2**48  # sides of 0 counted as 1: an empty tensor of a huge shape overflows what torch can count
_MENDING = "Use a file that Mulligan wrote"
_STRIDES = "strides"  # key of the metadata that keeps memory formats: a tensor must come back with its strides to compute the same bits


class Entry(NamedTuple):
    """One tensor of a file: where it lies in the data, and how it lay in memory (empty: contiguous)."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int
    strides: tuple[int, ...]


class Header(NamedTuple):
    """A checked header: entries in the order of their data, the metadata, and where the data begin."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    data: int


def write(path: Path, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str] | None = None) -> str:
    """Write tensors to a new file and sync it; the caller renames it or the folder around it. Returns the SHA-256 of the file.

    metadata: texts for people and other readers, kept in the header.
    Raises OSError, so that the caller can say what the whole of its writing needs.
    """
    digest = sha256()
    prefix, ordered = _prefix(tensors, dict(metadata or {}))
    with path.open("wb") as file:
        file.write(prefix)
        digest.update(prefix)
        for name in ordered:
            content = _bytes_of(tensors[name])
            file.write(content)
            digest.update(content)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def size(tensors: Mapping[str, "Tensor"]) -> int:
    """Bytes of the file that `write` would make, without its metadata."""
    prefix, _ = _prefix(tensors, {})
    return len(prefix) + sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def header(path: Path) -> Header:
    """Read and check the header alone. Raises CheckpointError (absent, cut off) or UnsafeError (hostile)."""
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file", _MENDING)
        total = path.stat().st_size
        with path.open("rb") as file:
            return _read_header(file, total, path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})", "Check the file and its permissions") from error


def read(path: Path, expected: Mapping[str, tuple[str, tuple[int, ...]]] | None = None) -> dict[str, "Tensor"]:
    """Read all tensors into fresh, aligned memory on the CPU, with the strides that they had.

    expected: name -> (dtype such as "float32", shape); a file that holds anything else is refused before allocation.
    Raises CheckpointError (absent, cut off, not what is expected) or UnsafeError (hostile header).
    """
    checked = header(path)
    if expected is not None:
        _compare(checked.entries, expected, path)
    try:
        with path.open("rb") as file:
            return {name: _read_tensor(file, checked.data, entry, path) for name, entry in checked.entries.items()}
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})", "Check the file and its permissions") from error


def check_finite(tensors: Mapping[str, "Tensor"], path: Path) -> None:
    """Raise CheckpointError naming the first tensor that holds NaN or an infinity."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{path}: {name} holds numbers that are not finite", "Use a model of a training that stayed finite")


def _prefix(tensors: Mapping[str, "Tensor"], metadata: dict[str, str]) -> tuple[bytes, list[str]]:
    """Length and header as bytes, and the names in the order of their data: widest numbers first, so that all lie aligned."""
    ordered = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    strides = {name: list(tensors[name].stride()) for name in ordered if _has_own_strides(tensors[name])}
    if strides:
        metadata[_STRIDES] = json.dumps(strides)
    entries: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    begin = 0
    for name in ordered:
        tensor = tensors[name]
        end = begin + tensor.numel() * tensor.element_size()
        dtype = _NAMES[str(tensor.dtype).removeprefix("torch.")]
        entries[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, ordered


def _has_own_strides(tensor: "Tensor") -> bool:
    """Whether a tensor lies dense in memory, but not in the order of its axes (channels last, a transposed matrix)."""
    return tensor.stride() != _contiguous_strides(tuple(tensor.shape)) and _is_dense(tuple(tensor.shape), tuple(tensor.stride()))


def _contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(max(side, 1) for side in shape[axis + 1 :]) for axis in range(len(shape)))


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether the elements fill a block of memory without gap or overlap."""
    span = 1
    for stride, side in sorted((stride, side) for stride, side in zip(strides, shape, strict=True) if side != 1):
        if stride != span:
            return False
        span *= side
    return 0 not in shape


def _bytes_of(tensor: "Tensor") -> memoryview:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


def _read_header(file: BinaryIO, total: int, path: Path) -> Header:
    start = file.read(8)
    if len(start) < 8:
        raise CheckpointError(f"{path} is cut off after {len(start)} bytes", _MENDING)
    (length,) = struct.unpack("<Q", start)
    if length > safe_json.MAXIMUM_BYTES:
        raise UnsafeError(f"{path}: a header of {length:,} bytes is not allowed", _MENDING)
    if 8 + length > total:
        raise CheckpointError(f"{path} is cut off inside its header", _MENDING)
    content = safe_json.loads(file.read(length), f"header of {path}")
    if not isinstance(content, dict):
        raise UnsafeError(f"{path}: its header is no object", _MENDING)
    metadata = _texts(content.pop("__metadata__", {}), path)
    strides = safe_json.loads(metadata.pop(_STRIDES, "{}").encode(), f"strides of {path}")
    entries = {name: _entry(name, facts, strides, path) for name, facts in content.items()}
    ordered = dict(sorted(entries.items(), key=lambda pair: (pair[1].begin, pair[1].end)))
    _check_layout(ordered, total - 8 - length, path)
    return Header(ordered, metadata, 8 + length)


def _texts(metadata: Any, path: Path) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise UnsafeError(f"{path}: its metadata are no texts", _MENDING)
    return metadata


def _entry(name: str, facts: Any, strides: Any, path: Path) -> Entry:
    def refused(why: str) -> UnsafeError:
        return UnsafeError(f"{path}: {name[:80]}: {why}", _MENDING)

    if not isinstance(facts, dict) or set(facts) != {"dtype", "shape", "data_offsets"}:
        raise refused("expected dtype, shape and data_offsets")
    shape, offsets = facts["shape"], facts["data_offsets"]
    if not isinstance(facts["dtype"], str) or facts["dtype"] not in BYTES:
        raise refused(f"unknown dtype {str(facts['dtype'])[:20]}")
    if not _are_counts(shape) or len(shape) > MAXIMUM_AXES or not _are_counts(offsets) or len(offsets) != 2:
        raise refused("shape and offsets must be whole numbers that are not negative")
    if math.prod(max(side, 1) for side in shape) > MAXIMUM_ELEMENTS:
        raise refused(f"shape {shape} is out of range")
    if math.prod(shape) * BYTES[facts["dtype"]] != offsets[1] - offsets[0]:
        raise refused(f"shape {shape} does not fit its {offsets[1] - offsets[0]} bytes")
    own = strides.get(name, []) if isinstance(strides, dict) else None
    if not _are_counts(own) or (own and (len(own) != len(shape) or max(own) > 2**62 or not _is_dense(tuple(shape), tuple(own)))):
        raise refused("strides that do not fit its shape")
    return Entry(facts["dtype"], tuple(shape), offsets[0], offsets[1], tuple(own or ()))


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _check_layout(entries: Mapping[str, Entry], available: int, path: Path) -> None:
    """Data must follow each other without gap or overlap and end with the file."""
    place = 0
    for name, entry in entries.items():
        if entry.begin != place:
            raise UnsafeError(f"{path}: {name[:80]}: its data overlap others or leave a gap", _MENDING)
        place = entry.end
    if place > available:
        raise CheckpointError(f"{path} is cut off: {place - available:,} bytes of data are missing", _MENDING)
    if place < available:
        raise UnsafeError(f"{path}: {available - place:,} bytes after the data", _MENDING)


def _compare(entries: Mapping[str, Entry], expected: Mapping[str, tuple[str, tuple[int, ...]]], path: Path) -> None:
    missing, unknown = sorted(set(expected) - set(entries)), sorted(set(entries) - set(expected))
    if missing or unknown:
        lacks = f"lacks {missing[0]}" if missing else f"holds {unknown[0][:80]}, which nothing asks for"
        raise CheckpointError(f"{path} {lacks}", "The file belongs to another network or version")
    for name, (dtype, shape) in expected.items():
        entry = entries[name]
        if (entry.dtype, entry.shape) != (_NAMES[dtype], tuple(shape)):
            found, wanted = f"{entry.dtype} {list(entry.shape)}", f"{_NAMES[dtype]} {list(shape)}"
            raise CheckpointError(f"{path}: {name} is {found}, expected {wanted}", "The file belongs to another network")


def _read_tensor(file: BinaryIO, data: int, entry: Entry, path: Path) -> "Tensor":
    import torch

    buffer = torch.empty(entry.end - entry.begin, dtype=torch.uint8)
    file.seek(data + entry.begin)
    if file.readinto(buffer.numpy().data) != len(buffer):  # type: ignore[attr-defined]  # BinaryIO lacks what every binary file has
        raise CheckpointError(f"{path} became shorter while it was read", "Read it again when nothing writes to it")
    tensor = buffer.view(_dtype(entry.dtype)).reshape(entry.shape)
    if not entry.strides:
        return tensor
    return torch.empty_strided(entry.shape, entry.strides, dtype=tensor.dtype).copy_(tensor)


def _dtype(code: str) -> "torch.dtype":
    import torch

    names = {code: name for name, code in _NAMES.items()}
    found: torch.dtype = getattr(torch, names[code])
    return found
