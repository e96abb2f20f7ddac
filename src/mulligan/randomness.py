"""Every random number as a function of its place in the work: no random state is ever saved.

A draw is named by (seed, stream, step, attempt). It is made for the whole global batch at once; the slot of a sample is its row,
so a part of a batch takes its range of rows and gets the numbers that the whole batch would have given it.
`attempt` is raised by a rollback, so that a second try does not repeat the failure of the first.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor


def mixed(seed: int, stream: str, step: int = 0, attempt: int = 0) -> int:
    """Mix a place in the work into 63 bits.

    >>> mixed(0, "latent", 7) == mixed(0, "latent", 7) != mixed(0, "latent", 8)
    True
    """
    place = f"{seed}/{stream}/{step}/{attempt}".encode()
    return int.from_bytes(blake2b(place, digest_size=8).digest(), "little") >> 1


def torch_generator(seed: int, stream: str, step: int = 0, attempt: int = 0) -> torch.Generator:
    """A fresh CPU generator for one draw: numbers are the same whichever device they go to."""
    return torch.Generator().manual_seed(mixed(seed, stream, step, attempt))


def numpy_generator(seed: int, stream: str, step: int = 0, attempt: int = 0) -> np.random.Generator:
    """A fresh numpy generator for one draw (endless data sources, permutations)."""
    return np.random.Generator(np.random.PCG64(mixed(seed, stream, step, attempt)))


def seed_operators(seed: int, step: int, attempt: int, device: str = "cpu") -> None:
    """Seed what draws inside operators (dropout), which repeats under the same compile setting."""
    number = mixed(seed, "operators", step, attempt)
    if device == "cpu":  # torch.manual_seed formats a traceback for each accelerator that is not there: a third of a small step
        torch.default_generator.manual_seed(number)
    else:
        torch.manual_seed(number)


def latents(distribution: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw latents of a distribution: `normal` (standard) or `uniform` in [-1, 1].

    >>> latents("uniform", (2, 5), torch_generator(0, "example")).shape
    torch.Size([2, 5])
    """
    if distribution == "normal":
        return torch.randn(shape, generator=generator)
    if distribution == "uniform":
        return torch.rand(shape, generator=generator).mul_(2).sub_(1)
    raise ValueError(f"latent distribution {distribution!r}: expected normal or uniform")


def sample_latents(distribution: str, size: int, seed: int, indices: range) -> Tensor:
    """Latents of samples `indices` of `seed`: each belongs to (seed, index), whatever is asked beside it.

    Returns (len(indices), size) float32.
    """
    return place_latents(distribution, size, ((seed, index) for index in indices))


def place_latents(distribution: str, size: int, places: Iterable[tuple[int, int]]) -> Tensor:
    """Latents of samples by their seed and index, one row for each: (N, size) float32."""
    generator = torch.Generator()  # seeded anew for each: to make one takes as long as to draw a row
    rows = [latents(distribution, (size,), generator.manual_seed(mixed(seed, "sample", index))) for seed, index in places]
    return torch.stack(rows) if rows else torch.empty(0, size)
