"""Published sets of four idx files: found on this machine by their content, or downloaded from their official places."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mulligan.data.dataset import Dataset, Split, images
from mulligan.data.download import cache_folder, fetch, offline
from mulligan.data.idx import parse
from mulligan.data.pictures import channels_for, fit_all, side_for
from mulligan.errors import DataError, DiskError
from mulligan.marks import replace
from mulligan.recipe import Data


@dataclass(frozen=True)
class File:
    """One idx file: its usual name, the shape that it holds, and the SHA-256 of its unpacked content."""

    name: str
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True)
class Original:
    """A published set.

    files: train images, train labels, test images, test labels. urls: folders of its official places, tried in order.
    folders: where packages of an operating system put it. advice: what to do where it cannot be had.
    """

    name: str
    files: tuple[File, File, File, File]
    urls: tuple[str, ...]
    classes: tuple[str, ...]
    licence: str
    folders: tuple[str, ...] = ()
    advice: str = ""


def load_original(original: Original, request: Data) -> Dataset:
    """The set, with its published split. Raises DataError that names every place where it was looked for."""
    pixels, labels, test_pixels, test_labels = (_find(original, file) for file in original.files)
    height, width = pixels.shape[1:]
    side, channels = side_for(request, [(width, height)]), channels_for(request, grey=True)
    return images(
        request,
        Split(fit_all(pixels, side, channels), labels.astype(np.int64)),
        Split(fit_all(test_pixels, side, channels), test_labels.astype(np.int64)),
        original.classes,
        licence=original.licence,
    )


def found_in(original: Original) -> Path | None:
    """Folder of this machine that has the four files, or None; what is in them is checked when they are read."""
    for folder in (*_folders(original), cache_folder() / "data" / original.name):
        if all((folder / f"{file.name}.gz").is_file() or (folder / file.name).is_file() for file in original.files):
            return folder
    return None


def _find(original: Original, file: File) -> np.ndarray:
    """The content of one file, from the first place that has it."""
    tried: list[str] = []
    cached = cache_folder() / "data" / original.name
    for folder in (*_folders(original), cached):
        reason = "not there"
        for path in (folder / f"{file.name}.gz", folder / file.name):
            try:
                return parse(path.read_bytes(), file.shape, file.sha256)
            except FileNotFoundError:
                continue
            except OSError as error:
                reason = error.strerror or str(error)
            except ValueError as error:
                reason = str(error)
        tried.append(f"{folder}: {reason}")
    if offline():
        tried.append("the network: forbidden by MULLIGAN_OFFLINE")
    else:
        for url in original.urls:
            address = f"{url}{file.name}.gz"
            try:
                content = fetch(address, f"Downloading {original.name}: {file.name}", most=2 * int(np.prod(file.shape)) + 4096)
                array = parse(content, file.shape, file.sha256)
            except ValueError as error:
                tried.append(f"{address}: {error}")
                continue
            _keep(content, cached / f"{file.name}.gz")
            return array
    raise DataError(
        f"{original.name}: {file.name}.gz is in none of these places ({'; '.join(tried)})",
        f"Put the four files of {original.name} in one folder and name it in MULLIGAN_DATA{original.advice}",
    )


def _folders(original: Original) -> Iterator[Path]:
    given = os.environ.get("MULLIGAN_DATA")
    if given:
        yield Path(given) / original.name
        yield Path(given)
    yield from (Path(folder) for folder in original.folders)


def _keep(content: bytes, path: Path) -> None:
    """Put a file into the cache, complete or not at all."""
    with suppress(OSError, DiskError):  # a cache that cannot be written costs another download some day, and nothing now
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, lambda file: file.write(content))
