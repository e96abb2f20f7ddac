"""Blocks of one size, in which a sample always takes the same slot, so that it is the same whatever is asked beside it.

The last bit of a product of matrices may depend on how many rows there are and on which of them one looks at. So all passes have
the size that is stored with the model, padded where less is asked for, and the slot of a sample follows from its seed and index.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """What a sample is known by: the latent belongs to (seed, index)."""

    seed: int
    index: int

    def slot(self, block: int) -> int:
        """Row of a block in which this sample is always made; a run of indices or of seeds fills a block."""
        return (self.seed + self.index) % block


def of_seed(seed: int, indices: Iterable[int]) -> tuple[Place, ...]:
    """Samples `indices` of one seed.

    >>> of_seed(7, range(2))
    (Place(seed=7, index=0), Place(seed=7, index=1))
    """
    return tuple(Place(seed, index) for index in indices)


def first_of(seeds: Iterable[int]) -> tuple[Place, ...]:
    """The first sample of each seed."""
    return tuple(Place(seed, 0) for seed in seeds)


def pack(slots: Sequence[int]) -> list[list[int]]:
    """Which items go through together: lists of positions in `slots`, no slot twice in one list, as few lists as can be.

    >>> pack([0, 1, 0, 2])
    [[0, 1, 3], [2]]
    """
    taken: dict[int, int] = {}
    blocks: list[list[int]] = []
    for item, slot in enumerate(slots):
        block = taken.get(slot, 0)
        taken[slot] = block + 1
        if block == len(blocks):
            blocks.append([])
        blocks[block].append(item)
    return blocks
