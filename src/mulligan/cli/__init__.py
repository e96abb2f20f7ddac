"""The command line: one file per verb, each with `run(arguments) -> exit code`; a verb's file is loaded only when it is called.

This file imports nothing heavy: `mulligan --help` answers before torch would have been found on disk.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mulligan.errors import MulliganError
    from mulligan.signals import Signalled

VERBS = {
    "train": "train a GAN on DATA: a built-in set, a folder of images, an array or a table",
    "resume": "continue a run exactly where it stopped",
    "sample": "draw samples from a run or a model",
    "interpolate": "walk from one sample to the next, as a GIF or a strip",
    "invert": "the latents whose samples are nearest to given ones, with the error",
    "serve": "a page and an API for a model, on this machine",
    "studio": "runs, training, samples and a laboratory of points in the browser",
    "nearest": "samples beside the training samples that they are nearest to",
    "export": "a model for others: a folder, or an ONNX file, with a model card",
    "evaluate": "the score card of a run, a model, or samples in a folder",
    "compare": "runs of the same data side by side, as a table and a picture",
    "score": "what a run's discriminator says of given samples",
    "study": "train several seeds of a recipe at once and say how far they agree",
    "helps": "whether a classifier gains from the samples of a run",
    "inspect": "what a file says of itself: whether it is synthetic, and what made it",
    "diagnose": "say what is wrong with a run or with samples, and what mends it",
    "recipes": "list, show or copy recipes",
    "runs": "list, show or remove runs",
    "checks": "what Mulligan finds on this machine",
    "demo": "train on the digits that come with the package and show the result",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit code.

    arguments: what stands on the command line after `mulligan`; those of this process if absent.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    if not given or given[0] in ("--help", "-h", "help"):
        print(_help())
        return 0
    if given[0] == "--version":
        from mulligan import __version__

        print(f"mulligan {__version__}")
        return 0
    return _run(given[0], given[1:], debug)


def _help() -> str:
    width = max(map(len, VERBS))
    return "\n".join(
        [
            "Usage: mulligan VERB [ARGUMENTS]",
            "",
            "Trains generative adversarial networks on your own data. Start with: mulligan train digits",
            "",
            "Verbs:",
            *(f"  {verb:{width}}  {what}" for verb, what in VERBS.items()),
            "",
            "Options:",
            f"  {'--help':{width}}  this list; `mulligan VERB --help` says what a verb takes",
            f"  {'--version':{width}}  the version of Mulligan",
            f"  {'--debug':{width}}  with any verb: the whole traceback where something fails",
        ]
    )


def _run(verb: str, arguments: list[str], debug: bool) -> int:
    """Load a verb's file, run it, and say in one line what went wrong."""
    from importlib import import_module

    from mulligan import signals
    from mulligan.errors import MulliganError, OutOfMemoryError, is_out_of_memory

    as_json = "--json" in arguments
    try:
        if verb not in VERBS:
            raise _unknown(verb)
        signals.install()  # before torch is imported, which takes seconds
        run = import_module(f"mulligan.cli.{verb}").run
        code: int = run(arguments)
        sys.stdout.flush()  # here, where a reader that has left can still be dealt with
        return code
    except MulliganError as error:
        _traceback(debug)
        _say(error.code, error.message, error.hint, as_json)
        return error.exit_code
    except signals.Signalled as error:
        _traceback(debug)
        return _interrupted(error, as_json)
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:
        _traceback(debug)
        arrived = signals.pending()
        if arrived is not None:  # a library that was interrupted made an error of its own of it
            return _interrupted(signals.Signalled(arrived), as_json)
        if is_out_of_memory(error):
            _say(OutOfMemoryError.code, "there is not enough memory for this", "Ask for fewer samples at once: --n 1000", as_json)
            return OutOfMemoryError.exit_code
        hint = "" if debug else "This is a fault of Mulligan: --debug shows where"
        _say("unexpected", f"{type(error).__name__}: {' '.join(str(error).split())}", hint, as_json)
        return 1


def _unknown(verb: str) -> "MulliganError":
    from mulligan.errors import UsageError
    from mulligan.find import suggestion

    return UsageError(f"{verb}: no such verb", f"{suggestion(verb, VERBS)} (`mulligan --help` says what each does)")


def _interrupted(error: "Signalled", as_json: bool) -> int:
    """A signal that no verb turned into something better: there was nothing to save."""
    import signal

    if error.number == signal.SIGTERM:
        _say("terminated", "terminated by SIGTERM, nothing was saved", "", as_json)
        return 143
    _say("interrupted", "interrupted, nothing was saved", "", as_json)
    return 130


def _reader_left() -> int:
    """Whatever read our output has gone (`mulligan runs list | head -1`): end without a word."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit does not fail as well
    return 1


def _say(code: str, message: str, hint: str, as_json: bool) -> None:
    """An error on stderr: a line for a person, or an object for a program."""
    if as_json:
        import json

        print(json.dumps({"error": {"code": code, "message": message, "hint": hint}}, ensure_ascii=False), file=sys.stderr)
    else:
        print(f"mulligan: {message}. {hint}" if hint else f"mulligan: {message}", file=sys.stderr)


def _traceback(debug: bool) -> None:
    if debug:
        import traceback

        traceback.print_exc()
