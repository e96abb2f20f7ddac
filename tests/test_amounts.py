"""Numbers and times as people write them."""

import pytest

from mulligan.amounts import parse_count, parse_seconds, say_seconds
from mulligan.errors import UsageError


@pytest.mark.parametrize(("text", "number"), [("20000", 20_000), ("20_000", 20_000), ("200k", 200_000), ("1.5M", 1_500_000), (7, 7)])
def test_counts(text: str | int, number: int) -> None:
    assert parse_count(text, "--images") == number


@pytest.mark.parametrize("text", ["", "0", "-3", "1.5", "k", "1e9", "10m10", "9" * 400, "nan", "0.0001k"])
def test_no_counts(text: str) -> None:
    with pytest.raises(UsageError, match="--images"):
        parse_count(text, "--images")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("0.5h", 1800), ("2min", 120), (" 5S ", 5), (3, 3.0), (0.5, 0.5)]
)
def test_times(text: str | float, seconds: float) -> None:
    assert parse_seconds(text, "--time") == seconds


@pytest.mark.parametrize("text", ["", "10", "0s", "m", "-5s", "5s10m", "1d", "inf", float("inf"), float("nan"), 0, -1])
def test_no_times(text: str | float) -> None:
    with pytest.raises(UsageError, match="--time"):
        parse_seconds(text, "--time")


def test_times_for_people() -> None:
    assert [say_seconds(seconds) for seconds in (0.2, 59.6, 60, 3599.7, 7260)] == ["0 s", "1 min", "1 min", "1 h", "2 h 1 min"]
