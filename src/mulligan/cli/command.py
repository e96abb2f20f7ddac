"""A verb's function, called with what stood on the command line: typer reads its types and its help."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mulligan.errors import UsageError

if TYPE_CHECKING:
    from mulligan.training.budget import Budget

SCHEMA_VERSION = 1  # of every object that a verb prints with --json

# Options that several verbs take, so that they are spelled and explained alike.
AsJson = Annotated[bool, typer.Option("--json", help="One object for a program.")]
Trusted = Annotated[
    list[str] | None, typer.Option("--trust", metavar="FILE.py:NAME", help="Allow this outside code, which a file names, to run.")
]
Steps = Annotated[str | None, typer.Option("--steps", metavar="N", help="End at this step, such as 5000 or 20k.")]
Images = Annotated[str | None, typer.Option("--images", metavar="N", help="End when so many images have been seen, such as 200k.")]
Time = Annotated[str | None, typer.Option("--time", metavar="TIME", help="Train for this time in all, such as 90s, 10m or 1h30m.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="Port; 0 for a free one.")]
Host = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; others than this machine's reach it from outside.")
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", metavar="NAME", help="Another name by which requests may call this server, such as gan.example.org."),
]


def call(verb: str, function: Callable[..., Any], arguments: list[str]) -> int:
    """Call `function` with `arguments` as its annotations say, and return the exit code: what it returns, 0 for None.

    A word that does not fit becomes a UsageError; `--help` prints what the verb takes, from the docstring and the annotations.
    """
    app = _app()
    app.command(verb)(function)
    return _run(app, verb, arguments)


def call_one_of(verb: str, functions: Mapping[str, Callable[..., Any]], arguments: list[str]) -> int:
    """The same for a verb with words of its own (`mulligan recipes list`): the first argument chooses the function."""
    if not arguments:
        arguments = ["--help"]
    app = _app()
    app.callback()(lambda: None)  # a group also where there is one word only
    for word, function in functions.items():
        app.command(word)(function)
    return _run(app, verb, arguments)


def budget(steps: str | None, images: str | None, time: str | None) -> "Budget":
    """When training is to end, from the three options. Raises UsageError."""
    from mulligan.amounts import parse_count, parse_seconds
    from mulligan.training.budget import Budget

    return Budget(
        steps=None if steps is None else parse_count(steps, "--steps"),
        images=None if images is None else parse_count(images, "--images"),
        seconds=None if time is None else parse_seconds(time, "--time"),
    )


def trust(names: Sequence[str] | None) -> None:
    """Allow outside code that the user named on this command line. Raises UsageError."""
    from mulligan import find

    for name in names or ():
        if not find.is_outside(name):
            raise UsageError(f"--trust {name}: expected path.py:name")
        find.trust(name)


def _app() -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _run(app: typer.Typer, verb: str, arguments: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(arguments, prog_name=f"mulligan {verb}", standalone_mode=False)
    except typer.TyperException as error:
        raise UsageError(" ".join(error.format_message().split()).rstrip("."), f"`mulligan {verb} --help` lists what it takes") from None
    except typer.Abort:
        print(file=sys.stderr)  # what was asked stands on that line
        raise UsageError("no answer was given") from None
    return int(code or 0)
