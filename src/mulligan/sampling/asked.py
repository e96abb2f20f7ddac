"""What people ask for in words: seeds, grids, labels; each with its limits."""

import re
from collections.abc import Sequence

import numpy as np

from mulligan.errors import UsageError
from mulligan.find import suggestion

MOST_SAMPLES = 1_000_000  # in one request
MOST_CELLS = 10_000  # of one grid
_MOST_SEED = 2**63


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds as people write them: numbers and ranges, both ends included. Raises UsageError.

    >>> parse_seeds("0-3,77")
    (0, 1, 2, 3, 77)
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,19})(?:\s*-\s*([0-9]{1,19}))?\s*", part)
        if found is None:
            raise UsageError(f"--seeds {text[:40]}: expected numbers and ranges", "Write it as 0-99 or 0-9,77")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or last >= _MOST_SEED:
            raise UsageError(f"--seeds {text[:40]}: {part.strip()} is no range of seeds", "Write the smaller one first, below 2^63")
        if len(seeds) + last - first + 1 > MOST_SAMPLES:
            raise UsageError(f"--seeds {text[:40]}: more than {MOST_SAMPLES:,} seeds", "Ask for them in parts")
        seeds.extend(range(first, last + 1))
    return tuple(seeds)


def parse_grid(text: str) -> tuple[int, int]:
    """A grid as (columns, rows). Raises UsageError.

    >>> parse_grid("10x8")
    (10, 8)
    """
    found = re.fullmatch(r"\s*([0-9]{1,5})\s*[xX×]\s*([0-9]{1,5})\s*", text)
    columns, rows = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= columns * rows <= MOST_CELLS:
        raise UsageError(f"--grid {text[:40]}: expected columns x rows, at most {MOST_CELLS:,} cells", "Write it as 10x10")
    return columns, rows


def written_labels(labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Labels (N,) by position as files hold them, so that `find_label` finds the same classes in them.

    The class's own number where all names are numbers; the position where none is; else the name.

    >>> written_labels(np.array([0, 2]), ("5", "7", "9")), written_labels(np.array([0, 1]), ("Dress", "Bag"))
    (array([5, 9]), array([0, 1]))
    """
    numbers = [name.isascii() and name.isdigit() for name in classes]
    if not any(numbers):
        return labels
    plain = all(numbers) and all(name == str(int(name)) for name in classes)
    written: np.ndarray = np.array([int(name) for name in classes] if plain else list(classes))[labels]
    return written


def find_label(asked: int | str, classes: Sequence[str]) -> int:
    """The number of a class, by its name or its number. Raises UsageError with what there is.

    >>> find_label("Bag", ("Dress", "Bag")), find_label("0", ("Dress", "Bag"))
    (1, 0)
    """
    if not classes:
        raise UsageError(f"label {str(asked)[:40]}: this model has no classes", "Train with conditional=true, or give no label")
    text = str(asked)
    for wanted, names in ((text, classes), (text.casefold(), [name.casefold() for name in classes])):
        if wanted in names:
            return list(names).index(wanted)
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        number = int(text)
        if 0 <= number < len(classes):
            return number
        raise UsageError(f"label {text[:40]}: expected 0 to {len(classes) - 1}", f"Classes are: {_listed(classes)}")
    raise UsageError(f"label {text[:40]}: no such class", suggestion(text, classes) if len(classes) <= 1000 else "")


def _listed(classes: Sequence[str]) -> str:
    shown = [name[:40] for name in classes[:12]]
    return ", ".join(shown) + (", ..." if len(classes) > 12 else "")
