"""`mulligan resume`: continue a run exactly where it stopped."""

from typing import Annotated

import typer

from mulligan.cli.command import AsJson, Images, Steps, Time, Trusted, budget, call, trust
from mulligan.cli.outcome import show


def run(arguments: list[str]) -> int:
    """Continue a run."""
    return call("resume", resume, arguments)


def resume(
    which: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or the name or the number of a run.")],
    settings: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Of machine.* and keeping.*, which may change.")] = None,
    steps: Steps = None,
    images: Images = None,
    time: Time = None,
    changed_data: Annotated[bool, typer.Option("--allow-changed-data", help="Go on although the data have changed.")] = False,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Continue a run exactly where its newest checkpoint stands, to the end of its recipe or to the first budget that is reached.

    A finished run says so, and shows what it came to.
    """
    allowed = budget(steps, images, time)
    trust(trusted)
    from mulligan.runs.folder import open_run

    found = open_run(which)
    from mulligan import verbs
    from mulligan.terminal import Terminal

    with Terminal() as terminal:
        outcome = verbs.resume(
            found.path,
            budget=allowed,
            audience=terminal,
            settings=settings or (),
            allow_changed_data=changed_data,
        )
    show(outcome, as_json)
