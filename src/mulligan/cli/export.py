"""`mulligan export`: a model for others, as a folder or as ONNX."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust
from mulligan.cli.evaluate import located


def run(arguments: list[str]) -> int:
    """Export."""
    return call("export", export, arguments)


def export(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run or model folder, or the name or the number of a run.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder that is written.")],
    to: Annotated[Literal["model", "onnx"], typer.Option(help="A model folder, or an ONNX file with its card beside it.")] = "model",
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Write the model of a run for others, with a model card: data, training, figures, limits."""
    trust(trusted)
    target = located(which)
    from mulligan import verbs

    written, difference = verbs.export(target, to, out)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "to": to, "path": str(written), "difference": difference}, ensure_ascii=False))
        return
    print(written if difference is None else f"{written}  (largest difference to PyTorch {difference:.2g})")
