"""Wasserstein loss: D is a critic whose mean score differs between real and fake as much as its slope allows.

Arjovsky et al. 2017 (arXiv 1701.07875), equations 2 and 3. The difference is a distance only while the critic's slope is bounded:
use it with `one-centred` (Gulrajani et al. 2017, arXiv 1704.00028) or with `weight-clipping`; several critic steps for one of G.
"""

from torch import Tensor

needs_pairs = False
reading = "difference"
equilibrium = "mean D(real) - mean D(fake) = 0"


def real_loss(d_real: Tensor) -> Tensor:
    """Loss of D on real samples: minus their score.

    d_real: scores (N,). Returns (N,), of any sign.

    >>> import torch
    >>> real_loss(torch.tensor([-1.0, 3.0]))
    tensor([ 1., -3.])
    """
    return -d_real


def fake_loss(d_fake: Tensor) -> Tensor:
    """Loss of D on fakes: their score.

    d_fake: scores (N,). Returns (N,), of any sign.
    """
    return d_fake.clone()  # a result that is its own argument would tie the two together


def generator_loss(d_fake: Tensor) -> Tensor:
    """Loss of G: minus the score of its fakes.

    d_fake: scores (N,). Returns (N,), of any sign.
    """
    return -d_fake
