"""`shallow-deeper`: the deeper G that the author of `shallow` could not get to learn in 30 epochs."""

from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Penalty, Player, Recipe
from mulligan.recipes.shallow import shallow

DATA = "mnist"


def shallow_deeper(data: Data) -> Recipe:
    """As `shallow`, with a G of two hidden layers, 100-60-120-784 (108,244), and the penalties that let it learn.

    Chosen here: the widths, and zero-centred penalties on real and on fake samples (weight 1). With the settings of `shallow` alone G
    makes one and the same picture for every z from a few thousand steps on; D's slope, which the penalties keep small, is what drives it
    from one such picture to the next. The experiment stands in dev/LOG.md.

    Measured on digits: 28,125 steps in 7.4 minutes (1 thread of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed): distance 0.032
    (real data 0.0141), fd_digits 3.62 (real data 0.0376), coverage 0.239 (real data 0.975).
    """
    base = shallow(data)
    generator = Player(network=mlp.Generator(widths=(60, 120), initialisation="glorot"), optimiser=Adam())
    penalties = {name: Penalty(weight=1.0) for name in ("zero-centred-real", "zero-centred-fake")}
    changes = {"name": "shallow-deeper", "players": {**base.players, "generator": generator}, "penalties": penalties}
    return base.model_copy(update=changes)
