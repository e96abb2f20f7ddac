"""Images: squares of pixels, grey or RGB, from uint8 to what networks see and back."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import PIL.Image
from pydantic import field_validator

from mulligan.errors import DataError, UsageError
from mulligan.kinds.kind import Kind
from mulligan.marks import PICTURES, Mark, make_folder, write_npz, write_picture, write_png
from mulligan.recipe import Data, Scaling

if TYPE_CHECKING:
    from torch import Tensor

_GAP = 2  # pixels of the picture between the cells of a grid
_LARGEST = 1024  # side; a hostile model.json must not make anything allocate


class Image(Kind):
    """Images of one size. Raw: uint8 (N, C, H, W) with C 1 or 3. Decoded: uint8 (N, H, W), or (N, H, W, 3).

    >>> digits = Image(shape=(1, 28, 28), scaling="symmetric")
    >>> digits.to_arrays(np.zeros((5, 1, 28, 28), np.uint8)).shape
    (5, 28, 28)
    """

    name: str = "image"
    scaling: Literal["symmetric", "unit"] = "symmetric"

    @field_validator("shape")
    @classmethod
    def _is_image(cls, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) != 3 or shape[0] not in (1, 3) or not all(1 <= side <= _LARGEST for side in shape[1:]):
            raise ValueError(f"{shape}: expected (1 or 3 channels, height, width) up to {_LARGEST} pixels")
        return shape

    def encode(self, raw: "Tensor") -> "Tensor":
        """uint8 -> [-1, 1] by x / 127.5 - 1 (symmetric), or [0, 1] by x / 255 (unit)."""
        return raw.float() / 127.5 - 1 if self.scaling == "symmetric" else raw.float() / 255

    def decode(self, samples: "Tensor") -> np.ndarray:
        """Scaled back, rounded and clipped to 0 to 255."""
        numbers = samples.detach().float()
        # The sum is asked first, which takes a tenth of the time: it is finite only where all numbers are.
        if not bool(numbers.sum().isfinite()) and not bool(numbers.isfinite().all()):
            raise ValueError("generated pixels are not finite")
        pixels = (numbers + 1).mul_(127.5) if self.scaling == "symmetric" else numbers * 255
        raw: np.ndarray = pixels.round_().clamp_(0, 255).cpu().numpy().astype(np.uint8)
        return self.to_arrays(raw)

    def present(self, samples: "Tensor") -> "Tensor":
        """Scaled to [0, 1] and clipped."""
        return ((samples + 1) / 2 if self.scaling == "symmetric" else samples).clamp(0, 1)

    def from_presented(self, presented: np.ndarray) -> np.ndarray:
        """Rounded to 0 to 255."""
        if not np.isfinite(presented).all():
            raise ValueError("generated pixels are not finite")
        return self.to_arrays((presented * 255).round().astype(np.uint8))

    def to_arrays(self, raw: np.ndarray) -> np.ndarray:
        """(N, 1, H, W) -> (N, H, W); (N, 3, H, W) -> (N, H, W, 3)."""
        return raw[:, 0] if self.shape[0] == 1 else np.ascontiguousarray(raw.transpose(0, 2, 3, 1))

    def from_arrays(self, arrays: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W) or (N, H, W, 3) -> uint8 (N, C, H, W)."""
        raw = arrays[:, None] if arrays.ndim == 3 else arrays.transpose(0, 3, 1, 2) if arrays.ndim == 4 else arrays
        if raw.dtype != np.uint8 or raw.shape[1:] != self.shape:
            expected = self.shape[1:] if self.shape[0] == 1 else (*self.shape[1:], 3)
            raise DataError(f"images of {arrays.dtype} {arrays.shape[1:]}: expected uint8 {expected}")
        return np.ascontiguousarray(raw)

    def preview(
        self, groups: Sequence[np.ndarray], columns: int = 10, scale: int | None = None, dark_on_light: bool = False
    ) -> PIL.Image.Image:
        """A grid, row by row; images of several groups stand side by side. Up to 40 pixels they are enlarged, each pixel a square of 4."""
        images = np.stack([np.asarray(group) for group in groups], axis=1)  # (N, groups, H, W[, 3])
        if dark_on_light:
            images = 255 - images
        scale = scale or (2 if max(self.shape[1:]) <= 40 else 1)
        return _grid(images.repeat(scale, axis=2).repeat(scale, axis=3), columns, 255 if dark_on_light else 0)

    def write(
        self,
        samples: np.ndarray,
        path: Path,
        mark: Mark | None,
        names: Sequence[str] = (),
        labels: np.ndarray | None = None,
        columns: int | None = None,
    ) -> tuple[Path, ...]:
        """To .png or .webp as one grid (one image alone: as it is), to .npz as `images` and `labels`, to a folder as one PNG each."""
        suffix = "" if path.is_dir() else path.suffix.lower()
        if suffix in PICTURES:
            alone = len(samples) == 1 and columns is None
            columns = columns or max(1, round(len(samples) ** 0.5))
            write_picture(PIL.Image.fromarray(samples[0]) if alone else self.preview([samples], columns), path, mark)
        elif suffix == ".npz":
            write_npz({"images": samples} if labels is None else {"images": samples, "labels": labels}, path, mark)
        elif suffix:
            raise UsageError(f"{path.name}: images cannot be written as {suffix}", "Name a .png, .webp or .npz file, or a folder")
        else:
            stems = names or [f"{index:06d}" for index in range(len(samples))]
            make_folder(path)
            files = tuple(path / f"{stem}.png" for stem in stems)
            for sample, file in zip(samples, files, strict=True):
                write_png(PIL.Image.fromarray(sample), file, mark)
            return files
        return (path,)

    @classmethod
    def tiny(cls) -> Self:
        """Grey images of 8 x 8."""
        return cls(shape=(1, 8, 8), scaling="symmetric")


def fit(data: Data, scaling: Scaling, raw: np.ndarray) -> Image:
    """The kind of these data; nothing is measured. Raises UsageError for a scaling that is not for images."""
    if scaling not in ("symmetric", "unit"):
        raise UsageError(f"scaling={scaling} is not for images", "Use scaling=symmetric or scaling=unit")
    return Image(shape=tuple(raw.shape[1:]), scaling=scaling)


def read(settings: dict[str, Any]) -> Image:
    """The kind as stored in model.json. Raises pydantic's ValidationError."""
    return Image.model_validate(settings)


def _grid(images: np.ndarray, columns: int, background: int) -> PIL.Image.Image:
    """Place images (N, groups, H, W[, 3]) row by row, `columns` in a row, the groups of one beside each other."""
    count, groups, height, width, *colour = images.shape
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    canvas = np.full((rows * (height + _GAP) + _GAP, columns * groups * (width + _GAP) + _GAP, *colour), background, np.uint8)
    for index in range(count):
        top = _GAP + index // columns * (height + _GAP)
        for group in range(groups):
            left = _GAP + (index % columns * groups + group) * (width + _GAP)
            canvas[top : top + height, left : left + width] = images[index, group]
    return PIL.Image.fromarray(canvas)
