"""`shallow-conditional`: ask for a digit by its label."""

from mulligan.recipe import Data, Recipe
from mulligan.recipes.shallow import shallow

DATA = "mnist"


def shallow_conditional(data: Data) -> Recipe:
    """As `shallow`, with the label told to both networks: one-hot, joined to z and to the image (G 229,904, D 84,601)."""
    return Recipe.model_validate({**shallow(data).model_dump(), "name": "shallow-conditional", "conditional": True})
