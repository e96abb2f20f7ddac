"""Points: rows of numbers, as they are or standardised column by column."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import PIL.Image
from pydantic import Field, model_validator

from mulligan.errors import DataError, UsageError
from mulligan.kinds.kind import Kind
from mulligan.kinds.plots import preview_groups, preview_points
from mulligan.marks import PICTURES, Mark, make_folder, write_csv, write_npz, write_picture
from mulligan.recipe import Data, Scaling

if TYPE_CHECKING:
    from torch import Tensor

_MOST = 65536  # columns; a hostile model.json must not make anything allocate

__all__ = ["Points", "fit", "preview_points", "read"]


class Points(Kind):
    """Points of D columns. Raw and decoded: float32 (N, D), in the user's own units.

    >>> Points(shape=(2,), scaling="none").from_arrays(np.zeros((3, 2))).dtype
    dtype('float32')
    """

    name: str = "points"
    scaling: Literal["none", "standard"] = "none"
    mean: tuple[float, ...] = Field((), description="Mean of each column of the training points; empty if they are not standardised.")
    std: tuple[float, ...] = Field((), description="Standard deviation of each column, 1 for a constant one; empty as the mean.")
    columns: tuple[str, ...] = Field((), description="Names of the columns, where the data have some.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.shape) != 1 or not 1 <= self.shape[0] <= _MOST:
            raise ValueError(f"shape {self.shape}: expected (columns,), at most {_MOST}")
        expected = self.shape[0] if self.scaling == "standard" else 0
        if len(self.mean) != expected or len(self.std) != expected:
            raise ValueError(f"mean and std have {len(self.mean)} and {len(self.std)} numbers: expected {expected}")
        if not all(number > 0 for number in self.std):
            raise ValueError("std holds a number that is not positive")
        if len(self.columns) not in (0, self.shape[0]):
            raise ValueError(f"{len(self.columns)} names of columns: expected {self.shape[0]}, or none")
        return self

    def encode(self, raw: "Tensor") -> "Tensor":
        """As they are, or (x - mean) / std column by column."""
        numbers = raw.float()
        if self.scaling == "none":
            return numbers
        return (numbers - numbers.new_tensor(self.mean)) / numbers.new_tensor(self.std)

    def decode(self, samples: "Tensor") -> np.ndarray:
        """Back in the user's units."""
        numbers = samples.detach().float()
        if not bool(numbers.isfinite().all()):
            raise ValueError("generated points are not finite")
        points: np.ndarray = self.present(numbers).cpu().numpy()
        return points

    def present(self, samples: "Tensor") -> "Tensor":
        """Back in the user's units."""
        if self.scaling == "none":
            return samples
        return samples * samples.new_tensor(self.std) + samples.new_tensor(self.mean)

    def from_presented(self, presented: np.ndarray) -> np.ndarray:
        """The same."""
        if not np.isfinite(presented).all():
            raise ValueError("generated points are not finite")
        return presented

    def to_arrays(self, raw: np.ndarray) -> np.ndarray:
        """The same."""
        return raw

    def from_arrays(self, arrays: np.ndarray) -> np.ndarray:
        """Any numbers (N, D) -> float32 (N, D)."""
        if arrays.ndim != 2 or arrays.shape[1:] != self.shape or arrays.dtype.kind not in "fiu":
            raise DataError(f"points of {arrays.dtype} {arrays.shape[1:]}: expected numbers {self.shape}")
        return np.ascontiguousarray(arrays, np.float32)

    def preview(
        self, groups: Sequence[np.ndarray], columns: int = 10, scale: int | None = None, dark_on_light: bool = False
    ) -> PIL.Image.Image:
        """A plot: of one group alone, or of real points (the first group) and generated ones (the last)."""
        return preview_points(groups[0] if len(groups) > 1 else None, groups[-1], names=self.columns)

    def side_by_side(self, groups: Sequence[np.ndarray], headings: Sequence[str], real: np.ndarray) -> PIL.Image.Image:
        """A small plot for each group, over the real points."""
        return preview_groups(real, groups, headings)

    def write(
        self,
        samples: np.ndarray,
        path: Path,
        mark: Mark | None,
        names: Sequence[str] = (),
        labels: np.ndarray | None = None,
        columns: int | None = None,
    ) -> tuple[Path, ...]:
        """To .npz as `points` (and `labels`), to .csv, to .png or .webp as a plot; to a folder as `points.csv` in it."""
        suffix = "" if path.is_dir() else path.suffix.lower()
        if suffix == "":
            make_folder(path)
            path, suffix = path / "points.csv", ".csv"
        if suffix == ".npz":
            write_npz({"points": samples} if labels is None else {"points": samples, "labels": labels}, path, mark)
        elif suffix == ".csv":
            write_csv(self.columns or [f"x{place + 1}" for place in range(self.shape[0])], samples, path, mark)
        elif suffix in PICTURES:
            write_picture(self.preview([samples]), path, mark)
        else:
            raise UsageError(f"{path.name}: points cannot be written as {suffix}", "Name a .npz, .csv, .png or .webp file, or a folder")
        return (path,)

    @classmethod
    def tiny(cls) -> Self:
        """Standardised points in the plane."""
        return cls(shape=(2,), scaling="standard", mean=(1.0, -2.0), std=(0.5, 3.0))


def fit(data: Data, scaling: Scaling, raw: np.ndarray) -> Points:
    """The kind of these data, with the mean and standard deviation of `raw` (N, D) if they are to be standardised.

    A constant column is shifted alone. Raises UsageError for a scaling that is not for points.
    """
    if scaling == "none":
        return Points(shape=tuple(raw.shape[1:]), scaling=scaling, columns=data.columns)
    if scaling != "standard":
        raise UsageError(f"scaling={scaling} is not for points", "Use scaling=none or scaling=standard")
    mean, std = raw.mean(axis=0, dtype=np.float64), raw.std(axis=0, dtype=np.float64)
    # Rounding leaves a constant column a tiny deviation, which must not be blown up to 1.
    constant = std <= 1e-7 * np.maximum(np.abs(mean), 1e-30)
    std = np.where(constant, 1.0, std)
    return Points(shape=tuple(raw.shape[1:]), scaling=scaling, columns=data.columns, mean=tuple(mean.tolist()), std=tuple(std.tolist()))


def read(settings: dict[str, Any]) -> Points:
    """The kind as stored in model.json. Raises pydantic's ValidationError."""
    return Points.model_validate(settings)
