"""Numbers and times as people write them: `200k` images, `1h30m` of training."""

import re

from mulligan.errors import UsageError

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}
_MOST = 10**15
_TIME = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?")


def parse_count(text: str | int, what: str) -> int:
    """A whole number from 1 on, such as 20000, 20_000, 20k or 1.5M; `what` names it in errors. Raises UsageError.

    >>> parse_count("200k", "--images"), parse_count("1.5M", "--images")
    (200000, 1500000)
    """
    words = str(text).strip().replace("_", "").replace(",", "")
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)([kKmM]?)", words)
    number = float(found[1]) * _UNITS[found[2].lower()] if found else 0.0
    if not 1 <= number <= _MOST or number != int(number):
        raise UsageError(f"{what} {str(text)[:40]}: expected a whole number from 1 on", "Write it as 20000 or 20k")
    return int(number)


def parse_seconds(text: str | float, what: str) -> float:
    """A time in seconds: written as 90s, 10m or 1h30m, or a plain number of seconds given in Python. Raises UsageError.

    >>> parse_seconds("1h30m", "--time"), parse_seconds("90s", "--time"), parse_seconds(2.5, "time")
    (5400.0, 90.0, 2.5)
    """
    if isinstance(text, str):
        found = _TIME.fullmatch(text.strip().lower())
        hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
        total = hours * 3600 + minutes * 60 + seconds
    else:
        total = float(text)
    if not 0 < total < _MOST:
        raise UsageError(f"{what} {str(text)[:40]}: expected a time", "Write it as 90s, 10m or 1h30m")
    return total


def say_count(number: int) -> str:
    """A number for a narrow place.

    >>> say_count(950), say_count(12_345), say_count(2_000_000)
    ('950', '12.3k', '2M')
    """
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return str(number)


def say_seconds(seconds: float) -> str:
    """A time for people.

    >>> say_seconds(8.2), say_seconds(95), say_seconds(5400)
    ('8 s', '1 min 35 s', '1 h 30 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    first, second = (divmod(whole, 60), ("min", "s")) if whole < 3600 else (divmod(whole // 60, 60), ("h", "min"))
    return f"{first[0]} {second[0]} {first[1]} {second[1]}" if first[1] else f"{first[0]} {second[0]}"
