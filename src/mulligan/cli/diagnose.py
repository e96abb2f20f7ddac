"""`mulligan diagnose`: what is wrong with a run or with samples, by which number, and what mends it."""

import json
from typing import Annotated

import typer

from mulligan.cli.command import AsJson, Trusted, call, trust


def run(arguments: list[str]) -> int:
    """Diagnose a run or samples."""
    return call("diagnose", diagnose, arguments)


def diagnose(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_FOLDER", help="A run, by folder, name or number; a model; or samples.")],
    against: Annotated[str | None, typer.Option("--against", metavar="DATA", help="Real data to compare samples with.")] = None,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a training or with samples: a verdict, the numbers that decided beside their limits, and a remedy."""
    trust(trusted)
    from pathlib import Path

    from mulligan.errors import UsageError
    from mulligan.runs.folder import open_run

    where = which
    try:
        where = str(open_run(which).path)
    except UsageError:
        if not Path(which).exists():
            raise
    from mulligan import verbs

    found = verbs.diagnose(where, against)
    print(json.dumps(found.as_dict(), ensure_ascii=False) if as_json else "\n".join(found.lines()))
