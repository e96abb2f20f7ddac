"""Least-squares loss: D is a regression towards 1 on real and 0 on fake, and never stops pulling.

Mao et al. 2017 (arXiv 1611.04076), equation 2 with a = 0, b = 1, c = 1. The score is raw: it is no logit of a probability.
"""

from torch import Tensor

needs_pairs = False
reading = "raw"
equilibrium = "D(x) = 0.5 for every x, read without a sigmoid"


def real_loss(d_real: Tensor) -> Tensor:
    """Loss of D on real samples: half the squared distance of the score from 1.

    d_real: scores (N,). Returns (N,), never negative.

    >>> import torch
    >>> real_loss(torch.tensor([0.0, 0.5, 1.0]))
    tensor([0.5000, 0.1250, 0.0000])
    """
    return 0.5 * (d_real - 1).square()


def fake_loss(d_fake: Tensor) -> Tensor:
    """Loss of D on fakes: half the squared distance of the score from 0.

    d_fake: scores (N,). Returns (N,), never negative.
    """
    return 0.5 * d_fake.square()


def generator_loss(d_fake: Tensor) -> Tensor:
    """Loss of G: half the squared distance of the score of its fakes from 1.

    d_fake: scores (N,). Returns (N,), never negative.
    """
    return 0.5 * (d_fake - 1).square()
