"""The progress line: drawn anew on a terminal, a plain line now and then elsewhere."""

import io

import pytest

from mulligan import terminal
from mulligan.terminal import Terminal
from mulligan.training.loop import Tick

TICK = Tick(100, 400, 6400, 12.0, {"discriminator.loss.real": 0.5, "discriminator.loss.fake": 0.25, "generator.loss": 1.5})


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_live() -> None:
    screen = Screen()
    with Terminal(screen) as audience:
        audience.tick(TICK)
        audience.tick(TICK._replace(step=200))
        audience.say("a report")
    drawn = screen.getvalue()
    assert "\x1b[36m" in drawn
    assert "step 100 of 400  6.4k images  12 s" in drawn
    assert "D 0.750  G 1.500" in drawn
    assert " left" in drawn
    assert drawn.endswith("\r\x1b[Ka report\n")
    assert drawn.count("\n") == 1


def test_the_line_does_not_stay_behind() -> None:
    screen = Screen()
    with Terminal(screen) as audience:
        audience.tick(TICK)
    assert screen.getvalue().endswith("\r\x1b[K")


def test_it_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    Terminal(screen).tick(TICK)
    assert len(screen.getvalue()) == 39


def test_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    Terminal(screen).tick(TICK)
    assert "\x1b" not in screen.getvalue()


@pytest.mark.parametrize("dumb", [False, True])
def test_elsewhere_a_plain_line_now_and_then(dumb: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Screen() if dumb else io.StringIO()
    monkeypatch.setenv("TERM", "dumb" if dumb else "xterm")
    audience = Terminal(stream)
    audience.tick(TICK)
    assert not stream.getvalue()
    monkeypatch.setattr(terminal, "PLAIN_EVERY", 0.0)
    audience.tick(TICK)
    assert stream.getvalue() == "step 100 of 400  6.4k images  12 s  D 0.750  G 1.500\n"
