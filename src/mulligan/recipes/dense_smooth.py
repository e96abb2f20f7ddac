"""`dense-smooth`: a small dense GAN with dropout in both networks and one-sided label smoothing, published for MNIST."""

from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Keeping, Latent, Loss, Order, Player, Recipe, scaling_for

DATA = "mnist"


def dense_smooth(data: Data) -> Recipe:
    """Two updates a step: D on the sum of the real loss (labels smoothed to 0.9) and the fake loss, then G with flipped, unsmoothed labels.

    G 100-32-64-128-784 with tanh (114,800), D 784-128-64-32-1 (110,849), LeakyReLU 0.2 and dropout 0.3 after each hidden layer of both,
    active in every training pass; z uniform in [-1, 1]; batch 64, the last smaller batch of an epoch kept; 100 epochs of 60,000 images.
    Adam 2e-3: its line is missing in the published text, so that only the rate is known; the other values are the optimiser's defaults.

    Measured on digits: 93,750 steps in 20.2 minutes (1 thread of Intel Xeon @ 2.50GHz, compile on, 2026-11-22, one seed): distance
    0.066 (real data 0.0141), fd_digits 9.77 (real data 0.0376), coverage 0.0765 (real data 0.975).
    """
    optimiser = Adam(rate=2e-3, beta1=0.9)
    return Recipe(
        name="dense-smooth",
        data=data,
        scaling=scaling_for(data, "symmetric"),
        latent=Latent(distribution="uniform"),
        players={
            "generator": Player(network=mlp.Generator(widths=(32, 64, 128), dropout=0.3, initialisation="glorot"), optimiser=optimiser),
            "discriminator": Player(
                network=mlp.Discriminator(widths=(128, 64, 32), dropout=0.3, initialisation="glorot"), optimiser=optimiser
            ),
        },
        loss=Loss(smoothing=0.1),
        order=Order(short_batch=True),
        batch=64,
        horizon=100 * 60_000,
        keeping=Keeping(reports=100, arrays=True),
    )
