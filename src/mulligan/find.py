"""From a name to a thing: a file in a folder of this package, an entry point of another package, or `path.py:name`.

A thing is a namespace: a module, or a class or object with the same attributes. Which attributes is said by the contract of its
folder (`mulligan.testing`). `path.py:name` runs code, so it is honoured only where the user typed it (`trust`); a file that was
read (recipe.json, model.json) can never make it run.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from mulligan.errors import UnsafeError, UsageError

MOST_LISTED = 24  # names in a hint
_trusted: dict[str, str] = {}  # `path.py:name` as the user typed it -> SHA-256 of the file that it named then


def is_outside(name: str) -> bool:
    """Whether a name stands for code outside the package: `path.py:name`."""
    return ".py:" in name


def trust(name: str) -> None:
    """Allow `path.py:name` to run, because the user typed it on this command line or in Python."""
    path, _, _ = name.rpartition(":")
    try:
        _trusted[name] = sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{name}: cannot read {path} ({error.strerror})", "Give an existing file as path.py:name") from None


def trusted() -> dict[str, str]:
    """What the user allowed, with the hash of each file: recorded in the run."""
    return dict(_trusted)


@cache
def names(folder: str) -> tuple[str, ...]:
    """Names of all things in a folder of this package and in the entry points `mulligan.<folder>`, sorted.

    Files that a folder's things share, and which are no things themselves, stand in its `SHARED`.

    >>> "hinge" in names("losses")
    True
    """
    package = importlib.import_module(f"mulligan.{folder}")
    shared: tuple[str, ...] = getattr(package, "SHARED", ())
    files = {file.stem for place in package.__path__ for file in Path(place).glob("*.py")}
    own = {stem.replace("_", "-") for stem in files - set(shared) if stem != "__init__"}
    return tuple(sorted(own | set(_points(folder))))


def load(folder: str, name: str) -> Any:
    """The thing of that name.

    Raises UsageError with the nearest name if there is none, UnsafeError for outside code that the user did not type.
    """
    if is_outside(name):
        return _load_outside(name)
    if name not in names(folder):
        raise UsageError(f"{name}: no such name in {folder}", suggestion(name, names(folder)))
    if name in _points(folder):
        return _points(folder)[name].load()
    return importlib.import_module(f"mulligan.{folder}.{name.replace('-', '_')}")


def attribute(thing: Any, name: str) -> Any:
    """An attribute that the contract asks of a thing, or a UsageError that names it."""
    try:
        return getattr(thing, name)
    except AttributeError:
        raise UsageError(f"{getattr(thing, '__name__', thing)!s} has no {name}", "docs/extending.md lists what is expected") from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """The hint for a name that does not exist: the nearest one, or all of them where they are few."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.6 if len(known) <= MOST_LISTED else 0.0)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}"


@cache  # reading the metadata of everything that is installed takes some 15 ms
def _points(folder: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"mulligan.{folder}")}


def _load_outside(name: str) -> Any:
    if name not in _trusted:
        raise UnsafeError(
            f"{name} names code outside Mulligan, and a file may not make it run",
            f"If you trust that code, allow it on this command line: --trust {name}",
        )
    path, _, attribute_name = name.rpartition(":")
    module = _import_file(str(Path(path).resolve()), _trusted[name])
    return module if attribute_name == Path(path).stem else attribute(module, attribute_name)


@cache
def _import_file(path: str, digest: str) -> ModuleType:
    """Import a file under a name made of its content, so that two files of one name do not meet."""
    module_name = f"mulligan_outside_{Path(path).stem}_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file", "Give path.py:name")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module
