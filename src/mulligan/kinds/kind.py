"""The base of all kinds: what one sample is, from raw data to what networks see, and back to files and pictures.

A file in kinds/ has a subclass of `Kind`, a function `fit` that makes one from data, and a function `read` that makes one from what
model.json says.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image
from pydantic import Field, ValidationError

from mulligan import find
from mulligan.errors import CheckpointError
from mulligan.marks import Mark
from mulligan.recipe import Scaling, Settings

if TYPE_CHECKING:
    from torch import Tensor

_BESIDE = 16  # samples of each set in a picture of several sets


class Kind(Settings):
    """What one sample is. Frozen; stored in model.json, so it says all that sampling needs.

    Three layouts of N samples: *raw* is how data are stored (uint8 (N, C, H, W), float32 (N, D)), *encoded* is what networks see and
    make (float32 of the same shape), *decoded* is what people and files get (uint8 (N, H, W) or (N, H, W, 3), float32 (N, D)).
    """

    name: str = Field(description="File in kinds/, or path.py:name.")
    shape: tuple[int, ...] = Field(description="Shape of one sample: (channels, height, width), or (columns,) for points.")
    scaling: Scaling = Field(description="Which numbers the networks see.")

    def encode(self, raw: "Tensor") -> "Tensor":
        """Raw samples (N, *shape) -> float32 (N, *shape), as networks see them. Runs inside a compiled step, on any device."""
        raise NotImplementedError(f"{type(self).__name__} cannot encode")

    def decode(self, samples: "Tensor") -> np.ndarray:
        """Encoded samples (N, *shape) -> decoded ones. Raises ValueError for numbers that are not finite."""
        raise NotImplementedError(f"{type(self).__name__} cannot decode")

    def present(self, samples: "Tensor") -> "Tensor":
        """Encoded samples (N, *shape) -> numbers that anybody can read, float32 of the same shape; by operations that ONNX knows.

        What an exported model gives: pixels from 0 to 1, points in the user's own units.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be exported")

    def from_presented(self, presented: np.ndarray) -> np.ndarray:
        """What `present` gave (N, *shape) -> decoded samples. Raises ValueError for numbers that are not finite."""
        raise NotImplementedError(f"{type(self).__name__} cannot be read from an export")

    def to_arrays(self, raw: np.ndarray) -> np.ndarray:
        """Raw samples -> the same samples decoded."""
        raise NotImplementedError(f"{type(self).__name__} has no arrays")

    def from_arrays(self, arrays: np.ndarray) -> np.ndarray:
        """Decoded samples -> the same samples as raw data: the inverse of `to_arrays`. Raises DataError if they do not fit."""
        raise NotImplementedError(f"{type(self).__name__} cannot be read")

    def preview(
        self, groups: Sequence[np.ndarray], columns: int = 10, scale: int | None = None, dark_on_light: bool = False
    ) -> Image.Image:
        """A picture of decoded samples.

        groups: one array, or several of equal length that are compared, sample by sample. columns: samples of each group in a row of
        the grid. scale: pixels per pixel; chosen by size if absent. dark_on_light: inverted, as grey digits are often printed.
        """
        raise NotImplementedError(f"{type(self).__name__} has no picture")

    def side_by_side(self, groups: Sequence[np.ndarray], headings: Sequence[str], real: np.ndarray) -> Image.Image:
        """A picture of several sets of decoded samples that imitate the same real ones; here, a row of samples for each set.

        headings: of the groups, where there is room for them.
        """
        shown = min(_BESIDE, *(len(group) for group in groups))
        return self.preview([np.concatenate([group[:shown] for group in groups])], columns=shown)

    def write(
        self,
        samples: np.ndarray,
        path: Path,
        mark: Mark | None,
        names: Sequence[str] = (),
        labels: np.ndarray | None = None,
        columns: int | None = None,
    ) -> tuple[Path, ...]:
        """Write decoded samples to a file, by its ending, or to a folder; returns what was written.

        mark: None for real data alone. names: stems of the files in a folder, one per sample. labels: int64 (N,), kept where the format
        can. columns: of a grid. Raises UsageError for an ending that this kind does not know, DiskError.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be written")

    @classmethod
    def tiny(cls) -> Self:
        """The smallest sensible one, for tests."""
        raise NotImplementedError(f"{cls.__name__} has no tiny size")


def restore(settings: dict[str, Any]) -> Kind:
    """The kind that model.json describes. Raises CheckpointError, and UnsafeError for outside code that the user did not type."""
    try:
        kind = find.attribute(find.load("kinds", str(settings.get("name"))), "read")(settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(f"the model's kind of sample cannot be read ({place}: {first['msg']})") from None
    assert isinstance(kind, Kind)
    return kind
