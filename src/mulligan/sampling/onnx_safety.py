"""What an ONNX file may hold, looked at before anything else reads it: one plain graph with its numbers inside.

The file may come from anybody, and whoever computes it follows what it says: to files beside it, into operators of other makers, round
loops without end. The walk is over the protocol buffer itself (onnx.proto of ONNX 1.20, https://onnx.ai/onnx/repo-docs/IR.html), so that
nothing has to be built for it. How much a graph computes is not bounded here.
"""

from collections.abc import Iterator
from math import prod

from mulligan.errors import CheckpointError, UnsafeError

MENDING = "Use a file that `mulligan export` wrote"
DOMAINS = (b"", b"ai.onnx")
MOST_PARTS = 1_000_000  # of the whole file
MOST_NUMBERS = 2**31  # in one declared value
# Fields by their numbers in onnx.proto.
_MODEL = {"graph": 7, "opset": 8, "training": 20, "functions": 25}
_GRAPH = {"node": 1, "initializer": 5, "input": 11, "output": 12, "value": 13, "sparse": 15}
_NODE = {"operator": 4, "attribute": 5, "domain": 7}
_ATTRIBUTE = {"tensor": 5, "graph": 6, "tensors": 10, "graphs": 11, "sparse": 22, "sparse_tensors": 23}
_TENSOR = {"dims": 1, "external": 13, "location": 14}

Field = tuple[int, int | memoryview]


class _Broken(Exception):
    """Bytes that are no protocol buffer."""


def check(content: bytes, where: str) -> None:
    """Raise UnsafeError for what asks for more than a graph and its numbers, CheckpointError for what is broken; `where` names it."""
    if content and content[:1] != b"\x08":  # the version of the format, with which every file begins; a pickle or an archive does not
        raise UnsafeError(f"{where} is no ONNX file, and is not opened", MENDING)
    try:
        asked = _Walk().model(memoryview(content))
    except (_Broken, IndexError):
        raise CheckpointError(f"{where} is no ONNX file, or its end is missing", MENDING) from None
    if asked:
        raise UnsafeError(f"{where} {asked}, and is not opened", MENDING)


class _Walk:
    """One walk over a file; each method returns what a part asks for that it may not, or nothing."""

    def __init__(self) -> None:
        self.parts = 0

    def model(self, data: memoryview) -> str:
        graphs = 0
        for number, value in self._fields(data):
            if number in (_MODEL["functions"], _MODEL["training"]):
                return "defines functions of its own"
            if not isinstance(value, memoryview):
                continue
            asked = ""
            if number == _MODEL["opset"]:
                asked = self._domain(value, 1)
            elif number == _MODEL["graph"]:
                graphs += 1
                asked = self.graph(value)
            if asked:
                return asked
        if graphs != 1:
            raise _Broken
        return ""

    def graph(self, data: memoryview) -> str:
        for number, value in self._fields(data):
            if number == _GRAPH["sparse"]:
                return "holds sparse weights"
            if not isinstance(value, memoryview):
                continue
            asked = ""
            if number == _GRAPH["node"]:
                asked = self.node(value)
            elif number == _GRAPH["initializer"]:
                asked = self.tensor(value)
            elif number in (_GRAPH["input"], _GRAPH["output"], _GRAPH["value"]):
                asked = self.declared(value)
            if asked:
                return asked
        return ""

    def node(self, data: memoryview) -> str:
        asked = self._domain(data, _NODE["domain"])
        for number, value in self._fields(data):
            if number == _NODE["attribute"] and isinstance(value, memoryview):
                asked = asked or self.attribute(value)
        return asked

    def attribute(self, data: memoryview) -> str:
        for number, value in self._fields(data):
            if number in (_ATTRIBUTE["graph"], _ATTRIBUTE["graphs"]):
                return "holds loops or branches"
            if number in (_ATTRIBUTE["sparse"], _ATTRIBUTE["sparse_tensors"]):
                return "holds sparse weights"
            if number in (_ATTRIBUTE["tensor"], _ATTRIBUTE["tensors"]) and isinstance(value, memoryview):
                asked = self.tensor(value)
                if asked:
                    return asked
        return ""

    def tensor(self, data: memoryview) -> str:
        """Its numbers have to be in it: two at most share a byte."""
        dims: list[int] = []
        for number, value in self._fields(data):
            if number == _TENSOR["external"] or (number == _TENSOR["location"] and value):
                return "reads weights from another file"
            if number == _TENSOR["dims"]:
                dims += [value] if isinstance(value, int) else _packed(value)
        return "declares weights that are not in it" if prod(dims) > 2 * len(data) else ""

    def declared(self, data: memoryview) -> str:
        """A value: type 2, of a tensor 1, its shape 2, each dimension 1, its number 1."""
        level = [data]
        for wanted in (2, 1, 2, 1):
            level = [value for part in level for number, value in self._fields(part) if number == wanted and isinstance(value, memoryview)]
        dims = [value for part in level for number, value in self._fields(part) if number == 1 and isinstance(value, int)]
        return f"declares a value of more than {MOST_NUMBERS:,} numbers" if prod(dims) > MOST_NUMBERS else ""

    def _domain(self, data: memoryview, place: int) -> str:
        for number, value in self._fields(data):
            if number == place and isinstance(value, memoryview) and bytes(value) not in DOMAINS:
                return f"asks for operators of {bytes(value[:40]).decode(errors='replace')!r}"
        return ""

    def _fields(self, data: memoryview) -> Iterator[Field]:
        """Number and value of each field: an integer, or the bytes of what has a length; other numbers are stepped over."""
        place = 0
        while place < len(data):
            self.parts += 1
            if self.parts > MOST_PARTS:
                raise _Broken
            tag, place = _varint(data, place)
            kind = tag & 7
            if kind == 0:
                number, place = _varint(data, place)
                yield tag >> 3, number
                continue
            if kind not in (1, 2, 5):
                raise _Broken
            length, place = _varint(data, place) if kind == 2 else (8 if kind == 1 else 4, place)
            if place + length > len(data):
                raise _Broken
            if kind == 2:
                yield tag >> 3, data[place : place + length]
            place += length


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise _Broken


def _packed(data: memoryview) -> list[int]:
    numbers, place = [], 0
    while place < len(data):
        number, place = _varint(data, place)
        numbers.append(number)
        if len(numbers) > 64:  # dimensions
            raise _Broken
    return numbers
