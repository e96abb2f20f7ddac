"""What benchmarks of many runs share: a result in a file for each run, rows of all of them, and a page with a table between two marks."""

import argparse
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[dict[str, Any]]


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """The results in a folder, in the order of their names."""
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


def keep(rows: Rows, file: Path) -> None:
    """Write rows, a line each."""
    file.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def put(page: Path, mark: str, text: str) -> None:
    """Put a text between `<!-- mark -->` and `<!-- /mark -->` on a page."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    within = re.compile(f"{re.escape(start)}.*{re.escape(end)}", re.DOTALL)
    page.write_text(within.sub(lambda _: f"{start}\n\n{text}\n\n{end}", page.read_text()))


def main(
    about: str | None,
    names: str,
    record: Callable[[Path, Sequence[str]], None],
    publish: Callable[[Path], None],
    arguments: Sequence[str] | None,
) -> None:
    """`record [NAME ...] --to DIR` and `publish --from DIR`. about: help of the script. names: what NAME may be, in words."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="train and judge what is not there yet")
    recording.add_argument("names", nargs="*", help=f"{names} (default: all)")
    recording.add_argument("--to", type=Path, required=True, help="folder for runs and results")
    publishing = verbs.add_parser("publish", help="results and table from what is recorded")
    publishing.add_argument("--from", dest="folder", type=Path, required=True, help="folder of the results")
    given = parser.parse_args(arguments)
    if given.verb == "publish":
        publish(given.folder)
    else:
        record(given.to, given.names)
