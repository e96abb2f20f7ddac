"""What a step cannot be faster than on this machine, computed from a measured matrix product, a measured copy and an empty compiled call.

Arithmetic: the floating-point operations of all matrix products and convolutions of the plain loop's step, penalties' double backward
included, over the rate of a large square product. Additions outside of products (activations, Adam, losses) are not counted.

Bytes: at each update of a player its weights, second moments, first moments (where beta1 is above 0) and average are read and written once,
and its gradients too; float32 in either precision. What else is read (the other network, activations, data) is not counted. The copy is of
so many bytes, read and written together, so that it finds in the caches what a step could find there.

Empty call: a compiled function that is given the state, batches, draws and rates of a step, and looks at one number of each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lockstep import Block
from plain import Plain
from timing import block_of
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from mulligan.recipe import Recipe
from mulligan.training.compiling import compiled
from mulligan.training.game import Batch, Game, Tensors
from mulligan.training.products import by_onednn, onednn_is_faster
from mulligan.training.session import Session
from mulligan.training.state import State, count, named

SIDE = {"cpu": 1024, "cuda": 8192}  # of the square matrices
FLOAT = 4  # bytes


def operations(loop: Plain) -> int:
    """Floating-point operations of the matrix products and convolutions of one step; a multiplication and an addition are two."""
    with Counter() as counter:
        loop.step()
    return counter.total


class Counter(TorchDispatchMode):
    """Adds up the operations of every product and convolution by torch's own formulas.

    `FlopCounterMode` has the same formulas, and hooks that a gradient of a gradient breaks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def moved(recipe: Recipe, game: Game) -> int:
    """Bytes that the updates of one step read and write at least."""
    total = 0
    for turn in game.turns:
        for name in turn.players:
            player = recipe.players[name]
            if player.optimiser is not None:
                kept = 2 + (player.optimiser.beta1 > 0) + (player.ema is not None)  # weights, second and first moments, average
                total += 2 * FLOAT * (kept + 1) * count(game.actors[name])
    return total


def arithmetic(operations: int, device: str, precision: torch.dtype) -> Block:
    """Seconds that the operations take at the rate of a large product; in float32 on a CPU by whoever is the faster there."""
    side = SIDE[device]
    left, right = (torch.randn(side, side, device=device).to(precision) for _ in range(2))
    product = by_onednn if device == "cpu" and precision == torch.float32 and onednn_is_faster() else torch.mm

    def once() -> None:
        _wait(product(left, right))

    share, measured = operations / (2 * side**3), block_of(once)
    return lambda steps: [seconds * share for seconds in measured(steps)]


def copying(moved: int, device: str) -> Block:
    """Seconds of a copy that reads and writes as many bytes."""
    source = torch.zeros(max(moved // (2 * FLOAT), 1), device=device)
    target = torch.empty_like(source)
    return block_of(lambda: _wait(target.copy_(source)))


def empty(session: Session) -> Block:
    """Seconds of a compiled call that does nothing."""

    def nothing(state: State, batches: Sequence[Batch | None], draws: Sequence[Tensors], knobs: Tensors) -> Tensor:
        given = [tensor for tensors in named(state).values() for tensor in tensors.values()]
        given += [batch.target for batch in batches if batch is not None]
        given += [tensor for tensors in (*draws, knobs) for tensor in tensors.values()]
        return torch.stack([tensor.flatten()[0].float() for tensor in given]).sum()

    call = compiled(nothing, session.recipe.machine.device)
    batches, draws, knobs = session.inputs()
    return block_of(lambda: _wait(call(session.state, batches, draws, knobs)))


def _wait(result: Tensor) -> None:
    if result.is_cuda:
        torch.cuda.synchronize()
