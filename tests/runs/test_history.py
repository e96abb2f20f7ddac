import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pytest
import torch

from mulligan.errors import CheckpointError, DiskError, UnsafeError
from mulligan.runs import history
from mulligan.runs.folder import Run


def fill(run: Run, *steps: int) -> None:
    for step in steps:
        history.append(run, {"step": step, "images": 64 * step, "seconds": 0.5})
        run.sample_grid(step).write_bytes(b"png")


def test_lines_come_back_in_order(run: Run) -> None:
    assert history.read(run) == []
    fill(run, 0, 10)
    history.append(run, {"step": 20, "a": np.float32(0.5), "b": torch.tensor(2.0), "c": np.int64(3), "d": 0.1 + 0.2, "final": True})
    assert history.read(run)[1:] == [
        {"step": 10, "images": 640, "seconds": 0.5},
        {"step": 20, "a": 0.5, "b": 2.0, "c": 3, "d": 0.1 + 0.2, "final": True},
    ]


def test_numbers_that_are_not_finite_become_null(run: Run) -> None:
    history.append(run, {"step": 1, "a": float("nan"), "b": torch.tensor(float("inf")), "c": None})
    assert json.loads(run.history_file.read_text()) == {"step": 1, "a": None, "b": None, "c": None}


@pytest.mark.parametrize("half", ['{"step": 2', '{"step": 20, "images": 12', "{", '{"step": 20}'])
def test_half_a_line_after_a_crash_is_ignored_and_cut_off(run: Run, half: str) -> None:
    fill(run, 0, 10)
    with run.history_file.open("a") as file:
        file.write(half)
    assert [line["step"] for line in history.read(run)] == [0, 10]
    fill(run, 20)
    assert [line["step"] for line in history.read(run)] == [0, 10, 20]


def test_only_half_a_line(run: Run) -> None:
    run.history_file.write_text('{"step"')
    assert history.read(run) == []
    fill(run, 0)
    assert [line["step"] for line in history.read(run)] == [0]


def test_a_broken_line_in_the_middle_is_named(run: Run) -> None:
    run.history_file.write_text('{"step": 0}\n{"step"\n{"step": 2}\n')
    with pytest.raises(CheckpointError, match=r"history\.jsonl, line 2"):
        history.read(run)
    run.history_file.write_text("[1]\n")
    with pytest.raises(CheckpointError, match="no JSON objects"):
        history.read(run)
    run.history_file.write_text('{"step": NaN}\n')
    with pytest.raises(UnsafeError, match="line 1"):
        history.read(run)


def test_cut_goes_back_to_a_checkpoint(run: Run) -> None:
    fill(run, 0, 10, 20, 30)
    run.real_grid.write_bytes(b"png")
    history.append_line(run.metrics_file, {"step": 10, "distance": 1.0})
    history.append_line(run.metrics_file, {"step": 30, "distance": 0.5})
    history.cut(run, 20)
    assert [line["step"] for line in history.read(run)] == [0, 10, 20]
    assert [line["step"] for line in history.read_lines(run.metrics_file)] == [10]
    assert run.sample_steps() == [0, 10, 20]
    assert run.real_grid.exists()


def test_cut_drops_a_final_line_that_a_longer_run_would_not_have(run: Run) -> None:
    fill(run, 0, 10)
    history.append(run, {"step": 14, "final": True})
    run.sample_grid(14).write_bytes(b"png")
    history.cut(run, 14)
    assert [line["step"] for line in history.read(run)] == [0, 10]
    assert run.sample_steps() == [0, 10]


def test_cut_to_where_it_stands_changes_no_byte(run: Run) -> None:
    fill(run, 0, 10)
    history.append(run, {"step": 20, "ü": 0.1 + 0.2})
    before = run.history_file.read_bytes()
    history.cut(run, 20)
    assert run.history_file.read_bytes() == before


def test_f02_no_space_for_a_line(run: Run, limited: Callable[[int], AbstractContextManager[None]]) -> None:
    fill(run, 0)
    length = run.history_file.stat().st_size
    for more in range(0, length, 3):
        with limited(length + more), pytest.raises(DiskError, match="no space left"):
            fill(run, 1)
        assert [line["step"] for line in history.read(run)] == [0]
    fill(run, 2)
    assert [line["step"] for line in history.read(run)] == [0, 2]


def test_f02_a_full_device(run: Run) -> None:
    run.history_file.symlink_to("/dev/full")
    with pytest.raises(DiskError, match=r"no space left .* needs 59 bytes.*No space left on device") as caught:
        history.append(run, {"step": 0, "text": "x" * 35})
    assert caught.value.exit_code == 7


def test_f03_an_input_output_error(run: Run) -> None:
    fill(run, 0)
    beside = run.path / ".history.jsonl.writing"
    beside.symlink_to("/proc/self/mem")  # byte 0 of the memory of a process: a real EIO
    with pytest.raises(DiskError, match="Input/output error") as caught:
        history.cut(run, 0)
    assert caught.value.exit_code == 7
    assert [line["step"] for line in history.read(run)] == [0]
    assert not beside.is_symlink()
