"""`mulligan nearest`: samples beside the training samples that they are nearest to."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust
from mulligan.cli.evaluate import located


def run(arguments: list[str]) -> int:
    """Look for the nearest."""
    return call("nearest", nearest, arguments)


def nearest(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run, by path, name or number, a model folder or an ONNX file.")],
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="A .png or .webp of pairs, or an .npz.")] = None,
    n: Annotated[int, typer.Option("--n", metavar="N", help="How many: samples 0 to N-1 of the seed.")] = 10,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Seed of the samples.")] = 0,
    label: Annotated[str | None, typer.Option(metavar="L", help="The class of all samples, by number or name.")] = None,
    against: Annotated[str | None, typer.Option(metavar="DATA", help="The training data; absent, those of the run.")] = None,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Put the nearest training sample beside each sample. Of 1 is as new as real samples are, near 0 is a copy."""
    trust(trusted)
    target = located(which)
    from mulligan import verbs

    found = verbs.nearest(target, n, seed, label, against)
    if to is not None:
        found.write(to)
    if as_json:
        rows = [{"ratio": float(ratio), "place": int(place)} for ratio, place in zip(found.ratios, found.places, strict=True)]
        about = {"schema_version": SCHEMA_VERSION, "model": found.mark.model, "file": None if to is None else str(to)}
        print(json.dumps({**about, "samples": rows}, ensure_ascii=False))
        return
    for index, (ratio, place) in enumerate(zip(found.ratios, found.places, strict=True)):
        print(f"sample {index}: {ratio:.2f} of the usual distance, training sample {place}")
    if to is not None:
        print(to)
