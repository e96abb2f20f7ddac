"""A batch played in parts, where memory is short: gradients of the parts, averaged, are those of the whole.

Draws are made for the whole batch, and a part takes its range, so the parts see what the whole would have seen. Networks that look at
the batch (BatchNorm in training, minibatch layers) see a part of it, and then it is another training.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from mulligan.training.game import Batch, Tensors

ByPlayer = dict[str, Tensors]
Taken = tuple[ByPlayer, tuple[Tensors, ByPlayer]]


class Part(NamedTuple):
    """A range of a batch and of its draws, and its share of all samples."""

    batch: Batch | None
    drawn: Tensors
    share: float


def parts(batch: Batch | None, drawn: Tensors, count: int) -> list[Part]:
    """A batch and its draws in at most `count` parts of nearly one size.

    >>> [part.share for part in parts(None, {"z": torch.zeros(5, 2)}, 2)]
    [0.6, 0.4]
    """
    size = len(batch.target) if batch is not None else len(next(iter(drawn.values())))
    bounds = [0]
    for piece in torch.arange(size).tensor_split(min(count, size)):
        bounds.append(bounds[-1] + len(piece))
    return [
        Part(_range(batch, start, stop), {name: tensor[start:stop] for name, tensor in drawn.items()}, (stop - start) / size)
        for start, stop in itertools.pairwise(bounds)
    ]


def averaged(taken: Callable[[Batch | None, Tensors], Taken], batch: Batch | None, drawn: Tensors, count: int) -> Taken:
    """What `taken` gives of each part, weighted by their shares: gradients, figures and buffers. count: of parts; 1 for the whole."""
    if count == 1:
        return taken(batch, drawn)
    total: Taken | None = None
    for part in parts(batch, drawn, count):
        moves, (figures, buffers) = taken(part.batch, part.drawn)
        weighted = _scaled(moves, part.share), (_times(figures, part.share), _scaled(buffers, part.share))
        total = weighted if total is None else _sum(total, weighted)
    assert total is not None  # a batch has at least one part
    return total


def _range(batch: Batch | None, start: int, stop: int) -> Batch | None:
    if batch is None:
        return None
    label = None if batch.condition is None else batch.condition[start:stop]
    return Batch(batch.target[start:stop], label, batch.places[start:stop])


def _times(tensors: Tensors, share: float) -> Tensors:
    return {name: tensor * share for name, tensor in tensors.items()}


def _scaled(players: ByPlayer, share: float) -> ByPlayer:
    return {player: _times(tensors, share) for player, tensors in players.items()}


def _sum(one: Taken, other: Taken) -> Taken:
    moves = {player: _plus(tensors, other[0][player]) for player, tensors in one[0].items()}
    buffers = {player: _plus(tensors, other[1][1][player]) for player, tensors in one[1][1].items()}
    return moves, (_plus(one[1][0], other[1][0]), buffers)


def _plus(one: Tensors, other: Tensors) -> Tensors:
    return {name: tensor + other[name] for name, tensor in one.items()}


def smallest(batches: Sequence[Batch | None]) -> int:
    """Samples in the smallest batch of a step: there are no more parts than that."""
    return min(len(batch.target) for batch in batches if batch is not None)
