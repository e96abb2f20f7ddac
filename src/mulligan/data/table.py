"""A .csv file of numbers: each row is a point, each column one of its coordinates, with or without a first line of names."""

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

import numpy as np

from mulligan.data.dataset import Dataset, held_out, points, split_by
from mulligan.data.scan import printable
from mulligan.errors import DataError
from mulligan.recipe import Data

BY_PATH = True
MOST_COLUMNS = 4096
_LARGEST = float(np.finfo(np.float32).max)
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}

Row = tuple[int, list[str]]  # the line of the file that it ends on, from 1; its cells


def accepts(source: str) -> bool:
    """Whether the source is a .csv file."""
    return Path(source).suffix.lower() == ".csv" and Path(source).is_file()


def load(request: Data) -> Dataset:
    """All rows as float32 points, a tenth of a hundred or more held out by a hash of their position.

    Commas, UTF-8 with or without a byte order mark; lines that start with # and empty ones are stepped over. Raises DataError that names
    row and column for a cell that is no finite number.
    """
    path = Path(request.source)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns, target = _parsed(_rows(file, path), path)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", "Check its name and your permissions") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start})", "Save it as CSV UTF-8") from None
    train, test = split_by(held_out([str(place) for place in range(len(target))]), target, None)
    return points(request, train, test, columns)


def _rows(file: TextIO, path: Path) -> Iterator[Row]:
    reader = csv.reader(file, strict=True)
    try:
        for cells in reader:
            if cells and not cells[0].startswith("#") and (len(cells) > 1 or cells[0].strip()):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{path}: row {reader.line_num} cannot be read ({error})", "Check its quotation marks") from None


def _parsed(rows: Iterator[Row], path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the columns, and all rows float32 (N, D)."""
    first = next(rows, None)
    if first is None:
        raise DataError(f"{path} is empty", "Expected a line of names and rows of numbers")
    line, cells = first
    _check_delimiter(cells, line, path)
    if len(cells) > MOST_COLUMNS:
        raise DataError(f"{path}: row {line} has {len(cells)} columns (at most {MOST_COLUMNS})", "Use fewer columns")
    named = not all(_is_number(cell) for cell in cells)
    columns = _names(cells, line, path) if named else tuple(f"x{place + 1}" for place in range(len(cells)))
    numbers: array[float] = array("d")
    empty = [0] * len(columns)  # rows in which a column is empty
    first_gap: tuple[int, int] | None = None
    count = 0
    for line, cells in rows if named else chain([first], rows):
        if len(cells) != len(columns):
            raise DataError(f"{path}: row {line} has {len(cells)} cells, and {len(columns)} were expected", "Check its commas")
        for place, cell in enumerate(cells):
            if cell.strip():
                numbers.append(_number(cell, f"{path}: row {line}, column {place + 1} ({printable(columns[place])})"))
            else:
                numbers.append(0.0)
                empty[place] += 1
                first_gap = first_gap or (line, place)
        count += 1
    if count == 0:
        raise DataError(f"{path} has names of columns and no rows", "Expected rows of numbers below them")
    if first_gap is not None:
        raise _gap(path, columns, empty, count, first_gap)
    return columns, np.frombuffer(numbers, np.float64).astype(np.float32).reshape(-1, len(columns))


def _check_delimiter(cells: Sequence[str], line: int, path: Path) -> None:
    if len(cells) == 1:
        for delimiter, name in _OTHER_DELIMITERS.items():
            if delimiter in cells[0]:
                raise DataError(f"{path}: row {line} has one column with {name} in it", "Save it with commas between the columns")


def _names(cells: Sequence[str], line: int, path: Path) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if name and name in places:
            raise DataError(
                f"{path}: row {line}, columns {places[name] + 1} and {place + 1} are both named {printable(name)}", "Give each its own name"
            )
        places[name] = place
    return tuple(name or f"x{place + 1}" for place, name in enumerate(names))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(cell: str, where: str) -> float:
    if not _is_number(cell):
        raise DataError(f"{where}: {printable(cell.strip())[:40]!r} is no number", "Expected numbers as 3.14; remove other columns")
    number = float(cell)
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise DataError(f"{where}: {cell.strip()[:40]} is not finite, or too large", "Remove that row")
    return number


def _gap(path: Path, columns: Sequence[str], empty: Sequence[int], count: int, first: tuple[int, int]) -> DataError:
    whole = [place for place, gaps in enumerate(empty) if gaps == count]
    if whole:
        return DataError(f"{path}: column {whole[0] + 1} ({printable(columns[whole[0]])}) is empty in every row", "Remove that column")
    line, place = first
    return DataError(
        f"{path}: row {line}, column {place + 1} ({printable(columns[place])}) is empty, one of {sum(empty)} empty cells",
        "Fill them, or remove those rows",
    )
