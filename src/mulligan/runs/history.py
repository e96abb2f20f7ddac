"""history.jsonl: one line per report, appended; cut back to a checkpoint on resume."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mulligan.errors import CheckpointError
from mulligan.runs import safe_json
from mulligan.runs.folder import Run
from mulligan.runs.writing import disk_errors, write_bytes

MAXIMUM_BYTES = 256 * 1024**2
FINAL = "final"  # marks a line off the report grid, which an uninterrupted longer run would not have written
CLOCKS = ("seconds", "seconds.probing")  # columns that a clock decides: they differ between two runs that are the same
Line = dict[str, Any]


def append(run: Run, line: Mapping[str, Any]) -> None:
    """Append a line: step, images, seconds and the named figures (numbers; one that is not finite becomes null). Raises DiskError."""
    append_line(run.history_file, line)


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line to a JSON-lines file of a run; half a line that a crash left is cut off first. Raises DiskError."""
    text = json.dumps({key: _plain(value) for key, value in line.items()}, ensure_ascii=False, allow_nan=False) + "\n"
    with disk_errors(path, len(text)):
        _cut_half_line(path)
        with path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())


def read(run: Run) -> list[Line]:
    """All complete lines, in order; empty if there is no history yet."""
    return read_lines(run.history_file)


def read_lines(path: Path) -> list[Line]:
    """All complete lines of a JSON-lines file. A last half line is ignored; any other broken line raises CheckpointError."""
    if not path.exists():
        return []
    *complete, _ = safe_json.read_bounded(path, MAXIMUM_BYTES).split(b"\n")
    lines = [safe_json.loads(line, f"{path}, line {number}") for number, line in enumerate(complete, 1) if line.strip()]
    if not all(isinstance(line, dict) for line in lines):
        raise CheckpointError(f"{path} holds lines that are no JSON objects", "Use a file that Mulligan wrote")
    return lines


def cut(run: Run, step: int) -> None:
    """Go back to a checkpoint: drop lines beyond its step and lines marked final, and the samples of dropped lines and beyond."""
    dropped = {line.get("step") for line in read(run) if _is_beyond(line, step)}
    for path in (run.history_file, run.metrics_file):
        if path.exists():
            _keep(path, [line for line in read_lines(path) if not _is_beyond(line, step)])
    for sample in run.sample_steps():
        if sample > step or sample in dropped:
            for file in (run.sample_grid(sample), run.sample_array(sample)):
                with disk_errors(file):
                    file.unlink(missing_ok=True)


def _is_beyond(line: Line, step: int) -> bool:
    return bool(line.get(FINAL)) or not isinstance(line.get("step"), int) or line["step"] > step


def _keep(path: Path, lines: list[Line]) -> None:
    write_bytes(path, "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines).encode())


def _plain(value: Any) -> Any:
    """A JSON value from a Python, numpy or torch number."""
    if value is None or isinstance(value, (str, bool, int, list, tuple, dict)):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def _cut_half_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        if not path.is_file() or end == 0:
            return
        file.seek(end - 1)
        if file.read(1) == b"\n":
            return
        file.seek(max(0, end - safe_json.MAXIMUM_BYTES))
        tail = file.read()
        file.truncate(end - len(tail) + tail.rfind(b"\n") + 1)
