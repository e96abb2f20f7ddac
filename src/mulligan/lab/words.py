"""What is seen in the lab, in a few sentences for somebody who has read one introduction to GANs."""

import math
from typing import TYPE_CHECKING

import numpy as np

from mulligan.lab.settings import LabSettings

if TYPE_CHECKING:
    from mulligan.lab.view import View

_CLOSE, _SURE = 0.6, 0.9  # pairs of a real point and a sample that D ranks rightly: hardly, and nearly all
_FLAT = 0.1  # of D's colours at the points, on average: nearly flat
_FAINT = 0.02  # mean push below which G is told next to nothing
_MUCH, _SOME = 0.4, 0.1  # shares of missed data and of stray samples
_NEAR = 4.0  # times the floor of JS: as good as can be seen
_LEARNT = 300  # steps before which missing data say nothing


def sentences(view: "View", settings: LabSettings) -> tuple[str, ...]:
    """Up to four sentences on what a view shows: what D does, what moves G, how far samples are from the data, what to try.

    >>> from mulligan.lab.lab import Lab
    >>> lab = Lab("ring", LabSettings(width=8))
    >>> sentences(lab.view(), lab.settings)[0][:24]
    'Nothing has been learnt '
    """
    if view.trouble:
        return (view.trouble,)
    if view.step == 0:
        return (
            "Nothing has been learnt yet. G's samples are a crumpled square, and D's opinion is whatever its first weights happen to say.",
            "Press Play, or the space bar, and watch; or take single steps, of D alone or of G alone.",
        )
    told = (_of_the_side(view), _of_d(view), _of_the_push(view, settings), _of_the_distance(view))
    return tuple(sentence for sentence in told if sentence)


def _of_the_side(view: "View") -> str:
    if view.moved == "discriminator":
        return "Only D moved: the landscape changed, and the samples stand where they stood."
    if view.moved == "generator":
        return "Only G moved: the samples went along the arrows, over a landscape that stood still, and may run past the real points."
    return ""


def _of_d(view: "View") -> str:
    """What D makes of the two sides: by how many pairs of a real point and a sample it ranks rightly, whatever the loss reads."""
    real, fake = (_at(view, points) for points in (view.real, view.fake))
    ranked = _ranked(real, fake)
    off = np.abs(np.concatenate([real, fake]) - view.landscape.middle).mean() / view.landscape.span
    flat = f" Around the points its landscape is nearly flat, at {view.landscape.middle:.2g}." if off < _FLAT else ""
    if ranked < _CLOSE and _is_near(view):
        return f"D can no longer tell the two apart, and this is where the game ends: {view.equilibrium}.{flat}"
    if ranked < _CLOSE:
        return f"D can hardly tell the two apart just now: it puts a real point above a sample in {ranked:.0%} of pairs.{flat}"
    if ranked > _SURE:
        return f"D tells nearly all apart, {ranked:.0%} of pairs: green where the data are, purple where the samples are.{flat}"
    return f"Green is where D expects real points, purple where it expects samples; it puts {ranked:.0%} of pairs in the right order.{flat}"


def _ranked(real: np.ndarray, fake: np.ndarray) -> float:
    """Share of all pairs in which the real point has the higher score; ties count half."""
    order = np.sort(fake)
    below, upto = np.searchsorted(order, real, "left"), np.searchsorted(order, real, "right")
    return float((below + upto).mean() / (2 * len(fake)))


def _at(view: "View", points: np.ndarray) -> np.ndarray:
    """What the landscape says at points (N, 2), as far as its colours go."""
    cells = len(view.landscape.values)
    places = ((points + view.frame) * (cells / (2 * view.frame))).astype(np.int64).clip(0, cells - 1)
    middle, span = view.landscape.middle, view.landscape.span
    found: np.ndarray = view.landscape.values[places[:, 1], places[:, 0]].clip(middle - span, middle + span)
    return found


def _of_the_push(view: "View", settings: LabSettings) -> str:
    mean = float(np.hypot(*view.pushes.T).mean())
    if not math.isfinite(mean) or mean >= _FAINT:
        return "Arrows show where G is pushed: uphill on D's landscape, the longer the steeper it is."
    if settings.loss == "minimax" and not _is_near(view):
        return (
            "The arrows are almost gone. Minimax is flat where D is sure of a sample, so G learns nothing there; non-saturating mends that."
        )
    return "The arrows are almost gone: D's landscape is flat where the samples are, so that G has nothing to climb."


def _of_the_distance(view: "View") -> str:
    """What samples miss and where they stray, and how far that is from what fresh real points score."""
    found, floor = view.divergences, view.floor
    if _is_near(view):
        return (
            f"JS is {found.js:.3f}; as many fresh real points score {floor.js:.3f}. Closer than that nobody can see from so many samples."
        )
    if view.step < _LEARNT:
        return "G's grid is a sheet that has to be folded and stretched until it lies on the data. It cannot tear."
    if found.missed > _MUCH:
        return (
            f"Mode collapse: {found.missed:.0%} of the data have hardly a sample near them. Parts of the grid lie on top of each other; "
            "watch it wander. More updates of D, another loss or a penalty may bring it back."
        )
    if found.missed > _SOME:
        return f"G leaves out {found.missed:.0%} of the data, which is what KL punishes most (now {found.kl:.2f} nats)."
    if found.stray > _SOME:
        return (
            f"{found.stray:.0%} of the samples lie where there are no data: the grid cannot tear, so threads of it join the places that "
            f"it covers. JS counts them (now {found.js:.2f} of at most 0.69)."
        )
    return f"The samples cover the data. JS is {found.js:.3f}, and fresh real points score {floor.js:.3f}: shares and edges are still off."


def _is_near(view: "View") -> bool:
    return view.divergences.js < _NEAR * view.floor.js
