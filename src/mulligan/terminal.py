"""How a training goes, told on a terminal: sentences, and one line of progress that is drawn anew; a plain line at times elsewhere."""

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

from mulligan.amounts import say_count, say_seconds
from mulligan.runs import facts
from mulligan.runs.folder import Run
from mulligan.telling import facts_text

if TYPE_CHECKING:
    from mulligan.training.loop import Tick

PLAIN_EVERY = 15.0  # seconds between two lines where nothing may be drawn anew
_BAR = 20
_ERASE = "\r\x1b[K"
_SHOWN = (("discriminator.score.real", "D(real)"), ("discriminator.score.fake", "D(fake)"), ("discriminator.pairs", "P(real > fake)"))

_QUIET = ("", "healthy", "warming-up")  # verdicts of the doctor that need nobody's eye


class Terminal:
    """A listener (`mulligan.verbs.Listener`) that tells people on stderr, or on another stream.

    Use it as a context, so that the progress line does not stay behind. NO_COLOR is honoured.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = self.live and not os.environ.get("NO_COLOR")
        self._first: tuple[int, float] | None = None  # step and time of the first tick, from which the speed is taken
        self._told = time.monotonic()
        self._drawn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._erase()

    def say(self, text: str) -> None:
        """A sentence on a line of its own."""
        self._erase()
        print(text, file=self.stream, flush=True)

    def opened(self, run: Run) -> None:
        """The data and the networks of a run."""
        known = facts.read(run)
        if known is not None:
            self.say(facts_text(known) + "\n")

    def tick(self, tick: "Tick") -> None:
        """Progress."""
        now = time.monotonic()
        if self._first is None:
            self._first = (tick.step, now)
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            bar = self._bar(tick.step / max(tick.last_step, 1)) if width > 80 else ""
            text = self._line(tick, now)[: width - (_BAR + 1 if bar else 0)]
            self._erase()
            self.stream.write(bar + text)
            self.stream.flush()
            self._drawn = True
        elif now - self._told >= PLAIN_EVERY:
            self._told = now
            print(self._line(tick, now), file=self.stream, flush=True)

    def _line(self, tick: "Tick", now: float) -> str:
        parts = [
            f"step {tick.step:,} of {tick.last_step:,}",
            f"{say_count(tick.images)} images",
            say_seconds(tick.seconds),
            self._left(tick, now),
        ]
        losses = {"D": "discriminator.loss", "G": "generator.loss"}
        for player, start in losses.items():
            terms = [value for name, value in tick.figures.items() if name.startswith(start)]
            if terms:
                parts.append(f"{player} {sum(terms):.3f}")
        parts.extend(f"{name} {tick.figures[key]:.2f}" for key, name in _SHOWN if key in tick.figures)
        if tick.verdict not in _QUIET:
            parts.append(tick.verdict)
        return "  ".join(part for part in parts if part)

    def _left(self, tick: "Tick", now: float) -> str:
        """Time to go, from the speed since the first tick: what came before may have been a compilation."""
        assert self._first is not None  # set by the caller
        done = tick.step - self._first[0]
        if done <= 0:
            return ""
        return f"{say_seconds((tick.last_step - tick.step) * (now - self._first[1]) / done)} left"

    def _bar(self, share: float) -> str:
        full = round(min(share, 1.0) * _BAR)
        line = "━" * full
        rest = "─" * (_BAR - full)
        return f"\x1b[36m{line}\x1b[0m{rest} " if self.colour else f"{line}{rest} "

    def _erase(self) -> None:
        if self._drawn:
            self.stream.write(_ERASE)
            self.stream.flush()
            self._drawn = False
