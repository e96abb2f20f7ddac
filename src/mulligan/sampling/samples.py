"""Samples with what is known about them: which they are, of which model, and how they become pictures and files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mulligan.errors import UsageError
from mulligan.kinds.kind import Kind
from mulligan.marks import PICTURES, Mark, png_bytes, write_picture
from mulligan.runs.folder import slug
from mulligan.runs.writing import disk_errors
from mulligan.sampling.asked import written_labels
from mulligan.sampling.blocks import Place


@dataclass(frozen=True)
class Grid:
    """A picture of samples that says inside its file that it is synthetic; a notebook shows it."""

    image: Image.Image
    mark: Mark

    def save(self, path: str | Path) -> Path:
        """Write a PNG or a WebP with its mark. Raises DiskError, and UsageError for another ending."""
        to = Path(path)
        if to.suffix.lower() not in PICTURES:
            raise UsageError(f"{to.name}: a grid is written as .png or .webp", "Name such a file")
        make_parent(to)
        write_picture(self.image, to, self.mark)
        return to

    def _repr_png_(self) -> bytes:
        return png_bytes(self.image, self.mark)


@dataclass(frozen=True)
class Samples:
    """Decoded samples of a model.

    array: uint8 (N, H, W) or (N, H, W, 3) for images, float32 (N, D) for points. labels: int64 (N,), or None without condition.
    places: the seed and index of each. model: hash of the model that made them. classes: names that labels are numbered by.
    """

    array: np.ndarray
    labels: np.ndarray | None
    places: tuple[Place, ...]
    kind: Kind
    model: str
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.array)

    @property
    def images(self) -> np.ndarray:
        """uint8 (N, H, W) or (N, H, W, 3). Raises UsageError where samples are no images."""
        if self.array.dtype != np.uint8:
            raise UsageError("these samples are points, not images", "Take .points")
        return self.array

    @property
    def points(self) -> np.ndarray:
        """float32 (N, D). Raises UsageError where samples are no points."""
        if self.array.dtype == np.uint8:
            raise UsageError("these samples are images, not points", "Take .images")
        return self.array

    @property
    def mark(self) -> Mark:
        """What a file of these samples says of itself; the seed where all have the same."""
        seeds = {place.seed for place in self.places}
        return Mark(model=self.model, seed=seeds.pop() if len(seeds) == 1 else None)

    def written_labels(self) -> np.ndarray | None:
        """Labels as a file holds them; None without condition."""
        return None if self.labels is None else written_labels(self.labels, self.classes)

    def names(self) -> tuple[str, ...]:
        """Stems of one file for each sample: seed, index and label.

        They sort in the order of seeds and of indices.
        """
        width = max((len(str(place.seed)) for place in self.places), default=1)
        written = self.written_labels()
        labels = [""] * len(self) if written is None else [f"-label{slug(str(label))}" for label in written.tolist()]
        return tuple(f"seed{place.seed:0{width}d}-{place.index:06d}{label}" for place, label in zip(self.places, labels, strict=True))

    def to_pil(self) -> list[Image.Image]:
        """One picture of each sample."""
        if self.array.dtype == np.uint8:
            return [Image.fromarray(sample) for sample in self.array]
        return [self.kind.preview([self.array[place : place + 1]]) for place in range(len(self))]

    def grid(self, columns: int | None = None) -> Grid:
        """All samples in one picture: a square grid unless `columns` are given; for points, a plot. Raises UsageError for none."""
        if not len(self):
            raise UsageError("there are no samples to show", "Ask for at least one")
        return Grid(self.kind.preview([self.array], columns=columns or max(1, round(len(self) ** 0.5))), self.mark)

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write to a file by its ending (.png, .webp, .npz, .csv for points), or one file each to a folder; returns what was written."""
        from mulligan.sampling.output import write_samples

        return write_samples(self, Path(path))

    def _repr_png_(self) -> bytes:
        return self.grid()._repr_png_()


def make_parent(path: Path) -> None:
    """Make the folder that a file is to be written to. Raises DiskError."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
