"""`fast`, the default: the best of these recipes per minute on the user's machine."""

from mulligan.recipe import Data, Recipe
from mulligan.recipes.modern import modern

DATA = "digits"


def fast(data: Data) -> Recipe:
    """`modern` on dense nets for images up to 32 pixels and for points, on convolutional nets above."""
    side = data.shape[-1] if data.kind == "image" else 0
    return modern(data, network="conv" if side > 32 else "dense").model_copy(update={"name": "fast"})
