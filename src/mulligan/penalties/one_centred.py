"""One-centred gradient penalty between real and fake (WGAN-GP): a critic whose slope is 1 on the lines that join the two.

Gulrajani et al. 2017 (arXiv 1704.00028), equation 3: lambda times the mean of (||grad D(x^)|| - 1)^2, at x^ uniform between a real sample
and a fake; the weight is lambda, 10 in the paper. Made for the Wasserstein loss; D must not mix samples (no BatchNorm in it).
"""

import torch
from torch import Tensor

from mulligan.penalties.slope import Critic, given, gradients

sees = ("real", "fake")
needs_mix = True


def penalty(critic: Critic, real: Tensor | None, fake: Tensor | None, mix: Tensor | None) -> Tensor:
    """Squared distance of the gradient norm from 1, at mix * real + (1 - mix) * fake.

    critic: samples (N, ...) -> logits (N,). real, fake: (N, ...). mix: (N,), uniform in [0, 1]. Returns (N,), never negative.
    Raises ValueError where one of them is missing.

    >>> penalty(lambda x: x @ torch.tensor([3.0, 4.0]), torch.zeros(2, 2), torch.ones(2, 2), torch.rand(2))
    tensor([16., 16.])
    """
    real, fake = given(real, "real samples"), given(fake, "fakes")
    mix = given(mix, "uniform numbers").view(-1, *[1] * (real.ndim - 1))
    gradient = gradients(critic, mix * real + (1 - mix) * fake)
    # the norm of a gradient of zero has no slope; vector_norm takes 0 there, where a plain root would give nan
    distance: Tensor = torch.linalg.vector_norm(gradient, dim=1) - 1
    return distance.square()
