"""`mulligan helps`: whether a classifier gains from the samples of a run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust
from mulligan.errors import UsageError

if TYPE_CHECKING:
    from mulligan.verbs.helping import Size


def run(arguments: list[str]) -> int:
    """Judge samples by what a classifier learns from them."""
    return call("helps", helps, arguments)


def helps(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run or model folder, or the name or the number of a run.")],
    against: Annotated[
        str | None, typer.Option(metavar="DATA", help="Labelled real data, by name or path; those of the run if absent.")
    ] = None,
    sizes: Annotated[str | None, typer.Option(metavar="100,1k,all", help="Numbers of real samples; 100, 1,000 and all if absent.")] = None,
    seeds: Annotated[str, typer.Option(metavar="N_OR_A-B", help="How many seeds, or which; 5 if absent.")] = "5",
    n: Annotated[int | None, typer.Option("--n", metavar="N", help="Synthetic samples; as many as real ones if absent.")] = None,
    flips: Annotated[bool, typer.Option("--flips", help="Mirrored images are of the same class (photographs, not digits).")] = False,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Train a small classifier on real samples, on synthetic ones and on both, and test it on held-out real ones."""
    known_sizes = None if sizes is None else parse_sizes(sizes)
    known_seeds = _seeds(seeds)
    trust(trusted)
    from mulligan.runs.folder import Run, open_run

    folder = Run(Path(which)) if Path(which).exists() else open_run(which)
    from mulligan import verbs

    found = verbs.helps(folder.path, sizes=known_sizes, seeds=known_seeds, n=n, against=against, flips=flips, shown=True)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "run": str(folder.path), **found.as_dict()}, ensure_ascii=False))
    else:
        print("\n".join(found.lines()))


def parse_sizes(text: str) -> "list[Size]":
    """Numbers of real samples as people write them. Raises UsageError.

    >>> parse_sizes("100,1k,all")
    [100, 1000, 'all']
    """
    from mulligan.amounts import parse_count

    return ["all" if part.strip() == "all" else parse_count(part, "--sizes") for part in text.split(",")]


def _seeds(text: str) -> tuple[int, ...]:
    """A number of seeds, or seeds by name."""
    from mulligan.sampling.asked import parse_seeds

    if text.strip().isdecimal():
        if not 2 <= int(text) <= 100:
            raise UsageError(f"--seeds {text[:40]}: expected 2 to 100 of them", "Five show the spread; name single ones as 0-4")
        return tuple(range(int(text)))
    return parse_seeds(text)
