"""`mulligan demo`: train the default recipe on the digits that come with the package, and say what to open."""

from pathlib import Path
from typing import Annotated

import typer

from mulligan.cli.command import AsJson, Time, budget, call
from mulligan.cli.outcome import show

_DATA = "digits"
_TIME = "110s"  # so that training stays within two minutes


def run(arguments: list[str]) -> int:
    """Train on digits."""
    return call("demo", demo, arguments)


def demo(
    folder: Annotated[Path | None, typer.Option("--run", metavar="DIR", help="The run folder; a run in it is continued.")] = None,
    time: Time = _TIME,
    as_json: AsJson = False,
) -> None:
    """Train the default recipe on handwritten digits for less than two minutes, then say what to open."""
    allowed = budget(None, None, time)
    from mulligan import verbs
    from mulligan.resolve import resolve
    from mulligan.terminal import Terminal

    recipe, dataset = resolve(_DATA)
    with Terminal() as terminal:
        outcome = verbs.train(recipe, dataset, run=folder, budget=allowed, audience=terminal)
    if not as_json:
        print("\nThe digits were made by the generator; open the report to see how it learned them.")
    show(outcome, as_json)
    if not as_json:
        print(f"serve     `mulligan serve {outcome.run}` makes a page of it, `mulligan studio` shows all runs and trains another")
