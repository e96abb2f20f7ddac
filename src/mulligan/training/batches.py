"""Which real samples each turn sees: a function of the step, never of what was drawn before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mulligan.data.dataset import Endless, Split
from mulligan.randomness import numpy_generator
from mulligan.recipe import Order
from mulligan.training.game import Batch, Game

HELD = 2**27  # bytes of a file that are in memory, at most, before they are given back
_MAPPED = 2**16  # bytes that come into memory with each sample that is looked at in a file, at least


@dataclass
class Source:
    """The training split, drawn in the order that the recipe asks for.

    A turn's batch number u counts the reading turns of its player: u = step * reads + place among them.
    """

    split: Split | Endless
    order: Order
    batch: int
    seed: int
    device: str
    conditional: bool
    withheld: np.ndarray | None = None  # places of samples that no batch has
    _target: Tensor | None = field(init=False, default=None)
    _label: Tensor | None = field(init=False, default=None)
    kept: np.ndarray = field(init=False)  # places of the samples that batches are made of; none for an endless source
    _permutations: dict[tuple[str, int, int], np.ndarray] = field(init=False, default_factory=dict)
    _looked_at: int = field(init=False, default=0)  # bytes since the split last let go of what it holds

    def __post_init__(self) -> None:
        count = len(self.split.target) if isinstance(self.split, Split) else 0
        self.kept = np.setdiff1d(np.arange(count), [] if self.withheld is None else self.withheld)
        if isinstance(self.split, Split):
            self._target = self.split.tensor().to(self.device)
            if self.conditional and self.split.label is not None:
                self._label = torch.from_numpy(self.split.label).to(self.device)

    def images(self, number: int) -> int:
        """Real samples seen in the first `number` batches."""
        if not self._short():
            return number * self.batch
        count = len(self.kept)
        epoch, place = divmod(number, self._batches_per_epoch())
        return epoch * count + min(place * self.batch, count)

    def batch_of(self, stream: str, number: int, attempt: int) -> Batch:
        """Batch `number` of a stream (a player's name)."""
        if isinstance(self.split, Endless):
            points = self.split.draw(self.batch, numpy_generator(self.seed, f"data/{stream}", number, attempt))
            return Batch(torch.from_numpy(points).to(self.device), None, torch.zeros(self.batch, dtype=torch.long))
        return self.records(self.kept[self._indices(stream, number, attempt)])

    def records(self, indices: np.ndarray) -> Batch:
        """The training samples at these places."""
        index = torch.from_numpy(indices)
        place = index.to(self.device)
        target = self._all()[place]
        self._looked_at += max(target.nbytes, len(target) * _MAPPED)
        if self._looked_at > HELD and isinstance(self.split, Split):
            self.split.let_go()
            self._looked_at = 0
        return Batch(target, None if self._label is None else self._label[place], index)

    def _all(self) -> Tensor:
        if self._target is None:
            raise ValueError("an endless source has no places")
        return self._target

    def _short(self) -> bool:
        return self.order.short_batch and self.order.how == "epochs" and isinstance(self.split, Split)

    def _batches_per_epoch(self) -> int:
        return -(-len(self.kept) // self.batch)

    def _indices(self, stream: str, number: int, attempt: int) -> np.ndarray:
        count = len(self.kept)
        if self.order.how == "replacement":
            return numpy_generator(self.seed, f"data/{stream}", number, attempt).integers(count, size=self.batch)
        if self._short():
            epoch, place = divmod(number, self._batches_per_epoch())
            return self._permutation(stream, epoch, attempt)[place * self.batch : (place + 1) * self.batch]
        epoch, place = divmod(number * self.batch, count)
        pieces: list[np.ndarray] = []
        missing = self.batch
        while missing > 0:  # a batch runs on into the next epoch, or over several where it is larger than the data
            piece = self._permutation(stream, epoch, attempt)[place : place + missing]
            pieces.append(piece)
            missing -= len(piece)
            epoch, place = epoch + 1, 0
        return np.concatenate(pieces)

    def _permutation(self, stream: str, epoch: int, attempt: int) -> np.ndarray:
        key = (stream, epoch, attempt)
        if key not in self._permutations:
            if len(self._permutations) > 8:
                self._permutations.clear()
            self._permutations[key] = numpy_generator(self.seed, f"epoch/{stream}", epoch, attempt).permutation(len(self.kept))
        return self._permutations[key]


@dataclass(frozen=True)
class Schedule:
    """How many batches the turns of a step read, and so how many images a step shows to the player that reads first."""

    streams: tuple[tuple[str, int] | None, ...]  # per turn: (stream, place among the stream's reads of a step); None reads nothing
    reads: dict[str, int]  # stream -> reads per step
    first: str

    @classmethod
    def of(cls, game: Game) -> "Schedule":
        """The schedule of a game's turns."""
        reads: dict[str, int] = {}
        streams: list[tuple[str, int] | None] = []
        for turn in game.turns:
            if not turn.reads:
                streams.append(None)
                continue
            stream = "+".join(turn.players)
            streams.append((stream, reads.get(stream, 0)))
            reads[stream] = reads.get(stream, 0) + 1
        return cls(tuple(streams), reads, next(iter(reads)))

    def images(self, source: Source, step: int) -> int:
        """Images seen before step `step`: real samples that the first reading player was given."""
        return source.images(step * self.reads[self.first])

    def batches(self, source: Source, step: int, attempt: int) -> list[Batch | None]:
        """What each turn of a step reads."""
        return [
            None if place is None else source.batch_of(place[0], step * self.reads[place[0]] + place[1], attempt) for place in self.streams
        ]

    def step_at(self, source: Source, images: int) -> int:
        """The first step at which at least so many images have been seen."""
        low, high = 0, max(images, 1)
        while low < high:
            middle = (low + high) // 2
            if self.images(source, middle) >= images:
                high = middle
            else:
                low = middle + 1
        return low


def draw_sizes(batches: Sequence[Batch | None]) -> tuple[int, ...]:
    """How many numbers each turn draws: one per sample that it reads or, if it reads nothing, per sample of the turn before.

    So the short batch at the end of an epoch is short for the turns that go with it.
    """
    size = next(len(batch.target) for batch in batches if batch is not None)
    sizes = []
    for batch in batches:
        size = size if batch is None else len(batch.target)
        sizes.append(size)
    return tuple(sizes)
