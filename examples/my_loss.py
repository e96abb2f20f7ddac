"""A loss of one's own: relativistic least squares, in which a real sample should score 1 more than the fake that it is paired with.

Jolicoeur-Martineau 2018 (arXiv 1807.00734), the relativistic form of least squares. From the folder that holds `examples/`:

    mulligan train digits loss.name=examples/my_loss.py:my_loss
"""

from torch import Tensor

needs_pairs = True
reading = "pairs"
equilibrium = "P(D(real) > D(fake)) = 0.5"


def discriminator_loss(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """Loss of D for each pair: scores (N,) and (N,) -> (N,)."""
    return 0.5 * (d_real - d_fake - 1).square()


def generator_loss(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """Loss of G for each pair: the discriminator's with the roles exchanged."""
    return 0.5 * (d_fake - d_real - 1).square()
