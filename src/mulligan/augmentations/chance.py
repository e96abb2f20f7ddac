"""What changes share that befall a sample with a probability."""

from torch import Tensor


def happens(coin: Tensor, probability: Tensor) -> Tensor:
    """Which samples are changed: coin (N,) in [0, 1) -> booleans (N,); none at a probability of 0, all at 1.

    >>> import torch
    >>> happens(torch.tensor([0.0, 0.3, 0.9]), torch.tensor(0.5))
    tensor([ True,  True, False])
    """
    return coin < probability


def whole(unit: Tensor, count: int) -> Tensor:
    """Numbers in [0, 1) as whole numbers 0 .. count - 1, each as likely.

    >>> import torch
    >>> whole(torch.tensor([0.0, 0.49, 0.99]), 2)
    tensor([0, 0, 1])
    """
    return (unit * count).long().clamp(max=count - 1)  # a rounded product may reach count
