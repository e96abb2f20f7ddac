"""Unrolling: the generator learns from the discriminator as that would be some updates later, and from how it comes to be so.

Metz et al. 2017 (arXiv 1611.02163), section 2.2, equations 4 to 9: D takes k steps down its own objective, which depend on G, and G's
gradient goes back through all of them. What D really does is its own turn. The steps are plain gradient steps at D's rate of now, also
where D moves by Adam, and all of them are taken on the batch and the latents of G's turn.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from mulligan.training.game import Cast, Tensors


def ahead(cast: Cast, minimised: Callable[[Cast], Tensor], steps: int, rate: Tensor, player: str = "discriminator") -> Cast:
    """The players with one of them `steps` gradient steps later, differentiable with respect to the others.

    minimised: what the player minimises, a scalar. rate: of its steps, a scalar. Buffers that change in these steps are not kept.
    """

    def objective(own: Tensors) -> Tensor:
        return minimised(Cast(cast.actors, {**cast.parameters, player: own}, cast.buffers))

    own = dict(cast.parameters[player])
    for _ in range(steps):
        slope = torch.func.grad(objective)(own)
        own = {name: tensor - rate * slope[name] for name, tensor in own.items()}
    return Cast(cast.actors, {**cast.parameters, player: own}, cast.buffers)
