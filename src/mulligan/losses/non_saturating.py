"""Non-saturating loss: G is told how to look real, not how to look less fake, and so learns fastest where it is worst.

Goodfellow et al. 2014 (arXiv 1406.2661): D as in equation 1; G maximises log D(G(z)), as the end of section 3 proposes.
One-sided label smoothing: Salimans et al. 2016 (arXiv 1606.03498), section 3.4.
"""

from torch import Tensor
from torch.nn.functional import softplus

needs_pairs = False
reading = "probability"
equilibrium = "D(x) = 0.5 for every x"


def real_loss(d_real: Tensor, smoothing: float = 0.0) -> Tensor:
    """Loss of D on real samples: binary cross-entropy with the target 1 - smoothing.

    d_real: logits (N,). Returns (N,), never negative for smoothing in [0, 1].

    >>> import torch
    >>> real_loss(torch.zeros(2))
    tensor([0.6931, 0.6931])
    """
    return softplus(-d_real) + smoothing * d_real


def fake_loss(d_fake: Tensor) -> Tensor:
    """Loss of D on fakes: -log(1 - D(G(z))), the binary cross-entropy with the target 0.

    d_fake: logits (N,). Returns (N,), never negative.
    """
    return softplus(d_fake)


def generator_loss(d_fake: Tensor) -> Tensor:
    """Loss of G: -log D(G(z)), the binary cross-entropy with the flipped, unsmoothed target 1.

    d_fake: logits (N,). Returns (N,), never negative; log 2 where D cannot tell.
    """
    return softplus(-d_fake)
