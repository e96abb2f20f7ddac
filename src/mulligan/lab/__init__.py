"""A GAN in the plane that is watched and changed while it learns, trained by the same step as everything else.

`Lab` trains and is changed; `Lab.view()` is what a page draws. It needs no web.
"""

from typing import TYPE_CHECKING

from mulligan.late import late

if TYPE_CHECKING:
    from mulligan.lab.lab import Changed, Lab
    from mulligan.lab.points import FRAME, MOST_POINTS, NAMES, fitted
    from mulligan.lab.settings import LabSettings
    from mulligan.lab.view import View
    from mulligan.lab.words import sentences

__all__ = ["FRAME", "MOST_POINTS", "NAMES", "Changed", "Lab", "LabSettings", "View", "fitted", "sentences"]

_HOMES = {
    "FRAME": "points",
    "MOST_POINTS": "points",
    "NAMES": "points",
    "Changed": "lab",
    "Lab": "lab",
    "LabSettings": "settings",
    "View": "view",
    "fitted": "points",
    "sentences": "words",
}

__getattr__ = late(__name__, _HOMES, globals())
