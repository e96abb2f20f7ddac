"""A recipe of one's own: a Wasserstein GAN with gradient penalty, in which D moves five times before G does.

Gulrajani et al. 2017 (arXiv 1704.00028), algorithm 1. From the folder that holds `examples/`:

    mulligan train digits --recipe examples/my_recipe.py:my_recipe

The arguments of the function are keys as well: `width=128`.
"""

from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Loss, Penalty, Player, Recipe, Turns, scaling_for

DATA = "digits"


def my_recipe(data: Data, *, width: int = 256) -> Recipe:
    """Six updates a step: D five times on real and fake samples, each time on other ones, then G.

    width: of the hidden layers. Chosen here: the networks, 600,000 images.
    """
    optimiser = Adam(rate=1e-4, beta1=0.0, beta2=0.9)
    return Recipe(
        name="my-recipe",
        data=data,
        scaling=scaling_for(data, "symmetric"),
        players={
            "generator": Player(network=mlp.Generator(widths=(width, width), initialisation="he"), optimiser=optimiser),
            "discriminator": Player(network=mlp.Discriminator(widths=(width, width), initialisation="he"), optimiser=optimiser),
        },
        loss=Loss(name="wasserstein"),
        penalties={"one-centred": Penalty(weight=10.0)},
        turns=Turns(critic=5),
        batch=64,
        horizon=600_000,
    )
