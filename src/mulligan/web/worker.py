"""One thread that samples for all requests: what waits is drawn together, and a sample has the same bytes whatever is drawn beside it.

The queue is bounded: what does not fit is refused at once, so that a caller knows to come back, and memory stays flat. A request that
nobody waits for any more (the client left, its time is over) is not drawn.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mulligan.sampling.blocks import Place
from mulligan.sampling.sampler import Sampler

MOST_WAITING = 64  # requests
MOST_TOGETHER = 512  # samples that are drawn at once
DEADLINE = 30.0  # seconds from asking to answering
CLOSING = 3.0  # seconds that what is being drawn has to end in, when the server stops

T = TypeVar("T")


class Busy(Exception):
    """The queue is full."""


class Late(Exception):
    """A request was not answered in time."""


@dataclass(eq=False)
class _Job:
    """Work, and who waits for it. Draws have places and can be made together; other work is called."""

    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Any]"
    places: tuple[Place, ...] = ()
    labels: np.ndarray | None = None
    work: Callable[[], Any] | None = None

    def tell(self, value: Any) -> None:
        """Give the answer, from the worker's thread."""

        def give() -> None:
            if not self.answer.done():
                self.answer.set_exception(value) if isinstance(value, Exception) else self.answer.set_result(value)

        with suppress(RuntimeError):  # the server has stopped
            self.loop.call_soon_threadsafe(give)


class Worker:
    """Samples of a model for many at once."""

    def __init__(self, sampler: Sampler, most_waiting: int = MOST_WAITING, deadline: float = DEADLINE) -> None:
        self.sampler, self.most_waiting, self.deadline = sampler, most_waiting, deadline
        self.drawn = 0  # samples so far
        self._waiting: deque[_Job] = deque()
        self._encoding = 0
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="sampling", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        """Whether the thread works."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread; what waits is not answered. A thread that draws for longer ends with the process."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join(timeout=CLOSING)

    async def draw(self, places: tuple[Place, ...], labels: np.ndarray | None) -> np.ndarray:
        """Decoded samples at their places; labels (N,) by number where the model has classes.

        Raises Busy, Late, and what drawing raises.
        """
        found: np.ndarray = await self._answered(places=places, labels=labels)
        return found

    async def call(self, work: Callable[[], Any]) -> Any:
        """What other work in the thread gives. Raises Busy, Late, and what it raises."""
        return await self._answered(work=work)

    async def encode(self, work: Callable[[], T]) -> T:
        """What a drawn answer becomes, made beside the event loop. It takes a place of the queue, so that drawn samples do not pile up."""
        self._encoding += 1
        try:
            return await asyncio.to_thread(work)
        finally:
            self._encoding -= 1

    async def _answered(self, **what: Any) -> Any:
        loop = asyncio.get_running_loop()
        job = _Job(loop, loop.create_future(), **what)
        with self._changed:
            if len(self._waiting) + self._encoding >= self.most_waiting:
                raise Busy
            self._waiting.append(job)
            self._changed.notify()
        try:
            return await asyncio.wait_for(job.answer, self.deadline)
        except TimeoutError:
            raise Late from None
        finally:
            with self._changed, suppress(ValueError):
                self._waiting.remove(job)  # where nobody waits any more

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._over:
                    self._changed.wait()
                if self._over:
                    return
                jobs = self._next()
            self._do(jobs)

    def _next(self) -> list[_Job]:
        """The jobs that are done next: one that is called, or draws in a row, at most so many samples."""
        jobs: list[_Job] = []
        count = 0
        while self._waiting:
            job = self._waiting[0]
            if jobs and (job.work is not None or count + len(job.places) > MOST_TOGETHER):
                break
            jobs.append(self._waiting.popleft())
            count += len(job.places)
            if job.work is not None:
                break
        return jobs

    def _do(self, jobs: list[_Job]) -> None:
        try:
            if jobs[0].work is not None:
                jobs[0].tell(jobs[0].work())
                return
            places = tuple(place for job in jobs for place in job.places)
            labels = None if jobs[0].labels is None else np.concatenate([job.labels for job in jobs if job.labels is not None]).tolist()
            samples = self.sampler.draw(places, labels).array
            start = 0
            for job in jobs:
                job.tell(samples[start : start + len(job.places)])
                start += len(job.places)
            self.drawn += len(samples)
        except Exception as error:
            for job in jobs:
                job.tell(error)
