"""From what the user typed to samples: a built-in set by its name, or a folder, an array or a table by its path."""

from pathlib import Path

from mulligan import find
from mulligan.data.dataset import Dataset, limited
from mulligan.errors import UsageError
from mulligan.recipe import Data


def open_dataset(request: Data) -> Dataset:
    """Find and read the samples of a request.

    A built-in name stands for the built-in set, also where a folder of that name exists (./digits is the folder).
    Where `limit` is given, training samples beyond it are left out; the test split stays whole.
    Raises UsageError where there is no such thing, DataError where it is broken, UnsafeError where it would run code.

    >>> open_dataset(Data(source="ring")).data.shape
    (2,)
    >>> open_dataset(Data(source="digits", limit=100)).data.count
    100
    """
    return limited(_loaded(_home(request.source), request))


def judge_for(data: Data) -> str:
    """Name of the features in which samples of these data are judged (mulligan.metrics.features).

    What the file of the source says as its JUDGE; where it says nothing, `random` for images and `coordinates` for all else.
    Raises as `open_dataset` does.

    >>> judge_for(Data(source="mnist", kind="image")), judge_for(Data(source="ring", kind="points"))
    ('digits', 'coordinates')
    """
    named: str = getattr(_home(data.source), "JUDGE", "")
    return named or ("random" if data.kind == "image" else "coordinates")


def built_in() -> tuple[str, ...]:
    """Names of the sets that need no path.

    >>> "digits" in built_in()
    True
    """
    return tuple(name for name in find.names("data") if not _is_by_path(name))


def _is_by_path(name: str) -> bool:
    return bool(getattr(find.load("data", name), "BY_PATH", False))


def _home(source: str) -> object:
    """The file of data/, or the outside code, whose source is meant."""
    if find.is_outside(source):
        return find.load("data", source)
    names = find.names("data")
    # A thing of that very name comes first; the others are asked in order.
    for name in sorted(names, key=lambda name: name != source):
        thing: object = find.load("data", name)
        if find.attribute(thing, "accepts")(source):
            return thing
    raise _unknown(source, names)


def _loaded(thing: object, request: Data) -> Dataset:
    dataset = find.attribute(thing, "load")(request)
    if not isinstance(dataset, Dataset):
        raise UsageError(f"{request.source}: load gave a {type(dataset).__name__}", "It has to return a mulligan.data.dataset.Dataset")
    return dataset


def _unknown(source: str, names: tuple[str, ...]) -> UsageError:
    path = Path(source)
    if path.exists():
        return UsageError(f"{source} is no data that can be read", "Give a folder of images, a .npy or .npz array, or a .csv of numbers")
    known = [name for name in names if not _is_by_path(name)]
    if len(path.parts) > 1 or path.suffix:
        return UsageError(f"{source}: no such file or folder", f"Built in are: {', '.join(known)}")
    return UsageError(f"{source}: no built-in data of that name, and no such file or folder", find.suggestion(source, known))
