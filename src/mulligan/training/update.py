"""The update of a player on plain tensors: it runs inside the compiled step, and its moments are saved by name.

The formula stands in `adam`. A compiler makes one pass over memory of it; without one it makes a dozen, so that an eager step calls
torch's own kernel for the same formula (twelve times as fast on 1.5 million numbers, dev/LOG.md).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mulligan.recipe import Adam


class Moved(NamedTuple):
    """A parameter and its moments after an update."""

    parameter: Tensor
    first: Tensor
    second: Tensor


def adam(parameter: Tensor, gradient: Tensor, first: Tensor, second: Tensor, updates: Tensor, rate: Tensor, settings: Adam) -> Moved:
    """One update of a tensor of any shape (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).

    updates: this update's number, from 1, as a float scalar; rate: the learning rate now.

    >>> import torch
    >>> zero = torch.zeros(1)
    >>> adam(zero, torch.ones(1), zero, zero, torch.tensor(1.0), torch.tensor(0.1), Adam()).parameter
    tensor([-0.1000])
    """
    first = settings.beta1 * first + (1 - settings.beta1) * gradient
    second = settings.beta2 * second + (1 - settings.beta2) * gradient * gradient
    step = _once(rate / (1 - settings.beta1**updates))
    root = _once((1 - settings.beta2**updates).sqrt())
    return Moved(parameter - step * first / (second.sqrt() / root + settings.epsilon), first, second)


def _once(scalar: Tensor) -> Tensor:
    """The scalar, in memory of its own: a compiler would compute its powers again for every sixteen numbers of a player (dev/LOG.md)."""
    return scalar.as_strided((), ()) if torch.compiler.is_compiling() and scalar.ndim == 0 else scalar


def adam_in_place(
    parameter: Tensor,
    gradient: Tensor,
    first: Tensor,
    second: Tensor,
    updates: Tensor,
    rate: Tensor,
    settings: Adam,
    finite: Tensor,
) -> None:
    """As `adam`, written over parameter and moments where `finite` (a boolean scalar) holds; outside of a compiled step alone."""
    torch._fused_adam_(
        [parameter],
        [gradient],
        [first],
        [second],
        [],
        [updates],
        lr=rate,
        beta1=settings.beta1,
        beta2=settings.beta2,
        weight_decay=0.0,
        eps=settings.epsilon,
        amsgrad=False,
        maximize=False,
        grad_scale=None,
        found_inf=1.0 - finite.float(),
    )
