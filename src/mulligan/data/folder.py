"""A folder of images. Folders in it are classes; `train` and `test` in it are splits.

Images become squares of one size (centre, resized with antialiasing) and stay in memory as uint8. Broken ones are left out and named;
above one in twenty the folder is refused.
"""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from mulligan.data.dataset import Dataset, Skipped, first_few, held_out, images, split_by
from mulligan.data.pictures import channels_for, side_for, square
from mulligan.data.progress import progress
from mulligan.data.scan import UnusableError, find_images, printable, read_image
from mulligan.errors import DataError
from mulligan.recipe import Data

BY_PATH = True
MOST_BROKEN = 0.05
_LOOKED_AT = 64  # images that decide about size and colour
_AT_ONCE = 32  # short enough to stop soon when a signal arrives


def accepts(source: str) -> bool:
    """Whether the source is a folder."""
    return Path(source).is_dir()


def load(request: Data) -> Dataset:
    """All good images below the folder.

    Labels are the folders next below it (or below `train` and `test`), where there are at least two and no image lies beside them.
    Without `test`, about a tenth of a hundred or more images is held out, by a hash of their names.
    Raises DataError where there are none, or more than one in twenty is broken.
    """
    root = Path(request.source)
    names, skipped = find_images(root)
    # Pillow warns of large images, for which scan has a limit of its own; what it says of odd metadata helps nobody here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        side, channels = _looked_at(request, root, names)
        target, good, unusable = _read(root, names, side, channels)
    _judge(request.source, len(good), [*skipped, *unusable])
    splits, inside = _splits(good)
    classes = _classes(inside) if request.labels else ()
    label = np.array([classes.index(_top(name)) for name in inside], np.int64) if classes else None
    held = splits if splits is not None else held_out(good)
    train, test = split_by(held, target, label)
    return images(request, train, test, classes, (*skipped, *unusable))


def _looked_at(request: Data, root: Path, names: Sequence[str]) -> tuple[int, int]:
    """The side and the number of channels, from some images all over the folder."""
    sizes: list[tuple[int, int]] = []
    grey = True
    step = max(1, len(names) // _LOOKED_AT)
    for name in names[::step][:_LOOKED_AT]:
        try:
            image = read_image(root / name, _LOOKED_AT)
        except UnusableError:
            continue
        sizes.append(image.size)
        grey = grey and _is_grey(image)
    return side_for(request, sizes), channels_for(request, grey)


def _is_grey(image: Image.Image) -> bool:
    if image.mode == "L":
        return True
    pixels = np.asarray(image.resize((32, 32), Image.Resampling.BOX)).astype(np.int16)
    return int(np.ptp(pixels, axis=-1).max()) <= 2  # rounding of a grey JPEG


def _read(root: Path, names: Sequence[str], side: int, channels: int) -> tuple[np.ndarray, list[str], list[Skipped]]:
    """Pixels of the good images, uint8 (N, channels, side, side), their names, and the others."""
    target = np.empty((len(names), channels, side, side), np.uint8)
    good: list[str] = []
    unusable: list[Skipped] = []

    def read_one(name: str) -> np.ndarray | str:
        try:
            return square(read_image(root / name, side), side, channels)
        except UnusableError as error:
            return str(error)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool, progress("Reading images", len(names)) as advance:
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            for name, result in zip(part, pool.map(read_one, part), strict=True):
                if isinstance(result, str):
                    unusable.append(Skipped(printable(name), result))
                else:
                    target[len(good)] = result
                    good.append(name)
            advance(len(part))
    return target[: len(good)], good, unusable


def _judge(source: str, good: int, skipped: Sequence[Skipped]) -> None:
    broken = [skip for skip in skipped if skip.broken]
    if not good and not broken:
        others = first_few(skipped)
        raise DataError(f"{source}: no images in it{f' ({others})' if others else ''}", "Give a folder of PNG, JPEG or WebP images")
    share = len(broken) / (good + len(broken))
    if share > MOST_BROKEN:
        raise DataError(
            f"{source}: {len(broken)} of {good + len(broken)} images cannot be used, more than {MOST_BROKEN:.0%} ({first_few(broken)})",
            "Remove or mend them",
        )


def _splits(names: Sequence[str]) -> tuple[np.ndarray | None, list[str]]:
    """Which images (N,) bool belong to `test`, and all names below the folder of their split; None where there are no such folders."""
    tops = {_top(name) for name in names}
    if tops == {"train", "test"} and not any("/" not in name for name in names):
        return np.array([_top(name) == "test" for name in names]), [name.partition("/")[2] for name in names]
    return None, list(names)


def _classes(names: Sequence[str]) -> tuple[str, ...]:
    """Names of the folders that hold the images, in order (numbers by their value); none where they say nothing."""
    if any("/" not in name for name in names):
        return ()
    tops = {_top(name) for name in names}
    if len(tops) < 2:
        return ()
    numbers = all(top.isdecimal() for top in tops)
    return tuple(sorted(tops, key=lambda top: (int(top) if numbers else 0, top)))


def _top(name: str) -> str:
    return name.partition("/")[0]
