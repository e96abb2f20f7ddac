"""What a discriminator says of a batch."""

from typing import NamedTuple

from torch import Tensor


class Critique(NamedTuple):
    """What a discriminator says of N samples.

    logits: (N,), or (N, ...) where it judges each sample several times (patches); larger means more real.
    features: what its layers saw, each (N, ...), from the first to the last; empty unless they were asked for.
    """

    logits: Tensor
    features: tuple[Tensor, ...] = ()


def reduce_logits(logits: Tensor) -> Tensor:
    """One number per sample: the mean over everything but the first axis. The one place where many logits become one.

    logits: (N,) or (N, ...). Returns (N,).

    >>> import torch
    >>> reduce_logits(torch.tensor([[1.0, 3.0], [0.0, 1.0]]))
    tensor([2.0000, 0.5000])
    """
    return logits if logits.ndim == 1 else logits.flatten(1).mean(1)
