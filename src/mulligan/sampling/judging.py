"""A model judged by real data: its score card, and the picture of its samples that lie nearest to training samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mulligan.marks import Mark, write_png
from mulligan.metrics.evaluating import LIMIT, score_card
from mulligan.metrics.figures import ScoreCard
from mulligan.metrics.real import Real, real_data
from mulligan.metrics.reference import Reference
from mulligan.sampling.sampler import Sampler

COLUMNS = 10  # of the picture of pairs


class Judgement(NamedTuple):
    """A score card, and the pairs (samples, training samples), decoded, that lie nearest to each other; None without training samples."""

    card: ScoreCard
    pairs: tuple[Tensor, Tensor] | None


def judge(model: Sampler, against: Any, *, n: int | None = None, seed: int, features: Sequence[str] = ()) -> Judgement:
    """Samples 0 to n-1 of a seed judged by real data (a Dataset, a name or path, an array), at most 10,000 of them unless asked for.

    Raises UsageError, and DataError for data that the samples do not fit.
    """
    real = real_data(against, features, torch.empty(0, *model.sample(range(1)).shape[1:], dtype=_type(model)))
    count = limited(real, n)
    made = torch.from_numpy(model.sample(range(count), seed=seed))
    reference = Reference(real, count)
    card = score_card(reference, made, f"0 to {count - 1} of seed {seed}")
    return Judgement(card, None if real.seen is None else reference.nearest(made))


def limited(real: Real, n: int | None) -> int:
    """How many samples of each side there can be."""
    return min(n or LIMIT, len(real.test), len(real.train))


def write_pairs(model: Sampler, pairs: tuple[Tensor, Tensor], path: Path) -> None:
    """A picture of pairs side by side, for images: a sample, and the training sample that it is nearest to."""
    made, real = (rows.numpy() for rows in pairs)
    write_png(model.kind.preview([made, real], columns=COLUMNS // 2), path, Mark(composite=True, model=model.description.weights))


def _type(model: Sampler) -> torch.dtype:
    return torch.uint8 if model.kind.name == "image" else torch.float32
