"""SIGTERM and Ctrl-C: inside a step or a save they wait, elsewhere they interrupt. Set before torch is imported."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signalled(BaseException):
    """A signal that interrupts. Not an Exception: no library that catches everything may keep it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


_pending: int | None = None
_shields = 0
_saving = 0


def install() -> None:
    """Handle SIGTERM and SIGINT from now on (main thread only)."""
    global _pending
    _pending = None
    signal.signal(signal.SIGTERM, _handle)
    signal.signal(signal.SIGINT, _handle)


def pending() -> int | None:
    """The signal that has arrived and waits, or None."""
    return _pending


def raise_pending() -> None:
    """Interrupt here if a signal has arrived."""
    if _pending is not None:
        raise Signalled(_pending)


@contextmanager
def shielded(*, saving: bool = False) -> Iterator[None]:
    """Let signals wait inside. While saving, even a second Ctrl-C waits, so that what is on disk stays consistent."""
    global _shields, _saving
    _shields += 1
    _saving += saving
    try:
        yield
    finally:
        _shields -= 1
        _saving -= saving


def _handle(number: int, frame: FrameType | None) -> None:
    global _pending
    again = _pending is not None
    _pending = number
    if again and number == signal.SIGTERM:
        return  # `timeout` and schedulers send it twice: the first one is being dealt with
    if _shields == 0 or (again and _saving == 0):
        raise Signalled(number)
