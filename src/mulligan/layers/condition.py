"""How a label enters a network."""

import torch
from torch import Tensor, nn

from mulligan.errors import UsageError


def one_hot(label: Tensor | None, classes: int, like: Tensor) -> Tensor:
    """Labels as rows with a single one, in the type and on the device of `like`.

    label: integers (N,) in [0, classes). Returns (N, classes).
    Raises UsageError where the network wants labels and gets none.

    >>> one_hot(torch.tensor([2, 0]), 3, torch.zeros(2, 5))
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if label is None:
        raise UsageError(f"a network of {classes} classes got no label", "Give one label per sample")
    # a comparison, not torch.nn.functional.one_hot: no look at the values, so it compiles and maps as one piece
    return (label.unsqueeze(1) == torch.arange(classes, device=label.device)).to(like)


def join(x: Tensor, label: Tensor | None, classes: int) -> Tensor:
    """Put the one-hot label behind x; x alone where there are no classes.

    x: (N, C). Returns (N, C + classes).
    Raises UsageError for a label that the network is not made for, and for a missing one.
    """
    if classes == 0:
        refuse(label)
        return x
    return torch.cat([x, one_hot(label, classes, x)], dim=1)


def refuse(label: Tensor | None) -> None:
    """Raise UsageError for a label given to a network that has no condition: it would be ignored."""
    if label is not None:
        raise UsageError("a label was given to a network without classes", "Train with conditional=true, or give no label")


class Embedding(nn.Module):
    """A learnt vector for each class: the row of a table, taken by a product with the one-hot label.

    The product is differentiable as often as one likes, and gives the same sums in any order of the batch on any device.
    deviation: of the first numbers; 1 / sqrt(size) if absent, so that a vector has about the length 1.

    >>> Embedding(10, 4)(torch.tensor([3, 3]), torch.zeros(2, 1)).shape
    torch.Size([2, 4])
    """

    def __init__(self, classes: int, size: int, deviation: float | None = None) -> None:
        super().__init__()
        self.classes = classes
        self.weight: Tensor = nn.Parameter(torch.randn(classes, size).mul_(size**-0.5 if deviation is None else deviation))

    def forward(self, label: Tensor | None, like: Tensor) -> Tensor:
        """The vectors (N, size) of labels (N,), in the type of `like`."""
        return one_hot(label, self.classes, like) @ self.weight
