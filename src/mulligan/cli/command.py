"""A verb's function, called with what stood on the command line: typer reads its types and its help."""

from collections.abc import Callable
from typing import Any

import typer

from mulligan.errors import UsageError


def call(verb: str, function: Callable[..., Any], arguments: list[str]) -> int:
    """Call `function` with `arguments` as its annotations say, and return the exit code: what it returns, 0 for None.

    A word that does not fit becomes a UsageError; `--help` prints what the verb takes, from the docstring and the annotations.
    """
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(verb)(function)
    try:
        code = typer.main.get_command(app).main(arguments, prog_name=f"mulligan {verb}", standalone_mode=False)
    except typer.TyperException as error:
        raise UsageError(" ".join(error.format_message().split()).rstrip("."), f"`mulligan {verb} --help` lists what it takes") from None
    except typer.Abort:
        raise UsageError("no answer was given") from None
    return int(code or 0)
