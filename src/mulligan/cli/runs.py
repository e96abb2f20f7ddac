"""`mulligan runs`: list, show or remove runs. No torch is imported."""

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, call_one_of
from mulligan.errors import UsageError

if TYPE_CHECKING:
    from mulligan.runs.folder import Run

_Which = Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or the name or the number of a run.")]
_COLUMNS = ("run", "status", "recipe", "data", "steps", "images", "time", "distance")


def run(arguments: list[str]) -> int:
    """List, show or remove."""
    return call_one_of("runs", {"list": list_runs, "show": show_run, "remove": remove_runs}, arguments)


def list_runs(as_json: AsJson = False) -> None:
    """All runs, how far they are, and how good.

    Those in the folder that MULLIGAN_RUNS names, or in ./runs.
    """
    from mulligan.runs import folder
    from mulligan.runs.summary import summary

    base = folder.runs_base()
    found = [summary(run) for run in folder.list_runs(base)]
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "base": str(base), "runs": found}, ensure_ascii=False))
    elif not found:
        print(f"There are no runs in {base} yet: `mulligan train digits` makes one.")
    else:
        rows = [_COLUMNS, *(_row(told) for told in found)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_run(which: _Which, as_json: AsJson = False) -> None:
    """One run: data, networks, figures, what to open."""
    from mulligan.runs import facts
    from mulligan.runs.folder import open_run
    from mulligan.runs.summary import summary
    from mulligan.telling import facts_text, figure_lines, open_lines, to_open

    found = open_run(which)
    known = facts.read(found)
    told = summary(found)
    if as_json:
        more = {"facts": None if known is None else known.model_dump(mode="json"), "files": to_open(found)}
        print(json.dumps({"schema_version": SCHEMA_VERSION, **told, **more}, ensure_ascii=False))
        return
    print("\n".join(f"{name:<9} {cell}" for name, cell in zip(_COLUMNS, _row(told), strict=True) if cell))
    if known is not None:
        print(f"\n{facts_text(known)}\n")
        print("\n".join(figure_lines(known.figures)))
    print("\n".join(open_lines(found)))


def remove_runs(
    which: Annotated[list[str], typer.Argument(metavar="RUN", help="Run folders, or names or numbers of runs.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove runs with everything in them; asks first.

    A run that is in use stays.
    """
    from mulligan.runs.folder import open_run
    from mulligan.runs.lock import holder, is_held

    found = list({run.path.resolve(): run for run in map(open_run, which)}.values())
    for run in found:
        if run.path.is_symlink():
            raise UsageError(f"{run.path} is a link", "Name the folder that it leads to")
        if is_held(run):
            raise UsageError(f"{run.path} is in use by {holder(run) or 'another process'}", "Wait for it or stop it")
    names = ", ".join(str(run.path) for run in found)
    if not yes and not typer.confirm(f"Remove {names} with everything in it?", err=True):
        raise UsageError("nothing was removed")
    for run in found:
        _remove(run)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "removed": [str(run.path) for run in found]}, ensure_ascii=False))
    else:
        print(f"removed {names}")


def _remove(run: "Run") -> None:
    """Under its lock, so that nobody begins with it meanwhile; first the name, so that half a run never stands under it."""
    from mulligan.runs.lock import hold
    from mulligan.runs.writing import UNFINISHED, disk_errors

    path = run.path.absolute()
    going = path.with_name(f".{path.name}-removed{UNFINISHED}")
    with hold(run), disk_errors(path):
        os.rename(path, going)
    with disk_errors(path):
        shutil.rmtree(going)


def _row(told: dict[str, Any]) -> tuple[str, ...]:
    from mulligan.amounts import say_count, say_seconds

    distance, floor = told["distance"], told["floor"]
    return (
        told["name"],
        told["status"],
        told["recipe"] or "",
        Path(told["data"] or "").name,
        f"{told['step'] or 0:,}",
        say_count(told["images"] or 0),
        say_seconds(told["seconds"] or 0),
        "" if distance is None else f"{distance:.4g} (floor {floor:.3g})" if floor is not None else f"{distance:.4g}",
    )
