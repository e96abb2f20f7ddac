"""Fill the last column of docs/faults.md from the names of the tests (`test_f05_...`); with --check, only say whether it is right."""

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "faults.md"


def tested_in() -> dict[int, list[str]]:
    """Number of a fault -> the test files that inject it, below tests/."""
    files: defaultdict[int, set[str]] = defaultdict(set)
    for file in (ROOT / "tests").rglob("test_*.py"):
        names = re.findall(r"^\s*def test((?:_f\d\d)+)_", file.read_text(encoding="utf-8"), re.MULTILINE)
        for number in (number for name in names for number in re.findall(r"\d\d", name)):
            files[int(number)].add(file.relative_to(ROOT / "tests").as_posix())
    return {number: sorted(places) for number, places in files.items()}


def filled(page: str) -> str:
    """The page with its last column as it should be."""
    places = tested_in()

    def row(match: re.Match[str]) -> str:
        files = ", ".join(f"`{file}`" for file in places.pop(int(match["number"]), []))
        return f"{match['start']}| {files} |" if files else f"{match['start']}| |"

    result = re.sub(r"^(?P<start>\| F(?P<number>\d+) \|[^|]*\|[^|]*)\|[^|]*\|$", row, page, flags=re.MULTILINE)
    if places:
        raise SystemExit(f"tests of faults that {PAGE.name} does not list: {places}")
    return result


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    after = filled(before)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(after, encoding="utf-8")
    elif before != after:
        raise SystemExit("docs/faults.md does not say which tests there are: run `.venv/bin/python dev/faults.py`")
