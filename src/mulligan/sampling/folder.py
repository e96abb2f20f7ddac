"""The files of a model folder: where they are, that they are what they seem, and that a folder is replaced as a whole."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from mulligan.errors import CheckpointError, UnsafeError, UsageError
from mulligan.runs.writing import UNFINISHED, disk_errors, sync_folder
from mulligan.sampling.description import MENDING

DESCRIPTION = "model.json"
WEIGHTS = "weights.safetensors"
CARD = "README.md"
PICTURE = "samples.png"
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin", ".joblib", ".dill")


def model_folder(path: Path) -> Path:
    """The model folder that a path means: itself, or `model/` in a run folder. Raises CheckpointError, or UnsafeError for a pickle."""
    for folder in (path, path / "model"):
        if (folder / DESCRIPTION).exists():
            return folder
    if path.is_file():
        refuse_disguise(path, 8 if path.suffix == ".safetensors" else 0)
        raise CheckpointError(f"{path} is a file, expected a model folder or a run folder", "Give the folder that holds model.json")
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such model or run", "`mulligan runs list` shows the runs")
    for file in sorted(path.iterdir()):
        if file.suffix.lower() in _PICKLES:
            raise UnsafeError(f"{file} may run code when it is opened, and is not opened", MENDING)
    raise CheckpointError(f"{path} holds no model", "A run has one when it is finished: `mulligan resume` goes on with it")


def refuse_disguise(path: Path, place: int) -> None:
    """Raise UnsafeError for a file that is neither JSON (`place` 0) nor safetensors (`place` 8), whatever its name.

    In both, byte `place` opens a JSON object, which a pickle or an archive of pickles never has there. Files that are absent or
    shorter are left to their readers.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError:
        return
    rest = start[place:] if place else start.lstrip()
    if not rest.startswith(b"{") and (rest or start[:1] == b"\x80"):
        raise UnsafeError(
            f"{path} is neither JSON nor safetensors, and is not opened",
            "Pickles (.pt, .pth, .pkl, .ckpt) run code when they are opened; use a model that Mulligan saved",
        )


def replace_folder(to: Path, fill: Callable[[Path], None], needed: int) -> None:
    """Write a model folder beside its place and rename it there: complete, or what was there before.

    fill: writes the files into the folder it is given. needed: bytes of them, about.
    Raises DiskError; UsageError where something that is no model stands there.
    """
    if to.is_symlink() or (to.exists() and not _may_go(to)):
        raise UsageError(f"{to} exists and is no model folder", "Name another folder")
    beside, old = (to.with_name(f".{to.name[:100]}-{uuid4().hex[:8]}{UNFINISHED}") for _ in range(2))
    with disk_errors(to, needed):
        try:
            beside.mkdir(parents=True)
            fill(beside)
            sync_folder(beside)
            if to.exists():
                os.rename(to, old)
            os.rename(beside, to)
            sync_folder(to.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        start = f".{to.name[:100]}-"
        for stray in to.parent.iterdir():  # the older folder, and what a crash left of earlier ones
            if stray.name.startswith(start) and stray.name.endswith(UNFINISHED):
                shutil.rmtree(stray, ignore_errors=True)


def _may_go(folder: Path) -> bool:
    return folder.is_dir() and ((folder / DESCRIPTION).is_file() or not any(folder.iterdir()))
