"""`points`: a GAN for points of any number of columns."""

from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Latent, Player, Recipe, scaling_for

DATA = "parabola"
BUILT_IN = ("parabola", "ring", "grid")


def points(data: Data) -> Recipe:
    """Two updates a step: D on real and fake, then G through a D that is held constant.

    D n-25-1 (101 with two columns), G 5-15-n (122 with two columns), ReLU, He uniform; binary cross-entropy; Adam with the defaults of
    its paper (1e-3, beta1 0.9). A table of the user's is standardised, and samples are scaled back; built-in points stay as they are.
    Chosen here: five latents, batch 128, 10,000 steps.
    """
    optimiser = Adam(rate=1e-3, beta1=0.9, epsilon=1e-7)
    return Recipe(
        name="points",
        data=data,
        scaling=scaling_for(data, "symmetric", "none" if data.source in BUILT_IN else "standard"),
        latent=Latent(size=5),
        players={
            "generator": Player(network=mlp.Generator(widths=(15,), activation="relu", initialisation="he"), optimiser=optimiser),
            "discriminator": Player(network=mlp.Discriminator(widths=(25,), activation="relu", initialisation="he"), optimiser=optimiser),
        },
        batch=128,
        horizon=10_000 * 128,
    )
