"""One lab in a thread of its own, so that the page stays awake while it trains."""

import math
import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mulligan.errors import MulliganError
from mulligan.lab.settings import LabSettings, Sides

if TYPE_CHECKING:
    import numpy as np

    from mulligan.lab.lab import Lab
    from mulligan.web.studio.lab_frames import Frame

BETWEEN = 0.1  # seconds between two frames at least, unless each step is shown
EACH = 10.0  # steps a second up to which each is shown
AT_ONCE = 8  # steps between two looks at what was ordered, as fast as possible
AS_FAST = math.inf

Order = Callable[["Lab"], str]


class LabWorker:
    """Trains a lab and keeps its newest frame. Orders come from the page's thread and are obeyed in turn; frames are read by it.

    frame: the newest, None before the first. said, failed: what came of the newest order, and whether it was refused. playing: whether it
    is to train by itself. resting: whether it does nothing, and all that was ordered is done and shown.
    """

    def __init__(self, points: "str | np.ndarray", settings: LabSettings) -> None:
        self.frame: Frame | None = None
        self.said, self.failed = "", False
        self.playing = self.resting = False
        self._speed = AS_FAST
        self._due = 0.0
        self._held: set[str] = set()
        self._orders: deque[Order] = deque()
        self._closed = False
        self._wake = Condition()
        self._thread = Thread(target=self._run, args=(points, settings), name="lab", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether nothing is computed any more, nor will be."""
        return not self._thread.is_alive()

    def play(self, playing: bool) -> None:
        """Train by itself, or wait."""
        with self._wake:
            self.playing = playing
            self._due = 0.0
        self._give(lambda lab: "")  # so that where it stops is shown

    def pace(self, speed: float) -> None:
        """Steps a second; AS_FAST for as many as this machine can."""
        with self._wake:
            self._speed = speed
            self._due = 0.0
            self._wake.notify()

    def hold(self, why: str, held: bool) -> None:
        """Stand still while there is a reason: nobody looks, or nobody is there."""
        with self._wake:
            (self._held.add if held else self._held.discard)(why)
            self._wake.notify()

    def step(self, sides: Sides) -> None:
        """One step of both sides or of one."""

        def order(lab: "Lab") -> str:
            lab.step(sides)
            return ""

        self._give(order)

    def change(self, settings: dict[str, Any], points: "str | np.ndarray | None" = None) -> None:
        """Go on with other settings, by name, and other points where some are given."""

        def order(lab: "Lab") -> str:
            changed = lab.change(LabSettings.model_validate(lab.settings.model_dump() | settings), points)
            return f"Begun anew, as {' and '.join(changed.restarted)} changed." if changed.restarted else ""

        self._give(order)

    def restart(self) -> None:
        """Begin anew."""

        def order(lab: "Lab") -> str:
            lab.restart()
            return "Begun anew."

        self._give(order)

    def close(self) -> None:
        """End the thread; it is over after the step that it is in."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _give(self, order: Order) -> None:
        with self._wake:
            self._orders.append(order)
            self.resting = False
            self._wake.notify()

    def _run(self, points: "str | np.ndarray", settings: LabSettings) -> None:
        try:
            self._train(points, settings)
        except Exception as error:
            self.said, self.failed = f"The lab has broken down ({type(error).__name__}). Load the page again.", True
            self.playing, self.resting = False, True
            raise

    def _train(self, points: "str | np.ndarray", settings: LabSettings) -> None:
        import torch

        from mulligan.lab.lab import Lab

        torch.set_num_threads(1)  # of this thread: steps as small as these are slower with more
        lab = Lab(points, settings)
        self._show(lab)
        shown = time.monotonic()
        while self._wait():
            asked = self._obey(lab)
            if self._plays():
                self._advance(lab)
            late = time.monotonic() - shown >= BETWEEN or (self._plays() and self._speed <= EACH)
            if asked or late:
                self._show(lab)
                shown = time.monotonic()

    def _plays(self) -> bool:
        return self.playing and not self._held

    def _wait(self) -> bool:
        """Until there is something to do; False where the end has come."""
        with self._wake:
            while not self._closed and not self._orders:
                left = self._due - time.monotonic() if self._plays() else None
                if left is not None and left <= 0:
                    break
                self.resting = not self.playing
                self._wake.wait(left)
            return not self._closed

    def _obey(self, lab: "Lab") -> bool:
        """Do what was ordered; whether there was anything."""
        with self._wake:
            orders, self._orders = self._orders, deque()
        for order in orders:
            try:
                self.said, self.failed = order(lab), False
            except ValidationError as error:
                self.said, self.failed = str(error.errors()[0]["msg"]), True
            except MulliganError as error:
                self.said, self.failed = str(error), True
        return bool(orders)

    def _advance(self, lab: "Lab") -> None:
        """The steps that are due now."""
        now = time.monotonic()
        if now < self._due:
            return
        lab.step(count=AT_ONCE if self._speed == AS_FAST else 1)
        self._due = max(self._due or now, now - BETWEEN) + 1 / self._speed  # what was missed is made up for, but not for ever
        if lab.trouble:
            self.playing = False
            self._show(lab)

    def _show(self, lab: "Lab") -> None:
        from mulligan.web.studio.lab_frames import frame

        self.frame = frame(lab.view(), lab.settings)
