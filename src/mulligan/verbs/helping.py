"""Do the synthetic samples of a run help a classifier? The model is asked for samples; `mulligan.metrics.usefulness` compares."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mulligan import find
from mulligan.data.dataset import Dataset, Split
from mulligan.data.progress import progress
from mulligan.errors import DataError, UsageError
from mulligan.metrics.classifier import STEPS
from mulligan.metrics.usefulness import SEEDS, Usefulness, chosen_sizes, trainings, usefulness
from mulligan.resolve import reopened
from mulligan.runs import facts, lock, report, safe_json
from mulligan.runs.folder import Run
from mulligan.runs.writing import write_text
from mulligan.sampling.asked import MOST_SAMPLES, find_label
from mulligan.sampling.description import public_source
from mulligan.sampling.sampler import Sampler
from mulligan.verbs.opening import open_like, open_sampler

Size = int | Literal["all"]


def helps(
    of: Path | str | Sampler,
    *,
    sizes: Sequence[Size] | None = None,
    seeds: Sequence[int] = SEEDS,
    n: int | None = None,
    against: str | None = None,
    flips: bool = False,
    shown: bool = False,
) -> Usefulness:
    """Whether a classifier gains from the synthetic samples of a run, at several numbers of real ones.

    of: a run folder, a model folder, or a model. sizes: numbers of real samples, "all" for all of them; absent: 100, 1,000 and all.
    seeds: of the trainings and of the samples (sample i of seed s is that of `mulligan sample --seed s`). n: synthetic samples for each
    seed. against: labelled real data, by name or path; absent: those of the run. flips: mirrored images are still of their class.
    shown: a bar on stderr, where that is a terminal. Of a run, the result is kept in usefulness.json, if the folder may be written.
    Raises UsageError where there is no model or there are no data, DataError for data without labels or without a test split.
    """
    folder, model = open_sampler(of)
    dataset = _real_data(folder, model, against)
    train, test = _labelled(dataset, model)
    if n is not None and not 1 <= n <= MOST_SAMPLES:
        raise UsageError(f"{n} synthetic samples: expected 1 to {MOST_SAMPLES:,}")
    asked = None if sizes is None else [len(train.target) if size == "all" else size for size in sizes]
    numbers = chosen_sizes(asked, train.label)
    conditional = bool(model.classes)

    def sampler(count: int, labels: np.ndarray | None, seed: int) -> np.ndarray:
        names = None if labels is None else [model.classes[label] for label in labels.tolist()]
        return model.kind.from_arrays(model.sample(range(count), seed, names))

    with progress("Classifiers", trainings(numbers, len(seeds), train.target.ndim == 4, conditional), shown=shown) as told:
        found = usefulness(
            sampler,
            train.target,
            train.label,
            test.target,
            test.label,
            conditional=conditional,
            sizes=numbers,
            seeds=seeds,
            n=n,
            steps=STEPS,
            flips=flips,
            told=told,
        )
    if folder is not None and os.access(folder.path, os.W_OK):  # a run that may only be read can be judged, too
        about: dict[str, Any] = {"schema_version": 1, "model": model.description.weights, "data": public_source(dataset.data.source)}
        write_text(folder.usefulness_file, safe_json.dumps(about | found.as_dict()))
        if facts.is_current(folder) and not lock.is_held(folder):
            report.write(folder)
    return found


def _real_data(folder: Run | None, model: Sampler, against: str | None) -> Dataset:
    """Labelled data of the model's kind: those that were named, or those of the run."""
    if against is not None:
        if find.is_outside(against):
            find.trust(against)
        return open_like(model.kind.shape, against)
    if folder is None:
        raise UsageError("a model alone does not know its data", "Name labelled real data: --against DATA")
    return reopened(folder.read_recipe())


def _labelled(dataset: Dataset, model: Sampler) -> tuple[Split, Split]:
    """Training and test samples with labels, numbered as the model's classes where it has some."""
    name, train, test = dataset.data.source, dataset.train, dataset.test
    if dataset.data.shape != model.kind.shape:
        raise UsageError(f"{name} holds samples of shape {dataset.data.shape}, and the model's are {model.kind.shape}", "Name other data")
    if not isinstance(train, Split) or train.label is None:
        hint = "Name labelled data of the same kind: --against DATA (class folders, or an .npz with images and labels)"
        raise DataError(f"{name} has no labels, so no classifier can learn from it", hint)
    if not isinstance(test, Split) or test.label is None:
        raise DataError(f"{name} has no held-out test samples ({len(train.target)} samples are too few)", "Give at least 100 samples")
    if not model.classes:
        return train, test
    numbers = np.array([find_label(label, model.classes) for label in dataset.data.classes], np.int64)
    return Split(train.target, numbers[train.label]), Split(test.target, numbers[test.label])
