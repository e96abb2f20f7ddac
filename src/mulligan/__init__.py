"""Train generative adversarial networks on your own data: pictures, a report and a model come out.

Three nouns: a recipe (everything that defines a training), a run (a folder), a model (noise to samples). A few verbs: `train`,
`resume`, `score`, `diagnose`, `Model.sample`; or all of them at once in scikit-learn's manners, `GAN`; `Doctor` for other loops.

Names are imported when they are first used, so that importing the package costs nothing: no torch, no pydantic.

>>> import mulligan
>>> "GAN" in dir(mulligan)
True
"""

from typing import TYPE_CHECKING

from mulligan.late import late

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "CheckpointError",
    "Data",
    "DataError",
    "DiskError",
    "DivergedError",
    "Doctor",
    "Model",
    "MulliganError",
    "Network",
    "Recipe",
    "Run",
    "Settings",
    "Signature",
    "UnsafeError",
    "UsageError",
    "__version__",
    "diagnose",
    "names",
    "open_dataset",
    "resume",
    "score",
    "train",
    "trust",
]

_HOMES = {
    "GAN": "gan",
    "CheckpointError": "errors",
    "Data": "recipe",
    "DataError": "errors",
    "DiskError": "errors",
    "DivergedError": "errors",
    "Doctor": "diagnostics.doctor",
    "Model": "sampling.model",
    "MulliganError": "errors",
    "Network": "recipe",
    "Recipe": "recipe",
    "Run": "runs.folder",
    "Settings": "recipe",
    "Signature": "recipe",
    "UnsafeError": "errors",
    "UsageError": "errors",
    "diagnose": "verbs",
    "names": "find",
    "open_dataset": "data.opening",
    "resume": "verbs",
    "score": "verbs",
    "train": "verbs",
    "trust": "find",
}

if TYPE_CHECKING:
    from mulligan.data.opening import open_dataset
    from mulligan.diagnostics.doctor import Doctor
    from mulligan.errors import CheckpointError, DataError, DiskError, DivergedError, MulliganError, UnsafeError, UsageError
    from mulligan.find import names, trust
    from mulligan.gan import GAN
    from mulligan.recipe import Data, Network, Recipe, Settings, Signature
    from mulligan.runs.folder import Run
    from mulligan.sampling.model import Model
    from mulligan.verbs import diagnose, resume, score, train


__getattr__ = late("mulligan", _HOMES, globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
