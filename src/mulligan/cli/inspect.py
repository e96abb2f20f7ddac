"""`mulligan inspect`: what a file says of itself, whether it is synthetic and what made it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, call

WORDS = {"source_type": "source type", "generator": "generator", "model": "model", "seed": "seed"}


def run(arguments: list[str]) -> int:
    """Inspect."""
    return call("inspect", inspect, arguments)


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .png, .gif, .webp, .npz or .csv file, or a model as .onnx.")],
    as_json: AsJson = False,
) -> None:
    """Say whether a file is marked as synthetic, and what made it. A file without a mark may be synthetic all the same."""
    from mulligan.marks import inspected

    mark = inspected(file)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "file": str(file), "mark": mark}, ensure_ascii=False))
    elif mark is None:
        print("no mark: nothing in this file says that it is synthetic, or that it is not")
    else:
        print("synthetic beside real" if mark.get("composite") is True else "synthetic")
        for key, word in WORDS.items():
            value = " ".join(str(mark.get(key, "")).split())[:200]
            if value and mark.get(key) is not None:
                print(f"  {word:11}  {value}")
