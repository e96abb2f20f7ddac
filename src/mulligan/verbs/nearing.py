"""The training sample that is nearest to each sample: whether they are copies, for people to look at."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from mulligan.data.dataset import Dataset, Endless, Split
from mulligan.errors import UsageError
from mulligan.kinds.kind import Kind
from mulligan.marks import Mark
from mulligan.metrics.nearest import nearest as search
from mulligan.metrics.nearest import nearest_others
from mulligan.metrics.projection import Projection
from mulligan.metrics.real import decoded
from mulligan.resolve import reopened
from mulligan.runs.folder import Run
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.output import write_beside
from mulligan.sampling.sampler import Sampler
from mulligan.verbs.opening import open_like, open_sampler

HELD_OUT = 1000  # real samples that say what a usual distance is
MOST = 10_000


@dataclass(frozen=True)
class Nearest:
    """Samples and the training samples nearest to them, both decoded, sample by sample.

    places: of the training samples among all of them. ratios: distance to it over the median of the same distance of held-out real
    samples, or where none are, of training samples to each other: near 1 for a sample that is as new as real ones are, near 0 for a
    copy. Distances are taken in 64 principal components.
    kind, mark: of the samples.
    """

    samples: np.ndarray
    originals: np.ndarray
    places: np.ndarray
    ratios: np.ndarray
    kind: Kind
    mark: Mark

    def write(self, to: Path) -> Path:
        """Write the pairs: `.png` or `.webp`, or `.npz` with ratios and places. Raises UsageError for another ending; DiskError."""
        pair = {"samples": self.samples, "originals": self.originals}
        return write_beside(self.kind, self.mark, pair, {"ratios": self.ratios, "places": self.places}, to)


def nearest(
    of: Path | str | Sampler, n: int = 10, seed: int = 0, label: int | str | None = None, against: Path | str | None = None
) -> Nearest:
    """Samples 0 to n-1 of a seed, each with its nearest training sample.

    of: a run, a model folder, an ONNX file or a model. label: the class of all samples. against: the training data, by name or path;
    absent, those of the run. Raises UsageError for a model alone without data, and for data that have no end.
    """
    if not 1 <= n <= MOST:
        raise UsageError(f"n={n}: expected 1 to {MOST:,}")
    run, model = open_sampler(of)
    originals = Originals.of(_data(run, model, against))
    drawn = model.draw(of_seed(seed, range(n)), label)
    nearest_ones, places, ratios = originals.nearest(drawn.array)
    return Nearest(drawn.array, nearest_ones, places, ratios, model.kind, drawn.mark)


@dataclass(frozen=True)
class Originals:
    """Training samples, ready to be searched: decoded, and as rows of principal components. usual: a usual distance to the nearest."""

    samples: Tensor
    space: Projection
    rows: Tensor
    usual: float

    @classmethod
    def of(cls, dataset: Dataset) -> "Originals":
        """Those of some data. Raises UsageError for data that have no end."""
        if isinstance(dataset.train, Endless):
            raise UsageError("a copy is a copy of something, and these data never end", "Name others: --against DATA")
        known = decoded(dataset.train)
        space = Projection.fit(known)
        rows = space.apply(known)
        if isinstance(dataset.test, Split):
            usual = float(search(space.apply(decoded(dataset.test)[:HELD_OUT]), rows)[0].median())
        else:  # too few to hold some out
            usual = float(nearest_others(rows)[0].median())
        return cls(known, space, rows, max(usual, 1e-12))

    def nearest(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of decoded samples (N, ...): the nearest training samples, decoded, their places, and ratios as `Nearest` has them."""
        distances, places = search(self.space.apply(samples), self.rows)
        return self.samples[places[:, 0]].numpy(), places[:, 0].numpy(), distances[:, 0].numpy() / self.usual


def _data(run: Run | None, model: Sampler, against: Path | str | None) -> Dataset:
    if against is not None:
        return open_like(model.kind.shape, str(against))
    if run is None:
        raise UsageError("a model alone does not know its training data", "Name them: --against DATA")
    return reopened(run.read_recipe())
