"""Writing what a model makes: the one way in which samples and reconstructions become files, always with their mark."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mulligan.errors import UsageError
from mulligan.kinds.kind import Kind
from mulligan.marks import PICTURES, Mark, write_npz, write_picture
from mulligan.runs.writing import disk_errors
from mulligan.sampling.inversion import Inverted
from mulligan.sampling.sampler import Sampler
from mulligan.sampling.samples import Samples, make_parent


def write_samples(samples: Samples, to: Path, grid: tuple[int, int] | None = None) -> tuple[Path, ...]:
    """Write samples to a file, by its ending, or to a folder; returns what was written.

    to: `.png` or `.webp` (one picture: a grid, or a sample alone as it is), `.npz` (`images` or `points`, and `labels` where conditional),
    `.csv` for points, or a folder (one PNG for each image, named by seed, index and label; a table of points). Folders are made.
    grid: (columns, rows) of a picture; it may have empty cells at its end.
    Raises UsageError for another ending, or for a grid that does not fit; DiskError.
    """
    if not len(samples):
        raise UsageError("there are no samples to write", "Ask for at least one")
    if grid is not None and to.suffix.lower() not in PICTURES:
        raise UsageError(f"a grid is a picture, and {to.name} is none", "Name a .png or .webp file, or leave the grid out")
    if grid is not None and grid[0] * grid[1] < len(samples):
        raise UsageError(f"a grid of {grid[0]}x{grid[1]} has no place for {len(samples)} samples", "Make it larger, or ask for fewer")
    make_parent(to)
    with disk_errors(to):
        columns = grid[0] if grid else None
        return samples.kind.write(samples.array, to, samples.mark, names=samples.names(), labels=samples.written_labels(), columns=columns)


def write_reconstructions(model: Sampler, originals: np.ndarray, to: Path, columns: int = 5) -> Path:
    """Write real samples with the model's reproduction beside each: `.png` or `.webp` (pairs in a grid) or `.npz`, marked as composite.

    originals: raw samples, uint8 (N, C, H, W) or float32 (N, D). columns: pairs in a row.
    Raises UsageError for a model that cannot reconstruct, for no originals and for another ending; DiskError.
    """
    if not len(originals):
        raise UsageError("there are no samples to reconstruct", "Give at least one")
    pair = {"originals": model.kind.to_arrays(originals), "reconstructions": model.reconstruct(originals)}
    return write_beside(model.kind, model.mark, pair, {}, to, columns)


def write_inverted(model: Sampler, originals: np.ndarray, found: Inverted, to: Path, columns: int = 5) -> Path:
    """Write given samples with what the model makes of their latents beside each: a picture, or `.npz` with latents, labels and errors."""
    pair = {"originals": model.kind.to_arrays(originals), "samples": found.samples}
    beside = {"latents": found.latents.numpy(), "errors": found.errors} | ({} if found.labels is None else {"labels": found.labels})
    return write_beside(model.kind, model.mark, pair, beside, to, columns)


def write_beside(
    kind: Kind, mark: Mark, pair: Mapping[str, np.ndarray], also: Mapping[str, np.ndarray], to: Path, columns: int = 5
) -> Path:
    """Write two sets of decoded samples, one of which is real, side by side: `.png` or `.webp`, or `.npz` with what else is known of them.

    Raises UsageError for another ending; DiskError.
    """
    composite = replace(mark, composite=True)
    make_parent(to)
    if to.suffix.lower() in PICTURES:
        write_picture(kind.preview(list(pair.values()), columns=columns), to, composite)
    elif to.suffix.lower() == ".npz":
        write_npz({**pair, **also}, to, composite)
    else:
        raise UsageError(f"{to.name}: pairs of samples are written as .png, .webp or .npz", "Name such a file")
    return to
