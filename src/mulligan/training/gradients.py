"""The one place where gradients are taken, so that another way of taking them can be tested equal."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.func import grad

from mulligan.training.game import Actor, Batch, Cast, Tensors, Turn

ByPlayer = dict[str, Tensors]
Judged = tuple[Tensor, tuple[Tensors, ByPlayer]]  # named here: the compiler does not trace annotations of inner functions


def gradients(
    turn: Turn,
    actors: Mapping[str, Actor],
    parameters: Mapping[str, Tensors],
    buffers: Mapping[str, Tensors],
    batch: Batch | None,
    draws: Tensors,
    knobs: Tensors,
    precision: torch.dtype,
) -> tuple[ByPlayer, tuple[Tensors, ByPlayer]]:
    """Gradients of a turn's objective with respect to the parameters of its players.

    Returns gradients by player and name, and beside them the turn's figures (means of its terms among them, scalars) and the buffers
    as the turn left them.
    """

    def objective(own: ByPlayer) -> Judged:
        cast = Cast(actors, {**parameters, **own}, buffers)
        with torch.autocast(device_type=knobs["device"].device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            told = turn.objective(cast, batch, draws, knobs)
        means = {name: values.float().mean() for name, values in told.terms.items()}
        total = torch.stack(list(means.values())).sum()
        return total, ({**means, **told.figures}, cast.buffers)

    taken: tuple[ByPlayer, tuple[Tensors, ByPlayer]] = grad(objective, has_aux=True)(
        {player: parameters[player] for player in turn.players}
    )
    return taken
