"""`mulligan score`: what a run's discriminator says of given samples, beside real ones and those of its own generator."""

import json
from typing import Annotated, Any

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust

_READING = {
    "probability": "a score is the probability that D gives to `real`",
    "raw": "a score is D's answer as it is",
    "difference": "a score means nothing alone: only differences count, and larger is more real",
    "pairs": "a score means nothing alone: D compares, and larger is more real",
}


def run(arguments: list[str]) -> int:
    """Score samples."""
    return call("score", score, arguments)


def score(
    which: Annotated[str, typer.Argument(metavar="RUN", help="A run folder, or the name or the number of a run.")],
    samples: Annotated[str, typer.Argument(metavar="FILE_OR_FOLDER", help="An image, a folder of images, an .npz, .npy or .csv.")],
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Say what this run's D thinks of samples, beside what it thinks of held-out real ones and of those of its own G."""
    trust(trusted)
    from mulligan.runs.folder import open_run

    folder = open_run(which)
    recipe = folder.read_recipe()
    from mulligan import given, verbs

    raw, label = given.read(samples, recipe.data.shape, recipe.data.classes if recipe.conditional else ())
    found = verbs.score(folder.path, raw, label)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "run": str(folder.path), **found}, ensure_ascii=False))
    else:
        print(_text(found, samples))


def _text(found: dict[str, Any], samples: str) -> str:
    rows: list[tuple[str, ...]] = [("samples", "number", "score", "deviation", "below real", "judged real")]
    split = "held-out real" if found["real"]["split"] == "test" else "real (training)"
    for name, key in ((samples, "given"), (split, "real"), ("made by its own G", "generated")):
        opinion = found[key]
        judged = f"{opinion['judged_real']:.0%}" if "judged_real" in opinion else ""
        rows.append(
            (name, f"{opinion['n']:,}", f"{opinion['score']:.4g}", f"{opinion['score_std']:.3g}", f"{opinion['real_above']:.0%}", judged)
        )
    if not rows[1][-1]:
        rows = [row[:-1] for row in rows]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    table = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]) for row in rows
    ]
    reading = f"{_READING[found['reading']]}; where nobody wins, {found['equilibrium']}"
    return "\n".join([*table, reading, "below real: share of pairs with a real sample in which D prefers the real one"])
