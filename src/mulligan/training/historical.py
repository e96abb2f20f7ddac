"""Historical averaging: a player that circles is drawn to the middle of its circle.

Salimans et al. 2016 (arXiv 1606.03498), section 3.3: to the player's cost comes the squared distance of its parameters to the mean of
all that they have been, times a weight. The term depends on the parameters alone, so its gradient is written down and not taken.
"""

from torch import Tensor


def drift(parameters: Tensor, past: Tensor) -> Tensor:
    """Squared distance of flat parameters to their mean so far, a scalar.

    >>> import torch
    >>> drift(torch.tensor([3.0, 4.0]), torch.zeros(2))
    tensor(25.)
    """
    return (parameters - past).square().sum()


def gradient(parameters: Tensor, past: Tensor, weight: Tensor) -> Tensor:
    """Gradient of weight times `drift` with respect to the parameters, of their shape; the mean is held constant."""
    return 2 * weight * (parameters - past)


def mean(past: Tensor, parameters: Tensor, updates: Tensor) -> Tensor:
    """The mean with the parameters after update number `updates` (from 1) taken in.

    >>> import torch
    >>> mean(torch.tensor([1.0]), torch.tensor([4.0]), torch.tensor(3.0))
    tensor([2.])
    """
    return past + (parameters - past) / updates
