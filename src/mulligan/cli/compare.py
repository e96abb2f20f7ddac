"""`mulligan compare`: runs of the same data side by side, as a table and as a picture."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust
from mulligan.cli.evaluate import located

if TYPE_CHECKING:
    from mulligan.verbs.comparing import Compared


def run(arguments: list[str]) -> int:
    """Compare."""
    return call("compare", compare, arguments)


def compare(
    which: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Run folders, or names or numbers of runs.")],
    n: Annotated[int | None, typer.Option("--n", min=1, metavar="N", help="Samples of each side; as recorded if absent.")] = None,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where the picture goes, a .png.")] = Path("compare.png"),
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Put runs of the same data side by side: every figure under one protocol, and a picture of samples and curves."""
    trust(trusted)
    targets = [located(name) for name in which]
    from mulligan.verbs.comparing import compare as compared

    found = compared(targets, n=n, to=to)
    if as_json:
        runs = [entry.as_dict() for entry in found]
        print(json.dumps({"schema_version": SCHEMA_VERSION, "runs": runs, "picture": str(to)}, ensure_ascii=False))
    else:
        print(_table(found))
        print(to)


def _table(found: list["Compared"]) -> str:
    """A column for each run, a row for each figure; the best of a row carries a star."""
    from mulligan.amounts import say_count, say_seconds
    from mulligan.metrics.figures import grouped, meaning, number

    rows = [["", *(entry.run.name for entry in found), "real data"]]
    rows.append(["recipe", *(entry.recipe for entry in found), ""])
    rows.append(["images seen", *(say_count(entry.images) for entry in found), ""])
    rows.append(["training", *(say_seconds(entry.seconds) for entry in found), ""])
    first = found[0].card
    for _, names in grouped(first):
        for name in names:
            values = [entry.card[name].value if name in entry.card else None for entry in found]
            best = _best([value for value in values if value is not None], meaning(name).better, first[name].floor)
            cells = [f"{number(value)}{'*' if value is not None and value == best else ' '}" for value in values]
            rows.append([name, *cells, number(first[name].floor)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]) for row in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), first.about(), "*: best of its row, or nearest to the real data; one seed each"])


def _best(values: list[float], better: str, floor: float | None) -> float | None:
    if not values:
        return None
    if better == "as the data":
        return None if floor is None else min(values, key=lambda value: abs(value - floor))
    return min(values) if better == "lower" else max(values)
