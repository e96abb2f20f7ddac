"""`mulligan interpolate`: walk from one sample to the next, as a film or a strip."""

from pathlib import Path
from typing import Annotated

import typer

from mulligan.cli.command import AsJson, Trusted, call, trust
from mulligan.cli.sample import load, show_files


def run(arguments: list[str]) -> int:
    """Walk."""
    return call("interpolate", interpolate, arguments)


def interpolate(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run, by path, name or number, a model folder or an ONNX file.")],
    seeds: Annotated[str, typer.Option(metavar="1,5,9", help="Seeds whose first samples are walked through; ranges as 0-4.")],
    to: Annotated[Path, typer.Option(metavar="FILE", help="A .gif or .webp that comes back to its start, a .png strip, or an .npz.")],
    steps: Annotated[int, typer.Option(metavar="N", help="Samples from each seed to the next.")] = 12,
    label: Annotated[str | None, typer.Option(metavar="L", help="The class of the whole walk, by number or name.")] = None,
    grid: Annotated[
        str | None, typer.Option(metavar="8x8", help="Columns x rows of all samples between four seeds, instead of a walk.")
    ] = None,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Walk through the latents of seeds, from sample to sample."""
    from mulligan.sampling.asked import parse_grid, parse_seeds

    known_seeds = parse_seeds(seeds)
    cells = None if grid is None else parse_grid(grid)
    trust(trusted)
    from mulligan.sampling.walks import write_field, write_walk

    model = load(which)
    files = write_walk(model, known_seeds, to, steps, label) if cells is None else write_field(model, known_seeds, to, *cells, label)
    show_files(files, as_json, {"model": model.description.weights})
