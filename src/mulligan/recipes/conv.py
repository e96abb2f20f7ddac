"""`conv`: the convolutional follow-up that introductions promise."""

from mulligan.networks import conv as networks
from mulligan.recipe import Adam, Data, Player, Recipe, scaling_for

DATA = "fashion"


def conv(data: Data) -> Recipe:
    """Convolutions in both networks, BatchNorm in G, the standard non-saturating loss; no dense layer but the first and the last.

    Everything is chosen here: widths, Adam 2e-4 with beta1 0.5, batch 64, 400,000 images.
    """
    return Recipe(
        name="conv",
        data=data,
        scaling=scaling_for(data, "symmetric"),
        players={
            "generator": Player(network=networks.Generator(normalisation="batch"), optimiser=Adam()),
            "discriminator": Player(network=networks.Discriminator(), optimiser=Adam()),
        },
        batch=64,
        horizon=400_000,
    )
