"""The verbs as functions, one file each: what the command line and `GAN` both call."""

from mulligan.verbs.comparing import Compared, compare
from mulligan.verbs.diagnosing import diagnose
from mulligan.verbs.evaluating import evaluate
from mulligan.verbs.helping import helps
from mulligan.verbs.opening import made_game, new_session, newest_model, open_session, parameters, recorded_figures
from mulligan.verbs.scoring import score
from mulligan.verbs.studying import Seeded, Study, study
from mulligan.verbs.training import Listener, Outcome, Quiet, decide, resume, train

__all__ = [
    "Compared",
    "Listener",
    "Outcome",
    "Quiet",
    "Seeded",
    "Study",
    "compare",
    "decide",
    "diagnose",
    "evaluate",
    "helps",
    "made_game",
    "new_session",
    "newest_model",
    "open_session",
    "parameters",
    "recorded_figures",
    "resume",
    "score",
    "study",
    "train",
]
