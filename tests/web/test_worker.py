"""Many at once: a bounded queue, deadlines, and the same bytes whatever is asked beside."""

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from mulligan.sampling.blocks import of_seed
from mulligan.sampling.model import Model
from mulligan.sampling.samples import Samples
from mulligan.web.worker import MOST_TOGETHER, Busy, Late, Worker


class Held:
    """The model's samples, not before they are let go; and what was drawn together."""

    def __init__(self, model: Model) -> None:
        self.model, self.go, self.begun, self.drawn = model, threading.Event(), threading.Event(), list[int]()

    def draw(self, places: object, labels: object = None) -> Samples:
        self.begun.set()
        assert self.go.wait(30)
        self.drawn.append(len(places))  # type: ignore[arg-type]
        return self.model.draw(places, labels)  # type: ignore[arg-type]


@pytest.fixture
def held(conditional: Model) -> Iterator[Held]:
    made = Held(conditional)
    yield made
    made.go.set()


def test_f42_answers_are_those_of_one_alone(conditional: Model, worker: Worker) -> None:
    async def all_of_them() -> list[np.ndarray]:
        asked = []
        for seed in range(60):
            places = of_seed(seed, range(1 + seed % 7))
            asked.append(worker.draw(places, conditional.labels_of(places, "Bag" if seed % 2 else None)))
        return await asyncio.gather(*asked)

    for seed, found in enumerate(asyncio.run(all_of_them())):
        wanted = conditional.draw(of_seed(seed, range(1 + seed % 7)), "Bag" if seed % 2 else None).array
        assert np.array_equal(found, wanted)


def test_f42_what_does_not_fit_into_the_queue_is_refused(held: Held) -> None:
    worker = Worker(held, most_waiting=3)  # type: ignore[arg-type]

    async def many() -> list[object]:
        first = asyncio.ensure_future(worker.draw(of_seed(0, range(2)), None))
        await asyncio.to_thread(held.begun.wait, 30)
        others = [asyncio.ensure_future(worker.draw(of_seed(seed, range(2)), None)) for seed in range(1, 6)]
        await asyncio.sleep(0)
        held.go.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    answers = asyncio.run(many())
    worker.close()
    assert [isinstance(answer, Busy) for answer in answers] == [False, False, False, False, True, True]
    assert held.drawn == [2, 6]  # what waited was drawn together


def test_f42_what_nobody_waits_for_is_not_drawn(held: Held) -> None:
    worker = Worker(held)  # type: ignore[arg-type]

    async def left() -> np.ndarray:
        first = asyncio.ensure_future(worker.draw(of_seed(0, range(1)), None))
        await asyncio.to_thread(held.begun.wait, 30)
        gone = asyncio.ensure_future(worker.draw(of_seed(1, range(500)), None))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait([gone])
        last = asyncio.ensure_future(worker.draw(of_seed(2, range(3)), None))
        await asyncio.sleep(0)
        held.go.set()
        await first
        return await last

    assert len(asyncio.run(left())) == 3
    worker.close()
    assert held.drawn == [1, 3]


def test_a_request_has_a_deadline(held: Held) -> None:
    worker = Worker(held, deadline=0.05)  # type: ignore[arg-type]
    with pytest.raises(Late):
        asyncio.run(worker.draw(of_seed(0, range(1)), None))
    held.go.set()
    worker.close()


def test_large_draws_are_not_put_together(held: Held) -> None:
    worker = Worker(held)  # type: ignore[arg-type]

    async def several() -> None:
        first = asyncio.ensure_future(worker.draw(of_seed(0, range(1)), None))
        await asyncio.to_thread(held.begun.wait, 30)
        others = [asyncio.ensure_future(worker.draw(of_seed(seed, range(300)), None)) for seed in range(3)]
        await asyncio.sleep(0)
        held.go.set()
        await asyncio.gather(first, *others)

    asyncio.run(several())
    worker.close()
    assert held.drawn == [1, 300, 300, 300]
    assert MOST_TOGETHER < 600


def test_what_fails_is_told_and_the_thread_goes_on(conditional: Model, worker: Worker) -> None:
    def fails() -> None:
        raise ValueError("broken")

    async def both() -> np.ndarray:
        with pytest.raises(ValueError, match="broken"):
            await worker.call(fails)
        return await worker.draw(of_seed(0, range(1)), None)

    assert len(asyncio.run(both())) == 1
    assert worker.alive
    worker.close()
    assert not worker.alive
