"""Hinge loss: D separates real from fake by a margin, and ignores samples that are beyond it.

Lim and Ye 2017 (arXiv 1705.02894); written as here in Miyato et al. 2018 (arXiv 1802.05957), equations 16 and 17.
"""

from torch import Tensor
from torch.nn.functional import relu

needs_pairs = False
reading = "difference"
equilibrium = "mean D(real) - mean D(fake) = 0"


def real_loss(d_real: Tensor) -> Tensor:
    """Loss of D on real samples: what is missing to a score of 1.

    d_real: scores (N,). Returns (N,), never negative.

    >>> import torch
    >>> real_loss(torch.tensor([-1.0, 0.0, 3.0]))
    tensor([2., 1., 0.])
    """
    return relu(1 - d_real)


def fake_loss(d_fake: Tensor) -> Tensor:
    """Loss of D on fakes: what the score exceeds -1 by.

    d_fake: scores (N,). Returns (N,), never negative.
    """
    return relu(1 + d_fake)


def generator_loss(d_fake: Tensor) -> Tensor:
    """Loss of G: minus the score of its fakes.

    d_fake: scores (N,). Returns (N,), of any sign.
    """
    return -d_fake
