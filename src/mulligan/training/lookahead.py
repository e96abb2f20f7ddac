"""Lookahead: a player runs ahead for some steps, and then goes back a part of the way; on a circle that leads inwards.

Chavdarova et al. 2021 (arXiv 2006.14567), the algorithm lookahead-minimax: every k steps of the game, after all players have moved, the
slow weights go a share of the way to the fast ones, and the fast ones go back to them. Players with the same `every` go back together,
as there. The moments of the update and the average of the weights go on as if nothing had happened.
"""

import torch
from torch import Tensor


def pulled(fast: Tensor, slow: Tensor, due: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Fast and slow weights after a step: moved where `due` (a boolean scalar) holds, as they are otherwise.

    share: of the way from the slow weights to the fast ones, a scalar.

    >>> pulled(torch.tensor([4.0]), torch.tensor([0.0]), torch.tensor(True), torch.tensor(0.5))
    (tensor([2.]), tensor([2.]))
    """
    met = slow + share * (fast - slow)
    return torch.where(due, met, fast), torch.where(due, met, slow)
