"""Relativistic pairing loss: each real sample should look more real than the fake it is paired with.

Jolicoeur-Martineau 2018 (arXiv 1807.00734), section 4.1, RSGAN: D minimises -E log sigmoid(D(x) - D(G(z))), G the same with the roles
exchanged. Huang et al. 2024 (arXiv 2501.05441), equation 2, write the game as zero-sum; their experiments train G as it stands here.
Use it with both zero-centred penalties: without them it is worse than the standard loss (docs/papers.md).
"""

from torch import Tensor
from torch.nn.functional import softplus

needs_pairs = True  # the generator's loss looks at real samples too
reading = "pairs"
equilibrium = "P(D(real) > D(fake)) = 0.5"


def discriminator_loss(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """Loss of D for each pair.

    d_real, d_fake: logits (N,); larger means more real; pair i is real i with fake i.
    Returns (N,), never negative; log 2 where D cannot tell the two apart.

    >>> import torch
    >>> discriminator_loss(torch.zeros(2), torch.zeros(2))
    tensor([0.6931, 0.6931])
    """
    return softplus(d_fake - d_real)


def generator_loss(d_real: Tensor, d_fake: Tensor) -> Tensor:
    """Loss of G for each pair: the discriminator's with the roles exchanged.

    d_real, d_fake: logits (N,). Returns (N,), never negative.
    """
    return softplus(d_real - d_fake)
