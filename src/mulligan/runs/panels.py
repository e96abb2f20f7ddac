"""Which curves a history holds, and how they are read: no drawing here.

Colours have one meaning throughout: blue is what is real, red is what is generated, grey is where things should end up.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from mulligan.runs.facts import Reading

Colour = Literal["real", "fake", "goal", "third", "fourth"]
_LARGEST = 1e30  # a figure beyond has diverged, and no axis could show it beside others
_LONGEST = 15  # letters of a name beside a curve
_THIRD: tuple[Colour, ...] = ("third", "fourth", "goal")
_NAMES = {
    "discriminator.loss.real": "D on real",
    "discriminator.loss.fake": "D on fake",
    "discriminator.penalty.zero-centred-real": "slope at real",
    "discriminator.penalty.zero-centred-fake": "slope at fake",
}
_COLOURS: dict[str, Colour] = {
    "discriminator.loss.real": "real",
    "discriminator.loss.fake": "third",
    "generator.loss": "fake",
    "discriminator.penalty.zero-centred-real": "real",
    "discriminator.penalty.zero-centred-fake": "fake",
}


@dataclass(frozen=True)
class Curve:
    """One line: its name on the picture, colour, and points (images seen, value)."""

    name: str
    colour: Colour
    points: tuple[tuple[float, float], ...]
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """One small picture: what it is, how to read it, its curves, and a level where the game comes to rest."""

    title: str
    reading: str
    curves: tuple[Curve, ...]
    level: float | None = None
    level_name: str = ""
    limits: tuple[float, float] | None = None
    positive: bool = field(default=False)  # a logarithmic axis may be used


def panels(history: list[dict[str, Any]], reading: Reading | None) -> list[Panel]:
    """All panels that the history has figures for, in the order in which a newcomer should look at them."""
    makers: tuple[Callable[[], Panel], ...] = (
        lambda: _scores(history, reading),
        lambda: _losses(history),
        lambda: _accuracies(history),
        lambda: _distance(history),
        lambda: _mean(history),
        lambda: _std(history),
        lambda: _penalties(history),
    )
    return [panel for make in makers if (panel := make()).curves]


def evidence(history: list[dict[str, Any]], title: str, keys: Iterable[str]) -> Panel:
    """The curves that show a finding: keys of the history, as they stand there."""
    free = iter(("fake", "real", *_THIRD))
    return Panel(title, "", _curves(history, *((key, key, colour, False) for key, colour in zip(keys, free, strict=False))))


def _curves(history: list[dict[str, Any]], *wanted: tuple[str, str, Colour, bool]) -> tuple[Curve, ...]:
    """Curves (key, name, colour, dashed) that the history has numbers for."""
    found = (Curve(name, colour, _points(history, key), dashed) for key, name, colour, dashed in wanted)
    return tuple(curve for curve in found if curve.points)


def _points(history: list[dict[str, Any]], key: str) -> tuple[tuple[float, float], ...]:
    return tuple(
        (float(line["images"]), float(line[key])) for line in history if _is_number(line.get("images")) and _is_number(line.get(key))
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _scores(history: list[dict[str, Any]], reading: Reading | None) -> Panel:
    sides = _curves(history, ("discriminator.score.real", "real", "real", False), ("discriminator.score.fake", "generated", "fake", False))
    if reading == "difference":
        difference = _curves(history, ("discriminator.difference", "real - fake", "third", False)) or _difference(history)
        return Panel("What D says", "Mean score of real minus generated.", difference, 0.0, "equilibrium")
    if reading == "pairs":
        pairs = _curves(history, ("discriminator.pairs", "pairs", "third", False))
        text = "How often D finds the real one more real."
        return Panel("What D says", text, pairs, 0.5, "equilibrium", (0.0, 1.0))
    if reading == "raw":
        return Panel("What D says", "D's mean score: 1 means real, 0 means fake.", sides, 0.5, "equilibrium")
    return Panel("What D says", "D's mean belief that a sample is real.", sides, 0.5, "equilibrium", (0.0, 1.0))


def _difference(history: list[dict[str, Any]]) -> tuple[Curve, ...]:
    lines = [
        {"images": line.get("images"), "difference": line["discriminator.score.real"] - line["discriminator.score.fake"]}
        for line in history
        if _is_number(line.get("discriminator.score.real")) and _is_number(line.get("discriminator.score.fake"))
    ]
    return _curves(lines, ("difference", "real - fake", "third", False))


def _losses(history: list[dict[str, Any]]) -> Panel:
    keys = [key for key in _keys(history) if ".loss" in key]
    return Panel("Losses", "A balance: one player's gain is the other's loss.", _named(history, keys, ".loss"))


def _penalties(history: list[dict[str, Any]]) -> Panel:
    keys = [key for key in _keys(history) if ".penalty." in key]
    return Panel("Penalties on D", "What keeps D's slope within bounds.", _named(history, keys, ".penalty"), positive=True)


def _named(history: list[dict[str, Any]], keys: list[str], part: str) -> tuple[Curve, ...]:
    free = iter(_THIRD * len(keys))
    curves: tuple[Curve, ...] = ()
    for key in keys:
        colour = _COLOURS[key] if key in _COLOURS else next(free)
        curves += _curves(history, (key, _NAMES.get(key) or _plain(key, part), colour, False))
    return curves


def _plain(key: str, part: str) -> str:
    player, _, rest = key.partition(part)
    initial = {"discriminator": "D", "generator": "G"}.get(player, player)
    words = re.split(r"[/\\]", rest.strip("."))[-1].replace("-", " ").replace("_", " ")  # a path of outside code stays private
    name = words if part == ".penalty" else f"{initial} {words}".strip()
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _keys(history: list[dict[str, Any]]) -> list[str]:
    return sorted({key for line in history for key in line})


def _accuracies(history: list[dict[str, Any]]) -> Panel:
    curves = _curves(
        history, ("discriminator.accuracy.real", "on real", "real", False), ("discriminator.accuracy.fake", "on generated", "fake", False)
    )
    return Panel("How often D is right", "At 0.5, D can only guess.", curves, 0.5, "guessing", (0.0, 1.0))


def _distance(history: list[dict[str, Any]]) -> Panel:
    curves = _curves(history, ("distance", "generated", "fake", False), ("distance.floor", "real data", "goal", True))
    return Panel("Distance to the data", "Sliced Wasserstein: lower is better.", curves, positive=True)


def _mean(history: list[dict[str, Any]]) -> Panel:
    curves = _curves(history, ("data.mean", "data", "real", True), ("sample.mean", "generated", "fake", False))
    return Panel("Mean of the numbers", "Generated samples should be as bright.", curves)


def _std(history: list[dict[str, Any]]) -> Panel:
    curves = _curves(history, ("data.std", "data", "real", True), ("sample.std", "generated", "fake", False))
    return Panel("Spread of the numbers", "Far below the data's: pale, or all alike.", curves)
