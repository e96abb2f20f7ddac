"""JSON from files that somebody else may have made: bounded in size, depth and numbers; never NaN, never a key twice.

A file that is merely broken raises CheckpointError; one that asks for more than a run or a model ever needs raises UnsafeError.
"""

import json
import math
from pathlib import Path
from typing import Any, Never

from mulligan.errors import CheckpointError, UnsafeError

MAXIMUM_BYTES = 8 * 1024**2
MAXIMUM_DEPTH = 40
MAXIMUM_INTEGER = 2**64
_MENDING = "Use a file that Mulligan wrote"


def dumps(value: Any) -> str:
    r"""JSON text for a file: readable, keys in the order given, one newline at the end.

    >>> dumps({"a": 1})
    '{\n  "a": 1\n}\n'
    """
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def read_json(path: Path, maximum: int = MAXIMUM_BYTES) -> Any:
    """The value of a JSON file. Raises CheckpointError (absent or broken) or UnsafeError (out of bounds)."""
    return loads(read_bounded(path, maximum), str(path), maximum)


def read_object(path: Path, maximum: int = MAXIMUM_BYTES) -> dict[str, Any]:
    """The value of a JSON file that must be an object. Raises like `read_json`."""
    value = read_json(path, maximum)
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds a {type(value).__name__}, expected a JSON object", _MENDING)
    return value


def read_bounded(path: Path, maximum: int) -> bytes:
    """Bytes of a regular file that is not larger than `maximum`. Raises like `read_json`."""
    try:
        if not path.is_file():
            raise CheckpointError(f"{path}: no such file", _MENDING)
        with path.open("rb") as file:
            content = file.read(maximum + 1)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})", "Check the file and its permissions") from error
    if len(content) > maximum:
        raise UnsafeError(f"{path} is larger than the {maximum:,} bytes that are allowed", _MENDING)
    return content


def loads(content: bytes, where: str, maximum: int = MAXIMUM_BYTES) -> Any:
    """The value of JSON text; `where` names it in errors.

    >>> loads(b'{"a": [1, 2.5, null]}', "example")
    {'a': [1, 2.5, None]}
    """
    if len(content) > maximum:
        raise UnsafeError(f"{where} is larger than the {maximum:,} bytes that are allowed", _MENDING)
    try:
        value = json.loads(content.decode(), object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant)
        _check_tree(value)
    except _BoundsError as error:
        raise UnsafeError(f"{where}: {error}", _MENDING) from None
    except RecursionError:
        raise UnsafeError(f"{where}: nested deeper than {MAXIMUM_DEPTH} levels", _MENDING) from None
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
        raise CheckpointError(f"{where} is no valid JSON ({error})", _MENDING) from None
    return value


class _BoundsError(Exception):
    """A value that no file of Mulligan's holds; the text completes `FILE: ...`."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _BoundsError("a key stands twice in one object")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 21 or abs(int(digits)) > MAXIMUM_INTEGER:  # the length first: int() of a million digits takes minutes
        raise _BoundsError(f"the number {digits[:12]}... is out of range")
    return int(digits)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _BoundsError(f"the number {text[:20]} is out of range")
    return value


def _constant(text: str) -> Never:
    raise _BoundsError(f"{text} is no number of JSON")


def _check_tree(value: Any) -> None:
    """Refuse deep nesting and text that cannot be written again, without recursion."""
    level = [value]
    for _ in range(MAXIMUM_DEPTH + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict):
                inner.extend(item)
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return
        level = inner
    raise _BoundsError(f"nested deeper than {MAXIMUM_DEPTH} levels")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _BoundsError("text with half a surrogate pair") from None
