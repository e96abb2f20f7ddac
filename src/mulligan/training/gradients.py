"""The one place where gradients are taken, in two ways that are tested equal.

A gradient of a gradient compiles with `torch.func` alone; without a compiler torch's own tape gives the same numbers sooner (dev/LOG.md).
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.func import grad

from mulligan.penalties.slope import on_tape
from mulligan.training.game import Actor, Batch, Cast, Tensors, Turn
from mulligan.training.splitting import ByPlayer, Taken

Judged = tuple[Tensor, tuple[Tensors, ByPlayer]]  # named here: the compiler does not trace annotations of inner functions
Objective = Callable[[ByPlayer], Judged]  # parameters of the moving players -> what they minimise, (figures, buffers)


def gradients(
    turn: Turn,
    actors: Mapping[str, Actor],
    parameters: Mapping[str, Tensors],
    buffers: Mapping[str, Tensors],
    batch: Batch | None,
    draws: Tensors,
    knobs: Tensors,
    precision: torch.dtype,
    traced: bool,
) -> Taken:
    """Gradients of a turn's objective with respect to the parameters of its players.

    traced: whether a compiler or `torch.vmap` looks on, which know no tape.
    Returns gradients by player and name, and beside them the turn's figures (means of its terms among them, scalars) and the buffers
    as the turn left them.
    """

    def objective(own: ByPlayer) -> Judged:
        cast = Cast(actors, {**parameters, **own}, buffers)
        for player in turn.players:
            cast.renew(player)
        device = knobs["device"].device.type
        with torch.autocast(device_type=device, dtype=torch.bfloat16, enabled=precision == torch.bfloat16, cache_enabled=False):
            told = turn.objective(cast, batch, draws, knobs)
        means = {name: values.float().mean() for name, values in told.terms.items()}
        total = torch.stack(list(means.values())).sum()
        return total, ({**means, **told.figures}, cast.buffers)

    own = {player: parameters[player] for player in turn.players}
    return by_transform(objective, own) if traced else by_tape(objective, own)


def by_transform(objective: Objective, own: ByPlayer) -> Taken:
    """Gradients by a transform of the function."""
    taken: Taken = grad(objective, has_aux=True)(own)
    return taken


# On a GPU torch would walk the tape in a thread of its own, where what a gradient of a gradient records is numbered from zero in each
# process: sums of three gradients would be taken in another order after a resume, and differ by a bit.
@torch.autograd.set_multithreading_enabled(False)
def by_tape(objective: Objective, own: ByPlayer) -> Taken:
    """Gradients by recording what the function does."""
    leaves = {player: {name: tensor.detach().requires_grad_() for name, tensor in tensors.items()} for player, tensors in own.items()}
    with on_tape():
        total, (figures, buffers) = objective(leaves)
    flat = [tensor for tensors in leaves.values() for tensor in tensors.values()]
    taken = iter(torch.autograd.grad(total, flat, allow_unused=True, materialize_grads=True))
    moves = {player: {name: next(taken) for name in tensors} for player, tensors in leaves.items()}
    return moves, (_detached(figures), {player: _detached(tensors) for player, tensors in buffers.items()})


def _detached(tensors: Tensors) -> Tensors:
    return {name: tensor.detach() for name, tensor in tensors.items()}
