"""`mulligan recipes`: list, show or copy recipes. No torch is imported."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, call_one_of

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A recipe's name, or FILE.py:NAME.")]


def run(arguments: list[str]) -> int:
    """List, show or copy."""
    return call_one_of("recipes", {"list": list_recipes, "show": show_recipe, "copy": copy_recipe}, arguments)


def list_recipes(as_json: AsJson = False) -> None:
    """All recipes, one line each.

    Name, the data it was published on, its task, what it is.
    """
    from mulligan.catalogue import listing

    entries = listing()
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "recipes": [entry._asdict() for entry in entries]}, ensure_ascii=False))
        return
    rows = [("recipe", "data", "task", "what it is"), *((entry.name, entry.data, entry.task, entry.description) for entry in entries)]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))


def show_recipe(name: _Name, as_json: AsJson = False) -> None:
    """What a recipe is and what was measured; every setting with its value and meaning.

    With --json the recipe itself, which `mulligan train --recipe FILE.json` takes.
    """
    from mulligan import catalogue

    _allow(name)
    recipe = catalogue.published(name)
    if as_json:
        print(recipe.model_dump_json(indent=2))
        return
    entry = catalogue.entry(name)
    print(f"{entry.name}: {entry.description}\ntask {entry.task}, published on {entry.data}\n\n{catalogue.explained(name)}\n")
    settings = [
        *(catalogue.Setting(key, value, "Argument of the recipe.") for key, value in catalogue.arguments(name).items()),
        *catalogue.described(recipe),
    ]
    width = max(len(setting.key) + len(_value(setting.value)) for setting in settings) + 1
    for setting in settings:
        print(f"{f'{setting.key}={_value(setting.value)}':{width}}  {setting.description}".rstrip())


def copy_recipe(
    name: _Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="FILE.json for its settings, FILE.py for its source.")],
    as_json: AsJson = False,
) -> None:
    """Write a recipe to a file, to begin your own with."""
    from mulligan import catalogue

    _allow(name)
    usable = catalogue.copy(name, file)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "file": str(file), "recipe": usable}, ensure_ascii=False))
    else:
        print(f"{file}: edit it, then `mulligan train DATA --recipe {usable}`")


def _allow(name: str) -> None:
    from mulligan import find

    if find.is_outside(name):
        find.trust(name)


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
