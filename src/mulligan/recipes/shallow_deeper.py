"""`shallow-deeper`: the deeper G that the author of `shallow` could not get to learn in 30 epochs."""

from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Player, Recipe
from mulligan.recipes.shallow import shallow

DATA = "mnist"


def shallow_deeper(data: Data) -> Recipe:
    """As `shallow`, with a G of two hidden layers: 100-60-120-784 (108,244).

    Chosen here: the widths, and what makes it learn.
    """
    base = shallow(data)
    generator = Player(network=mlp.Generator(widths=(60, 120), initialisation="glorot"), optimiser=Adam())
    return base.model_copy(update={"name": "shallow-deeper", "players": {**base.players, "generator": generator}})
