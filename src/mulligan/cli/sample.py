"""`mulligan sample`: draw samples from a run or a model."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust
from mulligan.errors import UsageError

if TYPE_CHECKING:
    from mulligan.sampling.blocks import Place
    from mulligan.sampling.sampler import Sampler

_SHOWN = 16  # images, where no number was given: enough to see, and quick
_PLOTTED = 1000  # points: fewer show no shape
_PAIRS = 20


def run(arguments: list[str]) -> int:
    """Draw samples."""
    return call("sample", sample, arguments)


def sample(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run, by path, name or number, a model folder or an ONNX file.")],
    to: Annotated[str, typer.Option(metavar="FILE_OR_FOLDER", help="A .png, .webp, .npz or (points) .csv, or a folder for one file each.")],
    n: Annotated[int | None, typer.Option("--n", metavar="N", help="How many: samples 0 to N-1 of the seed.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Seed of the samples; 0 if absent.")] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="A-B", help="The first sample of each of these seeds, such as 0-99 or 1,5,9.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="L", help="The class of all samples, by number or name.")] = None,
    grid: Annotated[str | None, typer.Option(metavar="10x10", help="Columns x rows of a picture.")] = None,
    truncation: Annotated[
        float | None, typer.Option(metavar="T", help="Cut the prior off at T, such as 1: samples are more alike, more often good.")
    ] = None,
    reconstruct: Annotated[
        str | None, typer.Option(metavar="DATA", help="Write these samples beside their reproductions (autoencoder).")
    ] = None,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Draw samples. A sample is the same whatever is asked beside it."""
    from mulligan.sampling.asked import MOST_SAMPLES, parse_grid, parse_seeds

    cells = None if grid is None else parse_grid(grid)
    known_seeds = None if seeds is None else parse_seeds(seeds)
    if n is not None and not 1 <= n <= MOST_SAMPLES:
        raise UsageError(f"--n {n}: expected 1 to {MOST_SAMPLES:,}")
    if known_seeds and (n is not None or seed is not None):
        raise UsageError("--seeds names each sample, so --n and --seed do not go with it", "Leave them out")
    if reconstruct and (known_seeds or seed is not None or label or truncation is not None):
        raise UsageError("--reconstruct draws nothing, so --seed, --seeds, --label and --truncation do not go with it", "Leave them out")
    trust(trusted)
    from mulligan.sampling.blocks import first_of, of_seed

    model = load(which)
    target = _target(to)
    if reconstruct:
        files = _reconstructed(model, reconstruct, target, n, cells)
    else:
        count = n or (cells[0] * cells[1] if cells else _SHOWN if len(model.kind.shape) == 3 else _PLOTTED)
        files = _drawn(model, first_of(known_seeds) if known_seeds else of_seed(seed or 0, range(count)), label, target, cells, truncation)
    show_files(files, as_json, {"model": model.description.weights})


def _target(to: str) -> Path:
    """Where samples go: a path that ends in a slash is a folder, whatever its name."""
    from mulligan.marks import make_folder

    if to.endswith("/"):
        make_folder(Path(to))
    return Path(to)


def load(which: str) -> "Sampler":
    """The model that a person means: a path, or the name or the number of a run.

    Raises UsageError, CheckpointError, UnsafeError.
    """
    from mulligan.runs import facts
    from mulligan.runs.folder import Run, open_run
    from mulligan.sampling.loading import load_sampler

    run = Run(Path(which)) if Path(which).exists() else open_run(which)
    if run.exists and not facts.is_current(run):
        from mulligan import verbs  # which takes longer to import than a model to sample

        model = verbs.newest_model(run)
        if model is not None:
            step = model.description.trained.steps
            print(f"{run.path} has trained on since its model was written: step {step:,}, its best so far", file=sys.stderr)
            return model
    return load_sampler(run.path)


def show_files(files: tuple[Path, ...], as_json: bool, facts: dict[str, str]) -> None:
    """Say what was written: the files, or where they are if there are many."""
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, **facts, "files": [str(file) for file in files]}, ensure_ascii=False))
    elif len(files) == 1:
        print(files[0])
    else:
        print(f"{len(files)} files in {files[0].parent}")


def _drawn(
    model: "Sampler", places: tuple["Place", ...], label: str | None, to: Path, grid: tuple[int, int] | None, truncation: float | None
) -> tuple[Path, ...]:
    from mulligan.sampling.output import write_samples

    return write_samples(model.draw(places, label, truncation), to, grid)


def _reconstructed(model: "Sampler", data: str, to: Path, n: int | None, grid: tuple[int, int] | None) -> tuple[Path, ...]:
    from mulligan import given
    from mulligan.sampling.output import write_reconstructions

    count = n or (grid[0] * grid[1] if grid else _PAIRS)
    originals, _ = given.read(data, model.kind.shape)
    return (write_reconstructions(model, originals[:count], to, *(grid[:1] if grid else ())),)
