"""Walks through the latents, from sample to sample: as a film that repeats, as a strip, or as numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mulligan.errors import UsageError
from mulligan.marks import FILMS, Mark, write_film
from mulligan.randomness import sample_latents
from mulligan.sampling.sampler import Sampler
from mulligan.sampling.samples import make_parent

MILLISECONDS = 80  # of a frame
_SIDE = 168  # pixels, about, of a frame
_MOST_FRAMES = 10_000


def legs(ends: Tensor, steps: int, distribution: str) -> Tensor:
    """Latents on the way from each end to the next, both included.

    ends: (K, D), two or more. steps: latents in a leg, two or more. Returns (K - 1, steps, D).
    Normal latents are walked on the arc, so that each on the way is as long as a normal latent is (White 2016, arXiv 1609.04468,
    section 2.1); uniform ones on the straight line, which stays inside the cube.

    >>> legs(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), 3, "normal")[0, 1]
    tensor([0.7071, 0.7071])
    """
    share = torch.linspace(0, 1, steps).view(1, -1, 1)
    first, last = ends[:-1].unsqueeze(1), ends[1:].unsqueeze(1)
    straight = first + share * (last - first)
    if distribution != "normal":
        return straight
    cosine = torch.nn.functional.cosine_similarity(first, last, dim=2).clamp(-1, 1).unsqueeze(2)
    angle = cosine.acos()
    sine = angle.sin()
    arc = (((1 - share) * angle).sin() * first + (share * angle).sin() * last) / sine.clamp(min=1e-6)
    return torch.where(sine < 1e-3, straight, arc)  # equal or opposite ends have no arc between them


def walk(model: Sampler, seeds: Sequence[int], steps: int, label: int | str | None = None) -> np.ndarray:
    """Decoded samples on the way from the first sample of each seed to that of the next.

    label: of the whole walk, where the model has classes; the first seed's own if absent.
    Returns (len(seeds) - 1, steps, ...). Raises UsageError for fewer than two seeds or steps, or for too many.
    """
    if len(seeds) < 2 or steps < 2:
        raise UsageError(f"a walk over {len(seeds)} seeds with {steps} steps each", "Give at least two seeds and two steps")
    if (len(seeds) - 1) * steps > _MOST_FRAMES:
        raise UsageError(f"a walk of {(len(seeds) - 1) * steps:,} frames", f"Ask for at most {_MOST_FRAMES:,}")
    latent = model.description.latent
    ends = torch.cat([sample_latents(latent.distribution, latent.size, seed, range(1)) for seed in seeds])
    way = legs(ends, steps, latent.distribution)
    if label is None and model.classes:
        label = seeds[0] % len(model.classes)
    frames = model.generate(way.flatten(0, 1), label)
    return frames.reshape(*way.shape[:2], *frames.shape[1:])


def field(model: Sampler, seeds: Sequence[int], columns: int, rows: int, label: int | str | None = None) -> np.ndarray:
    """Decoded samples of a rectangle of latents between the first samples of four seeds, its corners row by row: (rows, columns, ...).

    Both ways are walked as `walk` does. Raises UsageError for other than four seeds, and for fewer than two columns or rows.
    """
    if len(seeds) != 4 or min(columns, rows) < 2:
        raise UsageError(f"a field of {columns}x{rows} between {len(seeds)} seeds", "Give four seeds, and at least 2x2")
    if columns * rows > _MOST_FRAMES:
        raise UsageError(f"a field of {columns * rows:,} samples", f"Ask for at most {_MOST_FRAMES:,}")
    latent = model.description.latent
    corners = torch.cat([sample_latents(latent.distribution, latent.size, seed, range(1)) for seed in seeds])
    left, right = (legs(corners[side::2], rows, latent.distribution)[0] for side in (0, 1))
    places = torch.cat([legs(torch.stack(ends), columns, latent.distribution) for ends in zip(left, right, strict=True)])
    if label is None and model.classes:
        label = seeds[0] % len(model.classes)
    samples = model.generate(places.flatten(0, 1), label)
    return samples.reshape(rows, columns, *samples.shape[1:])


def write_field(
    model: Sampler, seeds: Sequence[int], to: Path, columns: int, rows: int, label: int | str | None = None
) -> tuple[Path, ...]:
    """Write a rectangle of samples between four seeds as `write_samples` does; returns what was written."""
    samples = field(model, seeds, columns, rows, label)
    names = [f"field{row:03d}-{column:03d}" for row in range(rows) for column in range(columns)]
    make_parent(to)
    return model.kind.write(samples.reshape(-1, *samples.shape[2:]), to, model.mark, names=names, columns=columns)


def there_and_back(seeds: Sequence[int]) -> Sequence[int]:
    """The seeds of a walk that ends where it began, so that a film of it repeats without a jump."""
    return [*seeds, seeds[0]] if len(seeds) > 1 and seeds[0] != seeds[-1] else seeds


def film(model: Sampler, ways: np.ndarray) -> list[Image.Image]:
    """The frames of a walk between images (legs, steps, ...): each seed once."""
    scale = max(1, _SIDE // max(model.kind.shape[1:]))
    return [model.kind.preview([frame[None]], columns=1, scale=scale) for way in ways for frame in way[:-1]]


def write_walk(
    model: Sampler, seeds: Sequence[int], to: Path, steps: int = 12, label: int | str | None = None, milliseconds: int = MILLISECONDS
) -> tuple[Path, ...]:
    """Write a walk; returns what was written.

    to: `.gif` or `.webp` (images: a walk that comes back to its first seed and repeats), `.png` (images: a strip, one row from each seed
    to the next; points: a plot), `.npz`, `.csv` for points, or a folder.
    Raises UsageError as `walk` does, and for another ending; DiskError.
    """
    images = len(model.kind.shape) == 3
    is_film = to.suffix.lower() in FILMS and images
    if to.suffix.lower() == ".gif" and not images:
        raise UsageError(f"{to.name}: a walk between points is a line, not a film", "Name a .png, .webp, .csv or .npz file")
    if is_film:
        seeds = there_and_back(seeds)
    ways = walk(model, seeds, steps, label)
    mark = Mark(model=model.description.weights)
    make_parent(to)
    if is_film:
        write_film(film(model, ways), to, mark, milliseconds)
        return (to,)
    names = [f"walk{leg:03d}-{step:03d}" for leg in range(len(ways)) for step in range(steps)]
    return model.kind.write(ways.reshape(-1, *ways.shape[2:]), to, mark, names=names, columns=steps)
