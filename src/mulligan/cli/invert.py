"""`mulligan invert`: the latents whose samples are nearest to given ones."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust
from mulligan.cli.sample import load


def run(arguments: list[str]) -> int:
    """Invert."""
    return call("invert", invert, arguments)


def invert(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run, by path, name or number, or a model folder.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="An image, a folder, an array or a table; at most 100 samples.")],
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A .png or .webp of pairs, or an .npz with latents, labels, samples, errors.")
    ] = None,
    label: Annotated[str | None, typer.Option(metavar="L", help="The class of all; absent, the best one is found.")] = None,
    steps: Annotated[int | None, typer.Option(min=0, metavar="N", help="Steps of gradients; a few hundred if absent.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Seed of the latents that it begins with.")] = 0,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Find the latents whose samples are nearest to given ones. Nothing nearer means that the model cannot make such a sample."""
    trust(trusted)
    from mulligan import given
    from mulligan.sampling.inversion import STEPS
    from mulligan.sampling.inversion import invert as inverted
    from mulligan.sampling.output import write_inverted

    model = load(which)
    raw, _ = given.read(data, model.kind.shape)
    found = inverted(model, raw, label, STEPS if steps is None else steps, seed)
    if to is not None:
        write_inverted(model, raw, found, to)
    names = None if found.labels is None else [model.classes[number] for number in found.labels]
    if as_json:
        rows = [
            {"error": float(error), "before": float(before), "label": None if names is None else names[place], "latent": latent}
            for place, (error, before, latent) in enumerate(zip(found.errors, found.before, found.latents.tolist(), strict=True))
        ]
        about = {"schema_version": SCHEMA_VERSION, "model": model.description.weights, "file": None if to is None else str(to)}
        print(json.dumps({**about, "samples": rows}, ensure_ascii=False))
        return
    for place, (error, before) in enumerate(zip(found.errors, found.before, strict=True)):
        told = "" if names is None else f", class {names[place]}"
        print(f"sample {place}: error {error:.4g} (nearest of those drawn: {before:.4g}){told}")
    if to is not None:
        print(to)
