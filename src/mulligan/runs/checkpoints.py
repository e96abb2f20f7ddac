"""Checkpoints: a new folder each time, complete or absent, verified when read. Nothing is overwritten in place; no pickle.

    checkpoints/step-004096/
      generator.safetensors  discriminator.safetensors  ...   one file per group of tensors (a player)
      state.json                                              step, facts, and the SHA-256 of each file and of itself

A folder under its final name was renamed there when all its files were on the disk.
"""

import os
import re
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from mulligan.errors import CheckpointError, DiskError, UnsafeError
from mulligan.runs import safe_json, tensors
from mulligan.runs.folder import Run
from mulligan.runs.writing import UNFINISHED, disk_errors, sync_folder

Groups = dict[str, dict[str, Tensor]]
STATE = "state.json"
SCHEMA_VERSION = 1
_GROUP = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Checkpoint(NamedTuple):
    """A checkpoint that was read, and what was wrong with newer ones (`wrong`, to be said to the user)."""

    step: int
    groups: Groups
    facts: dict[str, Any]
    path: Path
    wrong: tuple[str, ...] = ()


def save(
    run: Run,
    step: int,
    groups: Mapping[str, Mapping[str, Tensor]],
    facts: dict[str, Any],
    keep: int = 2,
    others: Collection[int | None] = (),
) -> Path:
    """Save a checkpoint, then remove those that are no longer kept.

    groups: name (a player) -> name -> tensor; on any device, in any memory format, which comes back on load.
    facts: JSON values: controls, horizon, moments' counters, what is best so far.
    keep: how many of the newest are kept; others: steps that are kept beside them, those that are there. A checkpoint of a later step
    belongs to a past that was given up, and is removed. Returns the folder.
    Raises DiskError; what was saved before is then intact.
    """
    run.sweep()
    needed = sum(tensors.size(group) for group in groups.values())
    path = run.checkpoint(step)
    beside = path.with_name(f".{path.name}{UNFINISHED}")
    with disk_errors(path, needed):
        try:
            beside.mkdir(parents=True)
            _write(beside, step, groups, facts)
            _put_in_place(beside, path)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    _rotate(run, step, keep, others)
    return path


def load(path: Path) -> tuple[Groups, dict[str, Any]]:
    """Read a checkpoint folder: (groups, facts), checksums verified, tensors in fresh memory on the CPU.

    Raises CheckpointError naming the file that is absent or broken, UnsafeError for a file that no run writes.
    """
    state = _verified_state(path)
    groups = {name.removesuffix(".safetensors"): tensors.read(path / name) for name in state["files"]}
    return groups, state["facts"]


def newest(run: Run) -> Checkpoint | None:
    """The newest checkpoint that is complete and verifies; None if the run has none at all.

    What was wrong with newer ones stands in its `wrong`. Raises CheckpointError if there are some, but none can be used.
    """
    wrong: list[str] = []
    for step in reversed(run.checkpoint_steps()):
        try:
            groups, facts = load(run.checkpoint(step))
        except (CheckpointError, UnsafeError) as error:
            wrong.append(error.message)
        else:
            return Checkpoint(step, groups, facts, run.checkpoint(step), tuple(wrong))
    if wrong:
        raise CheckpointError(f"no checkpoint of {run.path} can be used: {'; '.join(wrong)}", "Start again with a new run")
    return None


def _write(folder: Path, step: int, groups: Mapping[str, Mapping[str, Tensor]], facts: dict[str, Any]) -> None:
    files = {}
    for name, group in groups.items():
        if not _GROUP.fullmatch(name):
            raise ValueError(f"group {name!r}: expected letters, digits, - and _")
        files[f"{name}.safetensors"] = tensors.write(folder / f"{name}.safetensors", group)
    state = {"schema_version": SCHEMA_VERSION, "step": step, "facts": facts, "files": files}
    with (folder / STATE).open("wb") as file:
        file.write(safe_json.dumps(state | {"sha256": _digest(state)}).encode())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def _put_in_place(beside: Path, path: Path) -> None:
    """Rename the complete folder to its name. Another one that stands there (a second try at a step) makes way and is removed."""
    if _is_same(beside, path):
        shutil.rmtree(beside)
        return
    past = path.with_name(f".{path.name}-removed{UNFINISHED}")
    if path.exists():
        os.rename(path, past)
    os.rename(beside, path)
    sync_folder(path.parent)
    shutil.rmtree(past, ignore_errors=True)


def _is_same(one: Path, other: Path) -> bool:
    """Whether a sound checkpoint with the same content stands there already: then the safest is to leave it alone."""
    try:
        return other.is_dir() and _verified_state(other) == _verified_state(one)
    except (CheckpointError, UnsafeError):
        return False


def _rotate(run: Run, step: int, keep: int, others: Collection[int | None]) -> None:
    """Remove what is no longer kept. A failed delete is logged and does not stop training; the next save tries again."""
    past = [other for other in run.checkpoint_steps() if other <= step]
    kept = {*past[-max(keep, 1) :], *others}
    for other in run.checkpoint_steps():
        if other in kept:
            continue
        path = run.checkpoint(other)
        going = path.with_name(f".{path.name}-removed{UNFINISHED}")
        try:
            os.rename(path, going)  # first the name, so that half of a checkpoint never stands under it
            shutil.rmtree(going)
        except OSError as error:
            _log(run, f"could not remove {path.name}: {error.strerror}")


def _log(run: Run, text: str) -> None:
    with suppress(DiskError):  # the log is the lesser loss: the checkpoint is saved
        run.log(text)


def _verified_state(path: Path) -> dict[str, Any]:
    file = path / STATE
    content = safe_json.read_bounded(file, safe_json.MAXIMUM_BYTES)
    state = safe_json.loads(content, str(file))
    fields = {"schema_version", "step", "facts", "files", "sha256"}
    if not isinstance(state, dict) or set(state) != fields or not isinstance(state["files"], dict) or not isinstance(state["facts"], dict):
        raise CheckpointError(f"{file} is no state of a checkpoint", "Use another checkpoint")
    written = state.pop("sha256")
    if written != _digest(state) or safe_json.dumps(state | {"sha256": written}).encode() != content:
        raise CheckpointError(f"{file} is damaged: its checksum does not fit", "Use another checkpoint")
    if state["schema_version"] != SCHEMA_VERSION:
        raise CheckpointError(f"{file} has schema {state['schema_version']}, expected {SCHEMA_VERSION}", "Use the version that wrote it")
    for name, digest in state["files"].items():
        if not _GROUP.fullmatch(name.removesuffix(".safetensors")) or not name.endswith(".safetensors"):
            raise UnsafeError(f"{file} names {name[:80]!r}, which is no file of a checkpoint", "Use a checkpoint that Mulligan wrote")
        _verify(path / name, digest)
    return state


def _verify(file: Path, digest: str) -> None:
    try:
        if not file.is_file():
            raise CheckpointError(f"{file} is missing", "Use another checkpoint")
        with file.open("rb") as opened:
            found = file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read ({error.strerror})", "Check the disk, or use another checkpoint") from error
    if found != digest:
        raise CheckpointError(f"{file} is damaged: its checksum does not fit", "Use another checkpoint")


def _digest(state: Mapping[str, Any]) -> str:
    return sha256(safe_json.dumps(dict(state)).encode()).hexdigest()
