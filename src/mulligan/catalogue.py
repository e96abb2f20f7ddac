"""Which recipes there are, and what each of them says: without torch, and without reading the data that they were published on."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from mulligan import find
from mulligan.data.opening import open_dataset
from mulligan.data.originals import Original
from mulligan.errors import UsageError
from mulligan.recipe import Data, Recipe, Settings
from mulligan.resolve import published_on, recipe_function
from mulligan.runs.safe_json import dumps
from mulligan.runs.writing import write_text


class Entry(NamedTuple):
    """A line of the list: name, one line of description, the data it was published on, its task."""

    name: str
    description: str
    data: str
    task: str


class Setting(NamedTuple):
    """A key that a command may give, its value, and what it means; choices where only some words are allowed."""

    key: str
    value: Any
    description: str
    choices: tuple[str, ...] = ()


def listing() -> list[Entry]:
    """Every recipe that is found, the default first.

    >>> [entry.data for entry in listing() if entry.name == "points"]
    ['parabola']
    """
    entries = [entry(name) for name in find.names("recipes")]
    return sorted(entries, key=lambda entry: (entry.name != "fast", entry.name))


def entry(name: str) -> Entry:
    """The line of one recipe."""
    recipe = published(name)
    thing = find.load("recipes", name)
    text = inspect.getdoc(thing) or inspect.getdoc(recipe_function(name)) or ""
    first = text.partition("\n")[0].removeprefix(f"`{name}`").lstrip(":, ")
    return Entry(name, first, recipe.data.source, recipe.task)


def explained(name: str) -> str:
    """What a recipe says of itself at length: what is published, what is chosen, what was measured.

    >>> "Chosen here" in explained("points")
    True
    """
    return inspect.getdoc(recipe_function(name)) or ""


def published(name: str) -> Recipe:
    """A recipe as it is on the data that it was published on, which are not read. Raises UsageError."""
    source = published_on(name)
    original = getattr(find.load("data", source), "ORIGINAL", None)
    if isinstance(original, Original):  # nothing is downloaded to make a list
        count, *shape = original.files[0].shape
        data = Data(source=source, kind="image", shape=(1, *shape), classes=original.classes, count=count)
    else:
        data = open_dataset(Data(source=source)).data
    return recipe_function(name)(data)


def arguments(name: str) -> dict[str, Any]:
    """Further keys that the recipe's function takes, with their defaults."""
    parameters = list(inspect.signature(recipe_function(name)).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def described(settings: Settings, prefix: str = "") -> Iterator[Setting]:
    """Every setting as a dotted key, with its value and what it says of itself; what is found in the data is left out.

    >>> from mulligan.recipe import Latent
    >>> [setting.key for setting in described(Latent(), "latent.")]
    ['latent.size', 'latent.distribution']
    """
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        description = field.description or _inherited(type(settings), name)
        if name == "schema_version" or description.startswith("Found:"):
            continue
        if isinstance(value, Settings):
            yield from described(value, f"{prefix}{name}.")
        elif isinstance(value, Mapping) and any(isinstance(inner, Settings) for inner in value.values()):
            for key, inner in value.items():
                yield from described(inner, f"{key}." if name == "players" else f"{prefix}{name}.{key}.")
        else:
            choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
            yield Setting(f"{prefix}{name}", value, description, choices)


def _inherited(settings: type[Settings], name: str) -> str:
    """What a base class says of a field whose default a class of its own has replaced."""
    bases = (base.model_fields[name].description for base in settings.__mro__ if issubclass(base, Settings) and name in base.model_fields)
    return next((description for description in bases if description), "")


def copy(name: str, to: Path) -> str:
    """Write a recipe as a starting point of one's own; returns what `--recipe` takes then.

    to: `.json`, the resolved recipe; `.py`, the source of its function. Raises UsageError for a file that is there, DiskError.
    """
    if to.exists():
        raise UsageError(f"{to} is there already", "Name another file")
    if not to.parent.is_dir():
        raise UsageError(f"{to.parent}: no such folder", "Make it first, or name another file")
    if to.suffix == ".json":
        write_text(to, dumps(published(name).model_dump(mode="json")))
        return str(to)
    if to.suffix == ".py":
        function = recipe_function(name)
        source = inspect.getsourcefile(function)
        if source is None:
            raise UsageError(f"recipe {name} has no source file", "Copy it as .json")
        write_text(to, Path(source).read_text(encoding="utf-8"))
        return f"{to}:{function.__name__}"
    raise UsageError(f"{to.name}: a recipe is copied as .json or .py", "Name such a file")
