"""How steep a critic is at given samples."""

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


def gradients(critic: Critic, samples: Tensor) -> Tensor:
    """The gradient of each sample's logit with respect to that sample, flattened.

    critic: samples (N, ...) -> logits (N,). samples: (N, ...). Returns (N, numbers in a sample), differentiable once more.

    >>> gradients(lambda x: (x**2).sum(1), torch.tensor([[1.0, 2.0], [3.0, 0.0]]))
    tensor([[2., 4.],
            [6., 0.]])
    """

    # a logit depends on its own sample alone, so the gradient of the sum holds the gradient of each
    def total(x: Tensor) -> Tensor:
        return critic(x).sum()

    gradient: Tensor = torch.func.grad(total)(samples)
    return gradient.flatten(1)


def given(samples: Tensor | None, which: str) -> Tensor:
    """The samples, or a ValueError where the penalty sees them and they are not there."""
    if samples is None:
        raise ValueError(f"this penalty looks at {which}, and got none")
    return samples
