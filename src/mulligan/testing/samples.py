"""Checks of data sources and kinds."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from mulligan import find
from mulligan.data.dataset import Dataset, Endless, Split
from mulligan.kinds.kind import Kind
from mulligan.marks import Mark, read_mark
from mulligan.recipe import Data, Scaling
from mulligan.testing.demand import demand, found, title


def check_dataset(thing: Any, source: str) -> Dataset:
    """Check a source of data, by opening it: what it says of its samples is true, and it says it again when it is opened again.

    thing: a name, or a namespace with `accepts(source) -> bool` and `load(request: Data) -> Dataset`.
    source: what a user would type to get these data. Returns the data set that was opened.
    Raises AssertionError, UsageError for what is missing.

    >>> check_dataset("ring", "ring").data.shape
    (2,)
    """
    place = found("data", thing)
    name = title(place)
    accepts, load = find.attribute(place, "accepts"), find.attribute(place, "load")
    demand(accepts(source) is True, f"{name}.accepts({source!r}) is not True")
    demand(accepts("no such thing anywhere") is False, f"{name}.accepts anything")
    request = Data(source=source)
    dataset = load(request)
    if not isinstance(dataset, Dataset):
        raise AssertionError(f"{name}.load gave a {type(dataset).__name__}, expected a mulligan.data.dataset.Dataset")
    data = dataset.data
    demand(data.source == source, f"{name}: the request for {source!r} came back as one for {data.source!r}")
    demand(bool(data.kind) and (find.is_outside(data.kind) or data.kind in find.names("kinds")), f"{name}: no kind is called {data.kind!r}")
    for which, samples in (("train", dataset.train), ("test", dataset.test)):
        if samples is not None:
            _check_samples(f"{name}.{which}", samples, data)
    count = len(dataset.train.target) if isinstance(dataset.train, Split) else None
    demand(data.count == count, f"{name}: says {data.count} training samples, and has {count}")
    again = load(request).data
    demand(bool(data.fingerprint) and again == data, f"{name}: opened again, it is described differently")
    demand(load(data).data == data, f"{name}: its own description, given back as a request, leads to something else")
    return dataset


def _check_samples(name: str, samples: Split | Endless, data: Data) -> None:
    if isinstance(samples, Endless):
        target, again, label = samples.draw(7, np.random.default_rng(0)), samples.draw(7, np.random.default_rng(0)), None
        demand(len(target) == 7, f"{name}: 7 samples were asked for, {len(target)} came")
        demand(np.array_equal(target, again), f"{name}: the same generator gives other samples")
    else:
        target, label = samples.target, samples.label
    demand(len(target) > 0, f"{name}: is empty")
    demand(target.dtype in (np.uint8, np.float32), f"{name}: samples are {target.dtype}, expected uint8 or float32")
    demand(target.shape[1:] == data.shape, f"{name}: samples are {target.shape[1:]}, and described as {data.shape}")
    demand(bool(np.isfinite(target).all()), f"{name}: holds numbers that are not finite")
    demand((label is not None) == bool(data.classes), f"{name}: has labels where it has no classes, or the other way round")
    if label is not None:
        demand(label.dtype == np.int64 and label.shape == target.shape[:1], f"{name}: expected one int64 label per sample")
        demand(label.min() >= 0 and label.max() < len(data.classes), f"{name}: labels beyond its {len(data.classes)} classes")


def check_kind(thing: Any, raw: np.ndarray, scaling: Scaling) -> Kind:
    """Check a kind of samples on examples: there and back again without loss, into pictures, and into files that say what they are.

    thing: a name, or a namespace with `fit(data, scaling, raw)` and `read(settings)`.
    raw: a few samples as a data source would store them, uint8 (N, ...) or float32 (N, ...). scaling: what networks should see.
    Returns the kind that was fitted. Raises AssertionError, UsageError for what is missing.

    >>> check_kind("points", np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32), "standard").name
    'points'
    """
    place = found("kinds", thing)
    name = title(place)
    data = Data(source="check", kind=thing if isinstance(thing, str) else name, shape=raw.shape[1:], count=len(raw))
    kind = find.attribute(place, "fit")(data, scaling, raw)
    if not isinstance(kind, Kind):
        raise AssertionError(f"{name}.fit gave a {type(kind).__name__}, expected a mulligan.kinds.kind.Kind")
    demand(kind.shape == raw.shape[1:], f"{name}: fitted to samples {raw.shape[1:]}, says {kind.shape}")
    demand(find.attribute(place, "read")(kind.model_dump(mode="json")) == kind, f"{name}: what is written as JSON is read back differently")

    encoded = kind.encode(torch.from_numpy(raw))
    demand(encoded.dtype == torch.float32 and encoded.shape == raw.shape, f"{name}.encode: expected float32 {raw.shape}")
    demand(bool(encoded.isfinite().all()), f"{name}.encode gave numbers that are not finite")
    if scaling in ("symmetric", "unit"):
        low, high = float(encoded.min()), float(encoded.max())
        demand(high <= 1 and low >= (-1 if scaling == "symmetric" else 0), f"{name}.encode: {scaling} samples lie in [{low:g}, {high:g}]")
    arrays = kind.to_arrays(raw)
    demand(np.allclose(kind.decode(encoded), arrays, rtol=1e-4, atol=1e-5), f"{name}: decoded samples are not those that were encoded")
    demand(np.array_equal(kind.from_arrays(arrays), raw), f"{name}.from_arrays does not undo to_arrays")
    try:
        kind.decode(torch.full_like(encoded, float("nan")))
    except ValueError:
        pass
    else:
        raise AssertionError(f"{name}.decode takes numbers that are not finite: expected a ValueError")

    for groups in ([arrays], [arrays, arrays]):
        picture = kind.preview(groups, columns=3)
        demand(min(picture.size) > 0, f"{name}.preview drew nothing")
    with TemporaryDirectory() as folder:
        _check_files(name, kind, arrays, Path(folder))
    return kind


def _check_files(name: str, kind: Kind, arrays: np.ndarray, folder: Path) -> None:
    mark = Mark(seed=0)
    for target in ("samples.npz", "samples.png", "samples"):
        files = kind.write(arrays, folder / target, mark)
        demand(len(files) > 0 and all(file.is_file() for file in files), f"{name}.write: what it says it wrote to {target} is not there")
        demand(all(read_mark(file) is not None for file in files), f"{name}.write: a file of {target} does not say that it is synthetic")
