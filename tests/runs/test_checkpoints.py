import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mulligan.errors import CheckpointError, DiskError, UnsafeError
from mulligan.runs import checkpoints, safe_json
from mulligan.runs.checkpoints import Groups
from mulligan.runs.folder import Run

Limit = Callable[[int], AbstractContextManager[None]]
PlainUser = Callable[[], AbstractContextManager[None]]
SAVER = Path(__file__).with_name("saver.py")


def same(one: Groups, other: Groups) -> bool:
    return {name: set(group) for name, group in one.items()} == {name: set(group) for name, group in other.items()} and all(
        torch.equal(tensor, other[name][key]) and tensor.dtype == other[name][key].dtype and tensor.stride() == other[name][key].stride()
        for name, group in one.items()
        for key, tensor in group.items()
    )


def strays(run: Run) -> list[str]:
    return [path.name for path in run.checkpoints.iterdir() if path.name.startswith(".")]


def test_what_was_saved_comes_back(run: Run, groups: Groups) -> None:
    facts = {"horizon": 1000, "rate": 0.1 + 0.2, "names": ["a", "ü"], "best": None}
    path = checkpoints.save(run, 4096, groups, facts)
    assert path == run.path / "checkpoints" / "step-004096"
    loaded, found = checkpoints.load(path)
    assert same(loaded, groups)
    assert found == facts


@pytest.mark.parametrize(
    "tensor",
    [
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.randn(4, 1, 3, 3).to(memory_format=torch.channels_last),
        torch.randn(3, 5).t(),
        torch.randn(3, 4)[:, ::2],
        torch.randn(1, 1).expand(3, 4),
        torch.randn(3, requires_grad=True),
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.arange(3, dtype=torch.uint8),
    ],
    ids=["channels last", "one channel", "transposed", "strided", "expanded", "with gradient", "scalar", "bytes"],
)
def test_memory_format_comes_back_where_it_is_dense(run: Run, tensor: Tensor) -> None:
    loaded, _ = checkpoints.load(checkpoints.save(run, 0, {"player": {"tensor": tensor}}, {}))
    found = loaded["player"]["tensor"]
    assert torch.equal(found, tensor)
    assert not found.requires_grad
    dense = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    assert found.stride() == (tensor.stride() if dense else tensor.contiguous().stride())


def test_loaded_tensors_are_fresh_and_aligned(run: Run, groups: Groups) -> None:
    path = checkpoints.save(run, 0, groups, {})
    loaded, _ = checkpoints.load(path)
    for group in loaded.values():
        for tensor in group.values():
            assert tensor.data_ptr() % 16 == 0
            tensor.zero_()
    assert same(checkpoints.load(path)[0], groups)


def test_no_checkpoint_is_none(run: Run) -> None:
    assert checkpoints.newest(run) is None


def test_saving_the_same_again_leaves_it_alone(run: Run, groups: Groups) -> None:
    path = checkpoints.save(run, 5, groups, {"a": 1})
    before = path.stat().st_ino
    assert checkpoints.save(run, 5, groups, {"a": 1}).stat().st_ino == before
    checkpoints.save(run, 5, groups, {"a": 2})
    assert checkpoints.load(path)[1] == {"a": 2}
    assert strays(run) == []


def test_f10_rotation_keeps_the_newest_and_the_best(run: Run, groups: Groups) -> None:
    for step in range(0, 60, 10):
        checkpoints.save(run, step, groups, {}, keep=2, others=(min(step, 10), None))
    assert run.checkpoint_steps() == [10, 40, 50]
    assert strays(run) == []


def test_f10_going_back_removes_the_future_that_was_given_up(run: Run, groups: Groups) -> None:
    for step in (10, 20, 30):
        checkpoints.save(run, step, groups, {}, keep=5)
    checkpoints.save(run, 15, groups, {}, keep=2)
    assert run.checkpoint_steps() == [10, 15]


def test_f10_a_failed_delete_does_not_stop_training(open_folder: Path, groups: Groups, plain_user: PlainUser) -> None:
    run = Run(open_folder / "run").prepare()
    for folder in (run.path, run.checkpoints):
        folder.chmod(0o777)
    with plain_user():
        old = checkpoints.save(run, 1, groups, {}, keep=1)
        old.chmod(0o555)
        checkpoints.save(run, 2, groups, {}, keep=1)
        assert run.checkpoint_steps() == [2]  # half of a checkpoint never stands under its name
        assert "could not remove step-000001" in run.log_file.read_text()
        run.checkpoints.joinpath(strays(run)[0]).chmod(0o755)
        checkpoints.save(run, 3, groups, {}, keep=1)
    assert strays(run) == []


def test_f01_killed_at_random_points(run: Run) -> None:
    killed_at_random_points(run, 4)


@pytest.mark.slow
def test_f01_killed_at_twenty_random_points(run: Run) -> None:
    results = killed_at_random_points(run, 20)
    assert any(result["strays"] for result in results), "no kill fell inside a save: the test shows nothing"


def killed_at_random_points(run: Run, kills: int) -> list[dict[str, object]]:
    command = [sys.executable, SAVER, run.path, str(kills), "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    results: list[dict[str, object]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == kills
    for result in results:
        assert result["sound"]
        assert result["wrong"] == []
        assert result["found"] in (result["told"], int(str(result["told"])) + 1)
    assert strays(run) == []  # one save later
    return results


class Deadly(dict[str, dict[str, Tensor]]):
    """Groups that kill their process once the first of them is written."""

    def items(self) -> Any:
        for count, pair in enumerate(super().items()):
            if count == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            yield pair


def test_f04_killed_between_two_files(run: Run, groups: Groups) -> None:
    checkpoints.save(run, 1, groups, {})
    child = os.fork()
    if child == 0:
        checkpoints.save(run, 2, Deadly(groups), {})
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    (stray,) = strays(run)
    assert [path.name for path in (run.checkpoints / stray).iterdir()] == ["generator.safetensors"]
    found = checkpoints.newest(run)
    assert found is not None
    assert (found.step, found.wrong) == (1, ())
    with pytest.raises(CheckpointError, match=r"state\.json"):
        checkpoints.load(run.checkpoints / stray)
    checkpoints.save(run, 2, groups, {})
    assert strays(run) == []


@pytest.mark.parametrize("only_state", [False, True], ids=["all files", "state alone"])
def test_f02_no_space_at_any_byte(run: Run, groups: Groups, limited: Limit, only_state: bool) -> None:
    groups = {} if only_state else groups
    checkpoints.save(run, 1, groups, {"a": "x" * 300})
    largest = max(path.stat().st_size for path in run.checkpoint(1).iterdir())
    for size in [*range(0, largest, 17), largest - 1]:
        with limited(size), pytest.raises(DiskError, match=r"no space left .* it needs .* are free") as caught:
            checkpoints.save(run, 2, groups, {"a": "x" * 300})
        assert caught.value.exit_code == 7
        assert strays(run) == []
        assert run.checkpoint_steps() == [1]
    assert same(checkpoints.load(run.checkpoint(1))[0], groups)
    checkpoints.save(run, 2, groups, {})
    assert run.checkpoint_steps() == [1, 2]


def test_f03_read_only_folder(open_folder: Path, groups: Groups, plain_user: PlainUser) -> None:
    run = Run(open_folder / "run").prepare()
    checkpoints.save(run, 1, groups, {})
    run.checkpoints.chmod(0o555)
    with plain_user(), pytest.raises(DiskError, match="may not be written") as caught:
        checkpoints.save(run, 2, groups, {})
    assert caught.value.exit_code == 7
    found = checkpoints.newest(run)
    assert found is not None
    assert same(found.groups, groups)


def test_f03_a_file_in_the_way(run: Run, groups: Groups) -> None:
    run.checkpoints.rmdir()
    run.checkpoints.write_text("not a folder")
    with pytest.raises(DiskError, match="cannot be written"):
        checkpoints.save(run, 2, groups, {})


FILES = ("generator.safetensors", "discriminator.safetensors", "state.json")


@pytest.mark.parametrize("name", FILES)
def test_f05_one_byte_flipped(run: Run, groups: Groups, name: str) -> None:
    checkpoints.save(run, 1, groups, {})
    file = checkpoints.save(run, 2, groups, {"rate": 0.25, "words": ["of", "some"]}) / name
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        expect_the_one_before(run, name)
    file.write_bytes(content)
    found = checkpoints.newest(run)
    assert found is not None
    assert (found.step, found.wrong) == (2, ())


@pytest.mark.parametrize("name", FILES)
def test_f05_tail_cut_off_or_file_gone(run: Run, groups: Groups, name: str) -> None:
    checkpoints.save(run, 1, groups, {})
    file = checkpoints.save(run, 2, groups, {}) / name
    content = file.read_bytes()
    for size in (0, 1, 7, 8, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:size])
        expect_the_one_before(run, name)
    file.unlink()
    expect_the_one_before(run, name)


def expect_the_one_before(run: Run, name: str) -> None:
    found = checkpoints.newest(run)
    assert found is not None
    assert found.step == 1
    (wrong,) = found.wrong
    assert str(run.checkpoint(2) / name) in wrong


def test_f05_none_left(run: Run, groups: Groups) -> None:
    for step in (1, 2):
        (checkpoints.save(run, step, groups, {}) / "generator.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"no checkpoint .*step-000002.*step-000001") as caught:
        checkpoints.newest(run)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["../../recipe.json", "/etc/passwd", "a/b.safetensors", "..safetensors", "x.pt"])
def test_f35_a_file_name_that_leaves_the_folder(run: Run, groups: Groups, name: str) -> None:
    path = checkpoints.save(run, 1, groups, {})
    state = safe_json.read_object(path / checkpoints.STATE)
    state["files"] = {name: state["files"]["generator.safetensors"]}
    del state["sha256"]
    state["sha256"] = checkpoints._digest(state)  # whoever made this file could do that too
    (path / checkpoints.STATE).write_text(safe_json.dumps(state))
    with pytest.raises(UnsafeError, match="no file of a checkpoint"):
        checkpoints.load(path)


def test_groups_have_plain_names(run: Run, groups: Groups) -> None:
    with pytest.raises(ValueError, match="expected letters"):
        checkpoints.save(run, 1, {"../generator": groups["generator"]}, {})


def test_facts_must_be_finite(run: Run, groups: Groups) -> None:
    with pytest.raises(ValueError, match="JSON"):
        checkpoints.save(run, 1, groups, {"distance": float("nan")})
    assert strays(run) == []
