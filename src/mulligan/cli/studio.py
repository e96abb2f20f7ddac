"""`mulligan studio`: runs, training, samples and a laboratory of points in the browser."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mulligan.cli.command import Host, Names, Port, call
from mulligan.errors import UsageError


def run(arguments: list[str]) -> int:
    """Open the studio."""
    return call("studio", studio, arguments)


def studio(
    folder: Annotated[Path | None, typer.Argument(metavar="RUNS", help="The folder of runs; MULLIGAN_RUNS or ./runs if absent.")] = None,
    port: Port = 0,
    host: Host = "127.0.0.1",
    name: Names = None,
    closed: Annotated[bool, typer.Option("--no-browser", help="Open no browser: print the link alone.")] = False,
) -> None:
    """Open the studio: all runs, a training as it goes, its samples, and a laboratory of points.

    The link that is printed holds the token without which nothing is answered. Trainings go on when the studio ends.
    """
    if any(find_spec(package) is None for package in ("fastapi", "uvicorn", "nicegui")):
        raise UsageError("the studio needs NiceGUI", 'pip install "mulligan[studio]"')
    from mulligan.runs.folder import runs_base
    from mulligan.signals import Signalled
    from mulligan.web.studio.serving import studio as served

    with suppress(Signalled):  # how a server ends
        served(folder or runs_base(), port, host, name or (), not closed, lambda link: print(f"{link}  (Ctrl-C ends it)", flush=True))
