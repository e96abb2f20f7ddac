import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mulligan.errors import CheckpointError, UnsafeError
from mulligan.runs import safe_json

HOSTILE = {
    "nested arrays": b"[" * 50 + b"]" * 50,
    "nested beyond the stack": b"[" * 1_000_000,
    "nested objects": b'{"a":' * 200_000,
    "a number of a million digits": b"9" * 1_000_000,
    "a large number": b"[36893488147419103232]",
    "a large negative number": b"-36893488147419103232",
    "a float beyond the range": b'{"weight": 1e999}',
    "NaN": b'{"a": NaN}',
    "infinity": b"[-Infinity]",
    "a key twice": b'{"seed": 1, "seed": 2}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "half a surrogate pair as key": b'{"\\udfff": 1}',
}
BROKEN = {
    "empty": b"",
    "cut off": b'{"a": 1',
    "two values": b"1 2",
    "no text": b"\xff\xfe\x00",
    "pickle": b"\x80\x04\x95",
    "single quotes": b"{'a': 1}",
    "trailing comma": b"[1,]",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_f35_hostile_json_is_refused(case: str) -> None:
    begun = time.perf_counter()
    with pytest.raises(UnsafeError, match=r"recipe\.json") as caught:
        safe_json.loads(HOSTILE[case], "recipe.json")
    assert time.perf_counter() - begun < 5
    assert len(caught.value.message) < 300
    assert caught.value.exit_code == 8


@pytest.mark.parametrize("case", BROKEN)
def test_broken_json_is_named(case: str) -> None:
    with pytest.raises(CheckpointError, match=r"recipe\.json is no valid JSON"):
        safe_json.loads(BROKEN[case], "recipe.json")


def test_f35_a_large_file_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: takes no room on the disk, and would take a terabyte in memory
    with pytest.raises(UnsafeError, match=r"larger than the 8,388,608 bytes"):
        safe_json.read_json(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(CheckpointError, match="no such file"):
            safe_json.read_json(path)


def test_an_object_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(CheckpointError, match="holds a list, expected a JSON object"):
        safe_json.read_object(tmp_path / "list.json")


values = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**63) | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, database=None, max_examples=40)
@given(values)
def test_what_we_write_we_read(value: object) -> None:
    assert safe_json.loads(safe_json.dumps(value).encode(), "test") == value


@settings(deadline=None, database=None)
@given(some.binary(max_size=60))
def test_any_bytes_give_a_value_or_an_error_of_ours(content: bytes) -> None:
    try:
        value = safe_json.loads(content, "test")
    except (CheckpointError, UnsafeError):
        return
    assert json.loads(content) == value
