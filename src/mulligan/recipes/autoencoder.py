"""`autoencoder`: m numbers to n and back, m much larger than n."""

from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Keeping, Latent, Player, Recipe, scaling_for

DATA = "mnist"


def autoencoder(data: Data, *, codes: int = 32) -> Recipe:
    """Minimises the mean squared distance between original and reproduction; samples are decoded from a Gaussian fitted to the codes.

    codes: numbers in a code.
    Chosen here: 784-256-32-256-784, LeakyReLU 0.2, sigmoid output, Adam 1e-3 falling to a tenth, batch 64, 30 epochs of 60,000 images.

    Measured on digits: 28,125 steps in 4.2 minutes (1 thread of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed): distance
    0.0401 (real data 0.0141), fd_digits 7.9 (real data 0.0376), coverage 0.0895 (real data 0.975).
    """
    optimiser = Adam(rate=1e-3, beta1=0.9, final=0.1)
    return Recipe(
        name="autoencoder",
        task="reconstruct",
        data=data,
        scaling=scaling_for(data, "unit"),
        latent=Latent(size=codes),
        players={
            "encoder": Player(network=mlp.Encoder(widths=(256,), initialisation="he"), optimiser=optimiser),
            "generator": Player(network=mlp.Generator(widths=(256,), initialisation="he"), optimiser=optimiser),
        },
        batch=64,
        horizon=30 * 60_000,
        keeping=Keeping(reports=30),
    )
