"""`fast`, the default: the best quality for each minute on two cores, and no worse on a GPU."""

from math import prod

from mulligan.networks import strided
from mulligan.recipe import Adam, Data, Ema, Latent, Loss, Penalty, Player, Recipe, scaling_for
from mulligan.recipes.modern import modern
from mulligan.recipes.small_data import augmentations_for

DATA = "digits"
PER_CLASS = 50  # samples of a class, on average, from which on labels help
NUMBERS = 256  # in a sample, for a penalty of weight 1


def fast(data: Data) -> Recipe:
    """The plain loss with R1 on strided convolutions, and labels where there are some; `modern` itself for all but square images.

    Chosen here, by some hundred runs on fashion and digits (dev/LOG.md): networks that do most of their work on 7x7 maps; a rate six
    times that of `modern` for D and nine times for G; the penalty at a sixteenth of each batch, which costs little and changes nothing
    that could be measured. Its weight grows with the numbers in a sample, since slopes fall as distances grow. With labels the plain
    loss and R1 alone are better than the pairing loss and both penalties of `modern`, after the same images and after the same time.

    Fewer than 5,000 images are augmented, as far as D begins to know them by heart (`recipes/small_data.py`).

    Labels are used where a class has 50 samples on average: samples are then better after the same time. `conditional=false` leaves
    them out.

    Measured on digits: 5,993 steps in 10.0 minutes (2 threads of Intel Xeon @ 2.50GHz, compile on, 2026-11-23, one seed): distance
    0.0156 (real data 0.0141), fd_digits 0.105 (real data 0.0376), coverage 0.952 (real data 0.975).
    Measured on digits: 1,073 steps in 1.8 minutes of the demo (2 threads of Intel Xeon @ 2.50GHz, compile off, 2026-11-23, one seed):
    distance 0.0176 (real data 0.0141), fd_digits 0.162 (real data 0.0376), coverage 0.883 (real data 0.975).
    Measured on fashion: 6,795 steps in 10.0 minutes (2 threads of Intel Xeon @ 2.50GHz, compile on, 2026-11-23, one seed): distance
    0.00995 (real data 0.00721), fd_fashion 0.158 (real data 0.014), coverage 0.874 (real data 0.967).
    """
    if data.kind == "points" or data.shape[1] != data.shape[2]:
        return modern(data, size="small").model_copy(update={"name": "fast"})
    optimiser = Adam(rate=3e-3, final=0.1, beta1=0.0, beta2=0.9)
    width = 64 if data.shape[-1] <= 32 else 128
    return Recipe(
        name="fast",
        data=data,
        scaling=scaling_for(data, "symmetric"),
        conditional=bool(data.classes) and (data.count or 0) >= PER_CLASS * len(data.classes),
        latent=Latent(size=64),
        players={
            "generator": Player(
                network=strided.Generator(width=width), optimiser=optimiser.model_copy(update={"rate": 1.5 * optimiser.rate}), ema=Ema()
            ),
            "discriminator": Player(network=strided.Discriminator(width=width), optimiser=optimiser),
        },
        loss=Loss(name="non-saturating"),
        penalties={"zero-centred-real": Penalty(weight=round(prod(data.shape) / NUMBERS, 2), final=1 / 3, share=1 / 16)},
        augmentations=augmentations_for(data),
        batch=64,
        horizon=400_000,
    )
