"""Which samples a batch holds: order, epochs, short batches, replacement."""

from itertools import chain

import numpy as np
import pytest
import torch

from mulligan.data.dataset import Endless, Split
from mulligan.data.ring import draw
from mulligan.recipe import Order
from mulligan.training.batches import Source, draw_sizes
from mulligan.training.game import Batch


def source(count: int, batch: int, order: Order | None = None, seed: int = 0, conditional: bool = False) -> Source:
    split = Split(np.arange(count, dtype=np.float32)[:, None], np.arange(count, dtype=np.int64) % 3)
    return Source(split, order or Order(), batch, seed, "cpu", conditional)


def values(batch: Batch) -> list[int]:
    return [int(value) for value in batch.target[:, 0]]


@pytest.mark.parametrize(("count", "batch"), [(12, 4), (10, 4), (7, 7), (3, 8), (1, 4), (5, 1)])
def test_each_sample_once_per_epoch(count: int, batch: int) -> None:
    """Batches run on into the next epoch; cut at multiples of the count, they are permutations."""
    data = source(count, batch)
    seen = [value for number in range(3 * count) for value in values(data.batch_of("d", number, 0))]
    epochs = [seen[start : start + count] for start in range(0, len(seen) - count + 1, count)]
    assert len(epochs) == 3 * batch
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert all(len(data.batch_of("d", number, 0).target) == batch for number in range(5))
    assert [data.images(number) for number in (0, 1, 5)] == [0, batch, 5 * batch]


@pytest.mark.parametrize(("count", "batch", "sizes"), [(10, 4, [4, 4, 2]), (9, 4, [4, 4, 1]), (8, 4, [4, 4]), (3, 8, [3]), (1, 4, [1])])
def test_short_batch_ends_an_epoch(count: int, batch: int, sizes: list[int]) -> None:
    data = source(count, batch, Order(short_batch=True))
    for epoch in range(3):
        batches = [values(data.batch_of("d", epoch * len(sizes) + place, 0)) for place in range(len(sizes))]
        assert [len(part) for part in batches] == sizes
        assert sorted(chain(*batches)) == list(range(count))
        assert data.images(epoch * len(sizes)) == epoch * count
        assert data.images(epoch * len(sizes) + 1) == epoch * count + sizes[0]


def test_replacement() -> None:
    data = source(10, 1000, Order(how="replacement"))
    seen = values(data.batch_of("d", 0, 0))
    assert set(seen) == set(range(10))
    assert max(np.bincount(seen)) < 200
    assert data.images(3) == 3000


def test_a_batch_is_a_function_of_its_place() -> None:
    """Whatever was drawn before; other seeds, streams, attempts and numbers give other batches."""
    first, second = source(100, 8), source(100, 8)
    for number in range(40):
        first.batch_of("d", number, 0)
    assert values(first.batch_of("d", 3, 0)) == values(second.batch_of("d", 3, 0))
    others = [source(100, 8, seed=1).batch_of("d", 3, 0), first.batch_of("g", 3, 0), first.batch_of("d", 3, 1), first.batch_of("d", 4, 0)]
    assert all(values(other) != values(second.batch_of("d", 3, 0)) for other in others)


def test_labels_go_with_their_samples() -> None:
    batch = source(30, 8, conditional=True).batch_of("d", 2, 0)
    assert batch.condition is not None
    assert torch.equal(batch.condition, batch.target[:, 0].long() % 3)
    assert torch.equal(batch.places.float(), batch.target[:, 0])
    assert source(30, 8).batch_of("d", 2, 0).condition is None


def test_endless() -> None:
    data = Source(Endless(draw), Order(short_batch=True), 16, 0, "cpu", False)
    batch = data.batch_of("d", 5, 0)
    assert batch.target.shape == (16, 2)
    assert torch.equal(batch.target, data.batch_of("d", 5, 0).target)
    assert not torch.equal(batch.target, data.batch_of("d", 5, 1).target)
    assert data.images(10) == 160
    with pytest.raises(ValueError, match="no places"):
        data.records(np.zeros(1, np.int64))


def test_a_turn_that_reads_nothing_is_as_long_as_the_turn_before() -> None:
    full, short = (Batch(torch.zeros(size, 1), None, torch.zeros(size)) for size in (8, 3))
    assert draw_sizes([full, None, short, None, None]) == (8, 8, 3, 3, 3)
    assert draw_sizes([None, short]) == (3, 3)
