"""The verbs as functions, one file each: what the command line and `GAN` both call. Each is imported when it is first used."""

from typing import TYPE_CHECKING

from mulligan.late import late

if TYPE_CHECKING:
    from mulligan.verbs.comparing import Compared, compare
    from mulligan.verbs.diagnosing import diagnose
    from mulligan.verbs.evaluating import evaluate
    from mulligan.verbs.exporting import export
    from mulligan.verbs.helping import helps
    from mulligan.verbs.nearing import Nearest, Originals, nearest
    from mulligan.verbs.opening import made_game, new_session, newest_model, open_sampler, open_session, parameters, recorded_figures
    from mulligan.verbs.scoring import score
    from mulligan.verbs.studying import Seeded, Study, study
    from mulligan.verbs.training import Listener, Outcome, Quiet, decide, resume, train

__all__ = [
    "Compared",
    "Listener",
    "Nearest",
    "Originals",
    "Outcome",
    "Quiet",
    "Seeded",
    "Study",
    "compare",
    "decide",
    "diagnose",
    "evaluate",
    "export",
    "helps",
    "made_game",
    "nearest",
    "new_session",
    "newest_model",
    "open_sampler",
    "open_session",
    "parameters",
    "recorded_figures",
    "resume",
    "score",
    "study",
    "train",
]

_HOMES = {
    "Compared": "comparing",
    "Listener": "training",
    "Nearest": "nearing",
    "Originals": "nearing",
    "Outcome": "training",
    "Quiet": "training",
    "Seeded": "studying",
    "Study": "studying",
    "compare": "comparing",
    "decide": "training",
    "diagnose": "diagnosing",
    "evaluate": "evaluating",
    "export": "exporting",
    "helps": "helping",
    "made_game": "opening",
    "nearest": "nearing",
    "new_session": "opening",
    "newest_model": "opening",
    "open_sampler": "opening",
    "open_session": "opening",
    "parameters": "opening",
    "recorded_figures": "opening",
    "resume": "training",
    "score": "scoring",
    "study": "studying",
    "train": "training",
}

__getattr__ = late("mulligan.verbs", _HOMES, globals())
