"""Names of a package that are imported when they are first used, so that importing the package costs nothing."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def late(package: str, homes: Mapping[str, str], names: dict[str, Any]) -> Callable[[str], Any]:
    """The package's `__getattr__`. homes: module below the package by name. names: the package's `globals()`, where a name then stays.

    >>> late("mulligan", {"Recipe": "recipe"}, {})("Recipe").__name__
    'Recipe'
    """

    def found(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        names[name] = getattr(import_module(f"{package}.{homes[name]}"), name)
        return names[name]

    return found
