"""A GAN in the plane that is watched and changed while it learns, trained by the same step as everything else.

`Lab` trains and is changed; `Lab.view()` is what a page draws. It needs no web.
"""

from mulligan.lab.lab import Changed, Lab
from mulligan.lab.points import FRAME, MOST_POINTS, NAMES, fitted
from mulligan.lab.sentences import sentences
from mulligan.lab.settings import LabSettings
from mulligan.lab.view import View

__all__ = ["FRAME", "MOST_POINTS", "NAMES", "Changed", "Lab", "LabSettings", "View", "fitted", "sentences"]
