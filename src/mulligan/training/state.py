"""The state of a game: every tensor that changes, by player; made, named, counted and put back."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mulligan.errors import CheckpointError
from mulligan.layers.spectral import renewal
from mulligan.randomness import mixed
from mulligan.recipe import Network, Player, Signature
from mulligan.training.flat import Layout
from mulligan.training.game import Actor, Cast, Tensors

MOVING = ("parameters", "first", "second", "ema", "past", "slow")  # flat tensors of a player
BUFFERS = ("buffers", "ema_buffers")  # its tensors by name


@dataclass
class PlayerState:
    """Tensors of one player.

    `first` and `second` (the moments) are absent where it is frozen, `ema` where there is no average, `past` (the mean of all its
    parameters so far) without historical averaging, and `slow` (the weights that it goes back to) without lookahead.
    """

    layout: Layout  # of the flat tensors
    parameters: Tensor
    first: Tensor | None
    second: Tensor | None
    ema: Tensor | None
    past: Tensor | None
    slow: Tensor | None
    buffers: Tensors
    ema_buffers: Tensors
    updates: Tensor  # scalar: number of updates so far


State = dict[str, PlayerState]


def build(network: Network, signature: Signature, seed: int, player: str) -> nn.Module:
    """A network with the initial weights that belong to (seed, player)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(mixed(seed, f"initial/{player}"))
        return network.build(signature)


def actor(module: nn.Module, player: Player) -> Actor:
    """A player that begins as this module."""
    parameters = {name: tensor.detach() for name, tensor in module.named_parameters()}
    structure = copy.deepcopy(module).requires_grad_(False).to("meta")
    return Actor(
        training=copy.deepcopy(structure).train(),
        inference=structure.eval(),
        parameters=parameters,
        buffers=dict(module.named_buffers()),
        optimiser=player.optimiser,
        ema=player.ema,
        history=player.history is not None and player.optimiser is not None,
        lookahead=player.lookahead.every if player.lookahead and player.optimiser else 0,
        renew=renewal(module),
    )


def initial(actors: Mapping[str, Actor], device: str = "cpu") -> State:
    """The state before the first step."""
    return {name: _initial(actor, device) for name, actor in actors.items()}


def _initial(actor: Actor, device: str) -> PlayerState:
    layout = Layout.of(actor.parameters)
    parameters = layout.flat(actor.parameters).to(device)
    buffers = {name: tensor.to(device, copy=True) for name, tensor in actor.buffers.items()}
    return PlayerState(
        layout=layout,
        parameters=parameters,
        first=torch.zeros_like(parameters) if actor.optimiser else None,
        second=torch.zeros_like(parameters) if actor.optimiser else None,
        ema=parameters.clone() if actor.ema else None,
        past=parameters.clone() if actor.history else None,
        slow=parameters.clone() if actor.lookahead else None,
        buffers=buffers,
        ema_buffers={name: tensor.clone() for name, tensor in buffers.items()} if actor.ema else {},
        updates=torch.zeros((), device=device),
    )


def parameters(player: PlayerState) -> Tensors:
    """The player's parameters by name, as views."""
    return player.layout.views(player.parameters)


def looked_at(player: PlayerState) -> tuple[Tensors, Tensors]:
    """Parameters and buffers with which a player is sampled: averaged where there is an average."""
    if player.ema is None:
        return parameters(player), player.buffers
    return player.layout.views(player.ema), player.ema_buffers


def sampled(actors: Mapping[str, Actor], state: State) -> Cast:
    """The players as they are looked at."""
    seen = {name: looked_at(player) for name, player in state.items()}
    return Cast(actors, {name: pair[0] for name, pair in seen.items()}, {name: pair[1] for name, pair in seen.items()})


def named(state: State) -> dict[str, Tensors]:
    """All tensors by player and name (views), as they are saved."""
    return {name: _named(player) for name, player in state.items()}


def _named(player: PlayerState) -> Tensors:
    tensors = {"updates": player.updates}
    for part in MOVING:
        flat = getattr(player, part)
        if flat is not None:
            tensors |= {f"{part}/{key}": view for key, view in player.layout.views(flat).items()}
    for part in BUFFERS:
        tensors |= {f"{part}/{key}": tensor for key, tensor in getattr(player, part).items()}
    return tensors


def put_back(state: State, saved: Mapping[str, Tensors]) -> None:
    """Copy saved tensors into the state; a CheckpointError names the first that is missing, foreign or of another shape."""
    expected = named(state)
    if expected.keys() != saved.keys():
        raise CheckpointError(f"the checkpoint has the players {', '.join(saved)}, and the recipe {', '.join(expected)}")
    for player, tensors in expected.items():
        strange = sorted(tensors.keys() ^ saved[player].keys())
        if strange:
            raise CheckpointError(f"{player}: tensor {strange[0]} is in only one of checkpoint and recipe")
        for name, tensor in tensors.items():
            given = saved[player][name]
            if given.shape != tensor.shape or given.dtype != tensor.dtype:
                found, wanted = (f"{x.dtype} {tuple(x.shape)}" for x in (given, tensor))
                raise CheckpointError(f"{player}: tensor {name} is {found} in the checkpoint, and {wanted} by the recipe")
            tensor.copy_(given)


def count(actor: Actor) -> int:
    """Trainable numbers of a player."""
    return sum(tensor.numel() for tensor in actor.parameters.values())
