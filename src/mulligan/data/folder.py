"""A folder of images. Folders in it are classes; `train` and `test` in it are splits.

Images become squares of one size (centre, resized with antialiasing), uint8 in a file of the cache that is read as it is needed
(`decoded`): the next training of the same folder begins at once. Broken ones are left out and named; above one in twenty the folder is
refused.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mulligan.data import decoded
from mulligan.data.dataset import Dataset, Skipped, first_few, held_out, images
from mulligan.data.decoding import Job, decode
from mulligan.data.pictures import channels_for, side_for
from mulligan.data.progress import progress
from mulligan.data.scan import Found, UnusableError, find_images, printable, read_image
from mulligan.errors import DataError
from mulligan.recipe import Data

BY_PATH = True
MOST_BROKEN = 0.05
_LOOKED_AT = 64  # images that decide about size and colour


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
    found = find_images(root)
    state = found.state()
    kept = decoded.find(root, state, request) or _decoded(request, root, found, state)
    skipped = (*found.skipped, *kept.unusable)
    _judge(request.source, len(found.names) - len(kept.unusable), skipped)
    known = kept.fingerprint if request.labels else kept.plain
    return images(request, kept.train, kept.test, kept.classes, skipped, known=known)


def _decoded(request: Data, root: Path, found: Found, state: str) -> decoded.Decoded:
    """The images as squares, read anew unless they are kept for another request that comes to the same."""
    # Pillow warns of large images, for which scan has a limit of its own; what it says of odd metadata helps nobody here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        side, channels = _looked_at(request, root, found.names)
        wanted = request.model_copy(update={"size": side, "colour": "grey" if channels == 1 else "rgb"})
        kept = decoded.find(root, state, wanted)
        if kept is not None:
            return kept

        def fill(file: Path) -> decoded.Content:
            return _read(request.source, root, found, Job(str(root.absolute()), str(file), side, channels))

        return decoded.write(root, state, request, wanted, len(found.names), fill)


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


def _read(source: str, root: Path, found: Found, job: Job) -> decoded.Content:
    """Decode everything into the job's file, training samples first."""
    names = np.array(found.names, object)
    place = np.empty(len(names), np.int64)  # of each name: its row
    place[np.argsort(_held_out(found.names), kind="stable")] = np.arange(len(names))
    with progress("Reading images", len(names)) as advance:
        reasons = dict(decode(job, found.names, place.tolist(), advance))
    good = np.array([row not in reasons for row in place.tolist()], bool)
    unusable = tuple(Skipped(printable(name), reasons[row]) for name, row in zip(names, place.tolist(), strict=True) if row in reasons)
    _judge(source, int(good.sum()), [*found.skipped, *unusable])
    kept = names[good].tolist()
    held = _held_out(kept)
    inside = _inside(kept)
    classes = _classes(inside)
    numbers = {name: number for number, name in enumerate(classes)}
    order = np.argsort(held, kind="stable")
    label = np.array([numbers[_top(inside[where])] for where in order], np.int64) if classes else None
    rows = place[good]
    return decoded.Content(rows[~held], rows[held], label, classes, unusable)


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


def _held_out(names: Sequence[str]) -> np.ndarray:
    """Which images (N,) bool are held out: those in a folder `test`, or some by their names."""
    return np.array([_top(name) == "test" for name in names]) if _is_split(names) else held_out(names)


def _inside(names: Sequence[str]) -> list[str]:
    """Names below the folder of their split."""
    return [name.partition("/")[2] for name in names] if _is_split(names) else list(names)


def _is_split(names: Sequence[str]) -> bool:
    """Whether everything stands in the two folders `train` and `test`."""
    return {_top(name) for name in names} == {"train", "test"}


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
