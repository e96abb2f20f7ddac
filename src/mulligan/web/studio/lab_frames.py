"""What a view of the lab becomes on its way to the page: numbers as text, and words."""

import math
from base64 import b64encode
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mulligan.lab.settings import LabSettings
from mulligan.lab.words import sentences

if TYPE_CHECKING:
    from mulligan.lab.view import Landscape, View

GRAIN = 1000  # places are sent in thousandths of a unit of the frame
_FARTHEST = 32  # units: what lies beyond is sent as if it lay here, far outside of the frame
_FULL = 32767  # of a landscape: a full colour

Json = dict[str, Any]


class Frame(NamedTuple):
    """One moment for the page: pictures for the canvas and the charts, with what they show in words."""

    canvas: Json
    losses: Json
    distances: Json
    said: tuple[str, ...]
    label: str  # of the canvas, for who does not see it
    figures: dict[str, str]  # by name
    step: int
    trouble: str


def frame(view: "View", settings: LabSettings) -> Frame:
    """All that a page shows of a view."""
    canvas = {
        "side": view.frame,
        "real": _places(view.real),
        "fake": _places(view.fake),
        "land": _landscape(view.landscape),
        "cells": len(view.landscape.values),
        "lines": _places(view.lattice),
        "along": view.lattice.shape[1],
        "starts": _places(view.starts),
        "pushes": _places(view.pushes),
    }
    losses = {
        "steps": _numbers(view.loss_steps),
        "curves": [_numbers(view.loss_course[:, 0]), _numbers(view.loss_course[:, 1])],
        "levels": [],
        "changes": list(view.changes),
    }
    distances = {
        "steps": _numbers(view.divergence_steps),
        "curves": [_numbers(view.divergence_course[:, 0]), _numbers(view.divergence_course[:, 1])],
        "levels": [view.floor.kl, view.floor.js],
        "changes": list(view.changes),
    }
    figures = _figures(view)
    return Frame(canvas, losses, distances, sentences(view, settings), _label(view, figures), figures, view.step, view.trouble)


def scale(view_reading: str, landscape_ends: tuple[float, float]) -> tuple[str, str]:
    """What the two full colours of a landscape stand for, the lower one first.

    >>> scale("probability", (0.0, 1.0)), scale("difference", (-1.25, 0.75))
    (('0', '1'), ('-1.25', '0.75'))
    """
    if view_reading == "probability":
        return "0", "1"
    return f"{landscape_ends[0]:.3g}", f"{landscape_ends[1]:.3g}"


def _figures(view: "View") -> dict[str, str]:
    middle, span = view.landscape.middle, view.landscape.span
    low, high = scale(view.reading, (middle - span, middle + span))
    return {
        "step": f"{view.step:,}",
        "loss of D": _told(view.losses["discriminator"]),
        "loss of G": _told(view.losses["generator"]),
        "KL": f"{view.divergences.kl:.3f}",
        "KL of real points": f"{view.floor.kl:.3f}",
        "JS": f"{view.divergences.js:.4f}",
        "JS of real points": f"{view.floor.js:.4f}",
        "low": low,
        "middle": f"{middle:.3g}",
        "high": high,
    }


def _label(view: "View", figures: dict[str, str]) -> str:
    far = f"Jensen-Shannon divergence {figures['JS']}, {figures['JS of real points']} for real points"
    steps = f"{figures['step']} step{'' if view.step == 1 else 's'}"
    return (
        f"{len(view.real)} real points and {len(view.fake)} samples in the plane after {steps}. {far}. "
        f"{view.divergences.missed:.0%} of the data have hardly a sample near them, "
        f"{view.divergences.stray:.0%} of the samples lie where hardly any data are."
    )


def _told(number: float) -> str:
    return f"{number:.3f}" if math.isfinite(number) else "not asked"


def _places(points: np.ndarray) -> str:
    """Places (..., 2) as int16 thousandths."""
    return b64encode((points.clip(-_FARTHEST, _FARTHEST) * GRAIN).round().astype("<i2").tobytes()).decode()


def _numbers(values: np.ndarray) -> str:
    return b64encode(values.astype("<f4").tobytes()).decode()


def _landscape(shown: "Landscape") -> str:
    """int16, 0 where nobody wins: fine enough for a smooth border where the landscape is nearly flat."""
    parts = ((shown.values - shown.middle) / shown.span).clip(-1, 1)
    return b64encode((_FULL * parts).round().astype("<i2").tobytes()).decode()
