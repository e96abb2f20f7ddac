"""The verbs as functions, one file each: what the command line and `GAN` both call."""

from mulligan.verbs.diagnosing import diagnose
from mulligan.verbs.opening import made_game, new_session, newest_model, open_session, parameters, recorded_figures
from mulligan.verbs.scoring import score
from mulligan.verbs.training import Listener, Outcome, Quiet, decide, resume, train

__all__ = [
    "Listener",
    "Outcome",
    "Quiet",
    "decide",
    "diagnose",
    "made_game",
    "new_session",
    "newest_model",
    "open_session",
    "parameters",
    "recorded_figures",
    "resume",
    "score",
    "train",
]
