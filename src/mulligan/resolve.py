"""From what the user asked for to a validated recipe: data inspected, recipe function called, keys applied, nothing left open.

The order: `data.*` keys -> the data, which are looked at -> the recipe function (its arguments are keys too) -> all other keys.
A recipe function is given what was found, so that no placeholder has to be filled afterwards.
"""

import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mulligan import find
from mulligan.data.dataset import Dataset
from mulligan.data.opening import built_in, open_dataset
from mulligan.errors import UnsafeError, UsageError
from mulligan.recipe import ASKED, MAY_CHANGE, Adam, Data, Ema, History, Lookahead, Recipe, Settings
from mulligan.runs import environment
from mulligan.runs.safe_json import read_json

DEFAULT_RECIPE = "fast"
SIDE_ON_A_GPU = 64  # of photographs; on a CPU `Data.default_size`, whose networks two cores can train
NAMED_PARTS = ("players", "penalties", "augmentations")  # parts of a recipe whose keys are names
OPTIONAL: dict[str, type[Settings]] = {"ema": Ema, "optimiser": Adam, "history": History, "lookahead": Lookahead}  # of a player


def resolve(
    source: str | None, recipe: str = DEFAULT_RECIPE, settings: Sequence[str] = (), seed: int | None = None, trusting: bool = True
) -> tuple[Recipe, Dataset]:
    """The recipe that a command asks for, and its data.

    source: data by name or path; absent for the set that the recipe was published on.
    recipe: a name, `path.py:name`, or a recipe.json.
    settings: `key=value` with dotted keys, applied in order.
    trusting: whether the user typed all this on a command line or in Python, so that outside code which it names may run; where not,
    UnsafeError is raised.
    """
    allow = find.trust if trusting else _refuse
    keys = dict(_parsed(setting, allow) for setting in settings)
    if seed is not None:
        keys["seed"] = seed
    if recipe.endswith(".json"):
        base = _read(Path(recipe))
        wanted = base["data"] if source is None else {"source": source}
    else:
        if find.is_outside(recipe):
            allow(recipe)
        base = None
        wanted = {"source": source if source is not None else published_on(recipe)}
    if source is not None and find.is_outside(source):
        allow(source)
    wanted = {**wanted, "source": _located(wanted["source"])}
    known = {name: value for name, value in wanted.items() if name in ASKED}
    if wanted["source"] not in built_in() and environment.device(str(keys.get("machine.device", "auto"))) != "cpu":
        known["default_size"] = SIDE_ON_A_GPU
    dataset = open_dataset(_validated(Data, _applied(known, {k: v for k, v in keys.items() if k.startswith("data.")}, Data, "data.")))
    others = {key: value for key, value in keys.items() if not key.startswith("data.")}
    if base is None:
        function = recipe_function(recipe)
        arguments = {name: others.pop(name) for name in list(others) if name in _arguments(function)}
        base = _made(recipe, function, dataset.data, arguments).model_dump(mode="json")
        extra = tuple(_arguments(function))
    else:
        extra = ()
    base["data"] = dataset.data.model_dump(mode="json", exclude={"default_size"})  # the size is known by now, on any machine
    resolved: Recipe = _validated(Recipe, _applied(base, others, Recipe, "", extra))
    return resolved, dataset


def recipe_function(name: str) -> Callable[..., Recipe]:
    """The function that makes the recipe of that name."""
    thing = find.load("recipes", name)
    if find.is_outside(name) and callable(thing):
        outside: Callable[..., Recipe] = thing
        return outside
    function: Callable[..., Recipe] = find.attribute(thing, name.rpartition(":")[2].replace("-", "_"))
    return function


def changed(recipe: Recipe, settings: Sequence[str]) -> Recipe:
    """A resolved recipe with `key=value` of what may change on resume. Raises UsageError for any other key."""
    keys = dict(_parsed(setting) for setting in settings)
    for key in keys:
        if key.partition(".")[0] not in MAY_CHANGE:
            may = " and ".join(f"{part}.*" for part in MAY_CHANGE)
            raise UsageError(f"{key}: a resumed run keeps its recipe (only {may} may change)", "Start a new run with `mulligan train`")
    result: Recipe = _validated(Recipe, _applied(recipe.model_dump(mode="json"), keys, Recipe, ""))
    return result


def published_on(name: str) -> str:
    """The data that a recipe was published on. Raises UsageError where its file does not say so."""
    thing = find.load("recipes", name)
    home = thing if inspect.ismodule(thing) else sys.modules[thing.__module__]
    source = getattr(home, "DATA", None)
    if not isinstance(source, str):
        raise UsageError(f"recipe {name} names no data (DATA)", "Give the data first: mulligan train DATA --recipe ...")
    return source


def reopened(recipe: Recipe) -> Dataset:
    """The data of a recipe that was resolved before."""
    return open_dataset(Data.model_validate(recipe.data.model_dump(include=set(ASKED))))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as dotted keys.

    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    result: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            result |= flat(value, f"{prefix}{name}.")
        else:
            result[f"{prefix}{name}"] = value
    return result


def _located(source: Any) -> Any:
    """A path as it is seen from any folder, so that a run can be resumed from anywhere; a name of built-in or outside data stays."""
    if not isinstance(source, str) or source in built_in() or find.is_outside(source) or not Path(source).exists():
        return source
    return os.path.abspath(source)


def _refuse(name: str) -> None:
    raise UnsafeError(f"{name} names code outside Mulligan", "Name it on a command line: mulligan train ...")


def _parsed(setting: str, allow: Callable[[str], object] = find.trust) -> tuple[str, Any]:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise UsageError(f"{setting}: expected key=value", "For instance batch=128")
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        value = text
    for name in (*_split(key), *_strings(value)):
        if find.is_outside(name):
            allow(name)
    return key, value


def _split(key: str) -> list[str]:
    """The parts of a dotted key; a part may be the name of outside code, which has a dot of its own.

    >>> _split("penalties.folder/mine.py:mine.weight")
    ['penalties', 'folder/mine.py:mine', 'weight']
    """
    outside = re.fullmatch(r"(\w+)\.(.+\.py:\w+)\.(.+)", key)
    return [outside[1], outside[2], *outside[3].split(".")] if outside else key.split(".")


def _strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (name, *_strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _arguments(function: Callable[..., Recipe]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)[1:]


def _made(name: str, function: Callable[..., Recipe], data: Data, arguments: dict[str, Any]) -> Recipe:
    try:
        return function(data, **arguments)
    except ValidationError as error:
        raise UsageError(f"recipe {name}: {_first(error)}", f"`mulligan recipes show {name}` lists its settings") from None


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UsageError(f"{path}: no such file", "Give a recipe's name (`mulligan recipes list`) or a recipe.json")
    values = read_json(path)
    if not isinstance(values, dict) or not isinstance(values.get("data"), dict):
        raise UsageError(f"{path} is no recipe: expected an object with data", "`mulligan recipes show NAME --json` prints one")
    return values


def _applied(base: Mapping[str, Any], keys: Mapping[str, Any], model: type, prefix: str, extra: Sequence[str] = ()) -> dict[str, Any]:
    """A copy of `base` with the dotted keys set; an unknown key names the nearest."""
    result: dict[str, Any] = json.loads(json.dumps(dict(base)))
    for key, value in keys.items():
        parts = _split(key.removeprefix(prefix))
        if parts[0] in result.get("players", {}) and parts[0] not in model.model_fields:  # type: ignore[attr-defined]  # pydantic models
            parts = ["players", *parts]
        _set(result, parts, value, key, model, tuple(flat(result)) + tuple(extra))
    return result


def _set(values: dict[str, Any], parts: list[str], value: Any, key: str, model: type, known: Sequence[str]) -> None:
    fields = tuple(model.model_fields)  # type: ignore[attr-defined]  # pydantic models
    if parts[0] not in fields:
        raise _unknown(key, [*known, *fields])
    place = values
    for depth, part in enumerate(parts[:-1]):
        if depth == 1 and parts[0] in NAMED_PARTS and part not in place:
            place[part] = {}
        if place.get(part) is None and (part in fields or part in OPTIONAL or part == "network"):
            place[part] = {}
        if not isinstance(place.get(part), dict):
            raise _unknown(key, known)
        place = place[part]
    last = parts[-1]
    complete = bool(place) and parts[0] not in ("penalties", "augmentations")
    optional = OPTIONAL[parts[-2]].model_fields if len(parts) > 1 and parts[-2] in OPTIONAL else {}
    if len(parts) > 1 and complete and last not in place and last not in optional:
        raise _unknown(key, known)
    if last == "name" and "role" in place and place["name"] != value:
        role = place["role"]
        place.clear()
        place["role"] = role  # another network has other settings: only its role stays
    place[last] = value


def _unknown(key: str, known: Sequence[str]) -> UsageError:
    short = {name.removeprefix("players."): name for name in known}
    return UsageError(f"{key}: no such setting", find.suggestion(key, short) + " (`mulligan recipes show NAME` lists all)")


def _validated(model: Any, values: dict[str, Any]) -> Any:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise UsageError(_first(error), "`mulligan recipes show NAME` lists every setting with its meaning") from None


def _first(error: ValidationError) -> str:
    """The first complaint of a validation on one line: where, what was given, what was expected."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    given = "" if isinstance(first["input"], dict) else f" (given: {first['input']!r})"
    more = f", and {error.error_count() - 1} more" if error.error_count() > 1 else ""
    return f"{place or 'recipe'}: {first['msg']}{given}{more}".replace("\n", " ")
