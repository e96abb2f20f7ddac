"""A penalty of one's own: D should be flat everywhere between real samples and fakes.

Thanh-Tung et al. 2019 (arXiv 1902.03984) centre the penalty of WGAN-GP on zero. From the folder that holds `examples/`:

    mulligan train digits penalties.examples/my_penalty.py:my_penalty.weight=0.1
"""

from collections.abc import Callable

import torch
from torch import Tensor

sees = ("real", "fake")
needs_mix = True


def penalty(critic: Callable[[Tensor], Tensor], real: Tensor | None, fake: Tensor | None, mix: Tensor | None) -> Tensor:
    """Half the squared gradient norm of D, (N,), at mix * real + (1 - mix) * fake; real and fake are (N, ...), mix is (N,)."""
    assert real is not None  # `sees` and `needs_mix` ask for all three
    assert fake is not None
    assert mix is not None
    mix = mix.view(-1, *[1] * (real.ndim - 1))
    between = mix * real + (1 - mix) * fake
    gradient = torch.func.grad(lambda x: critic(x).sum())(between)  # each logit depends on its own sample alone
    return 0.5 * gradient.flatten(1).square().sum(1)
