"""One step of any game: every turn in order. The whole of adversarial training is on this screen."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from mulligan.training import historical
from mulligan.training.game import Actor, Batch, Game, Tensors, Turn
from mulligan.training.gradients import gradients
from mulligan.training.lookahead import pulled
from mulligan.training.splitting import averaged
from mulligan.training.state import PlayerState, State, parameters
from mulligan.training.update import adam, adam_in_place


def play(
    game: Game,
    state: State,
    batches: Sequence[Batch | None],
    draws: Sequence[Tensors],
    knobs: Tensors,
    precision: torch.dtype,
    mapped: bool = False,
    split: int = 1,
) -> tuple[Tensors, Tensor]:
    """Play all turns once, and change the state in place where everything stayed finite.

    batches, draws: one per turn (a turn that reads nothing gets None). knobs: scalars by name, rates and weights as they are now.
    mapped: whether this call is one of many under `torch.vmap`, which takes no gradients by tape and no fused update. split: parts that a
    batch is played in, where memory is short.
    Returns the figures (scalars by name) and whether losses and gradients of all turns were finite (a boolean scalar);
    from the first turn that is not, nothing is committed.
    """
    traced = mapped or torch.compiler.is_compiling()
    figures: Tensors = {}
    finite = torch.ones((), dtype=torch.bool, device=knobs["device"].device)
    for turn, batch, drawn in zip(game.turns, batches, draws, strict=True):
        named = {name: parameters(player) for name, player in state.items()}
        buffers = {name: player.buffers for name, player in state.items()}
        taken = partial(gradients, turn, game.actors, named, buffers, knobs=knobs, precision=precision, traced=traced)
        moves, (told, buffers_after) = averaged(taken, batch, drawn, split)
        flat = {name: state[name].layout.flat(moves.pop(name)) for name in turn.players}  # taken out, so that nothing is kept twice
        for name in turn.players:
            past = state[name].past
            if past is not None:
                told[f"{name}.drift"] = historical.drift(state[name].parameters, past)
                flat[name] = flat[name] + historical.gradient(state[name].parameters, past, knobs[f"{name}.history"])
        moving = [tensor for tensors in buffers_after.values() for tensor in tensors.values()]
        finite = finite & all_finite([*told.values(), *flat.values(), *moving])
        for name in turn.players:
            move(state[name], game.actors[name], flat.pop(name), turn, knobs, name, finite, traced)
        for name, player in state.items():
            for key, after in buffers_after[name].items():
                commit(player.buffers[key], after, finite)
                if player.ema_buffers and name in turn.players:
                    commit(player.ema_buffers[key], after, finite)
        figures |= told
    for name, player in state.items():
        if player.slow is not None:
            every = game.actors[name].lookahead * sum(name in turn.players for turn in game.turns)
            fast, slow = pulled(player.parameters, player.slow, player.updates % every == 0, knobs[f"{name}.lookahead"])
            commit(player.parameters, fast, finite)
            commit(player.slow, slow, finite)
    return figures, finite


def move(player: PlayerState, actor: Actor, gradient: Tensor, turn: Turn, knobs: Tensors, name: str, finite: Tensor, traced: bool) -> None:
    """Update one player by its gradient, all of it flat: parameters, moments, average."""
    if actor.optimiser is None or player.first is None or player.second is None:
        return
    updates, rate = player.updates + 1, knobs[f"{name}.rate"]
    if traced:
        moved = adam(player.parameters, gradient, player.first, player.second, updates, rate, actor.optimiser)
        commit(player.parameters, moved.parameter, finite)
        commit(player.first, moved.first, finite)
        commit(player.second, moved.second, finite)
    else:
        adam_in_place(player.parameters, gradient, player.first, player.second, updates, rate, actor.optimiser, finite)
    if turn.constraint is not None:
        commit(player.parameters, player.layout.flat(turn.constraint(player.layout.views(player.parameters), knobs)), finite)
    if player.ema is not None:
        weight = torch.where(finite, 1 - knobs[f"{name}.ema"], 0.0)
        if traced:
            player.ema.copy_(torch.lerp(player.ema, player.parameters, weight))
        else:
            player.ema.lerp_(player.parameters, weight)
    if player.past is not None:
        commit(player.past, historical.mean(player.past, player.parameters, updates), finite)
    commit(player.updates, updates, finite)


def commit(old: Tensor, new: Tensor, finite: Tensor) -> None:
    """Write new values over old ones, or keep the old where something was not finite."""
    old.copy_(torch.where(finite, new, old))


def all_finite(tensors: Sequence[Tensor]) -> Tensor:
    """Whether every number is finite, and its square too: a gradient of 1e20 would leave an infinite second moment."""
    return torch.isfinite(torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors]).sum())
