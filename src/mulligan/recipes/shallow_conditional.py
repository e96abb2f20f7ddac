"""`shallow-conditional`: ask for a digit by its label."""

from mulligan.recipe import Data, Recipe
from mulligan.recipes.shallow import shallow

DATA = "mnist"


def shallow_conditional(data: Data) -> Recipe:
    """As `shallow`, with the label told to both networks: one-hot, joined to z and to the image (G 229,904, D 84,601).

    Measured on digits: 28,125 steps in 4.9 minutes (1 thread of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed): distance
    0.0483 (real data 0.0141), fd_digits 8.51 (real data 0.0376), coverage 0.082 (real data 0.975).
    """
    return Recipe.model_validate({**shallow(data).model_dump(), "name": "shallow-conditional", "conditional": True})
