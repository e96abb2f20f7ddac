"""A game: players, an ordered list of turns, and how its samples are made and shown. Knows no network by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mulligan.kinds.kind import Kind
from mulligan.randomness import latents, torch_generator
from mulligan.recipe import Adam, Ema

Tensors = dict[str, Tensor]


class Batch(NamedTuple):
    """A record of real samples, as stored (uint8 images, float points)."""

    target: Tensor  # (N, *sample)
    condition: Tensor | None  # labels (N,), where the game has them
    places: Tensor  # (N,) places in the training split; zeros for an endless source


@dataclass(frozen=True)
class Draw:
    """Random numbers that a turn asks for, per sample of its batch."""

    distribution: str  # normal, uniform (in [-1, 1]), unit (in [0, 1)) or class (0 .. classes - 1)
    shape: tuple[int, ...] = ()
    classes: int = 0

    def make(self, count: int, generator: torch.Generator) -> Tensor:
        """Numbers for `count` samples: (count, *shape)."""
        if self.distribution == "class":
            return torch.randint(self.classes, (count, *self.shape), generator=generator)
        if self.distribution == "unit":
            return torch.rand((count, *self.shape), generator=generator)
        return latents(self.distribution, (count, *self.shape), generator)


class Told(NamedTuple):
    """What an objective says: terms to minimise, one number per sample each, and figures to look at."""

    terms: Tensors  # name -> (N,), or (N / pack,); weighted; the player minimises the sum of their means
    figures: Tensors  # name -> scalar


class Cast:
    """The players inside a turn: call one by name. Buffers that a call updates are kept here until the turn is committed."""

    def __init__(self, actors: Mapping[str, "Actor"], parameters: Mapping[str, Tensors], buffers: Mapping[str, Tensors]) -> None:
        self.actors, self.parameters = actors, parameters
        self.buffers = {player: {name: tensor.clone() for name, tensor in tensors.items()} for player, tensors in buffers.items()}

    def __call__(self, player: str, *inputs: Tensor | bool | None, inference: bool = False) -> Any:
        """What the player makes of the inputs, in training mode unless told otherwise."""
        actor = self.actors[player]
        module = actor.inference if inference else actor.training
        return functional_call(module, {**self.parameters[player], **self.buffers[player]}, inputs)

    def renew(self, player: str) -> None:
        """Let the layers of a player that is about to move bring buffers up to date with its weights, once for the turn."""
        renew = self.actors[player].renew
        if renew is not None:
            weights = {name: tensor.detach() for name, tensor in self.parameters[player].items()}
            self.buffers[player] = {**self.buffers[player], **renew(weights, self.buffers[player])}


class Objective(Protocol):
    """A pure function of the players, a batch (where the turn reads one), draws and knobs."""

    def __call__(self, cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        """Terms and figures of this turn."""


@dataclass(frozen=True)
class Turn:
    """Who moves, and the objective that they move by."""

    name: str
    players: tuple[str, ...]
    objective: Objective
    reads: bool = False  # whether the turn is given real samples
    draws: Mapping[str, Draw] = field(default_factory=dict)
    constraint: Callable[[Tensors, Tensors], Tensors] | None = None  # (parameters after the update, knobs) -> parameters


@dataclass(frozen=True)
class Actor:
    """A player's structure, once in each mode and without memory (the weights are in the state), how it begins and how it moves."""

    training: nn.Module
    inference: nn.Module
    parameters: Tensors  # initial values; without memory once they are forgotten
    buffers: Tensors
    optimiser: Adam | None
    ema: Ema | None
    history: bool = False  # whether its parameters are drawn to their mean so far
    lookahead: int = 0  # steps of the game between two moves of its slow weights; 0 for none
    renew: Callable[[Tensors, Tensors], Tensors] | None = None  # (parameters, buffers) -> new buffers, once for each turn that it moves in

    def forget(self) -> None:
        """Let the initial values go, once a state has been made of them: as much memory as the weights that are trained."""
        for name, tensor in self.parameters.items():
            self.parameters[name] = tensor.to("meta")


class Show(NamedTuple):
    """What a report's picture shows: groups of samples side by side, with a heading for each."""

    headings: tuple[str, ...]
    groups: tuple[Tensor, ...]


class SampleMaker(Protocol):
    """Makes samples from standard latents; `record` holds real samples for games that need some (a fit of codes, an input)."""

    def __call__(self, cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Tensor:
        """Samples as the networks make them, (N, *sample)."""


@dataclass(frozen=True)
class Opinion:
    """What D says of encoded samples (N, *sample) that come before it as they do in a turn: changed and joined in packs.

    ask(cast, samples, label, drawn, knobs) -> logits (N / pack,), in inference mode. draws: the numbers that `drawn` holds.
    """

    ask: Callable[[Cast, Tensor, Tensor | None, Tensors, Tensors], Tensor]
    draws: Mapping[str, Draw]


@dataclass(frozen=True)
class Game:
    """Players and turns, with what a reader of its figures must know."""

    kind: Kind
    actors: Mapping[str, Actor]
    turns: tuple[Turn, ...]
    sample: SampleMaker
    show: Callable[[Cast, Tensor, Tensor | None, Batch], Show]
    reading: str = ""  # how D's scores are read; empty where there is no D
    equilibrium: str = ""
    latent: Draw = Draw("normal", (1,))
    classes: int = 0
    pack: int = 1  # samples that D judges joined into one
    opinion: Opinion | None = None  # absent where D is shown something else than samples
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # shapes that players are given, unless a latent or a sample
    shows_real: bool = False  # whether the picture of a report holds real samples too
    makes_samples: bool = True  # whether samples come from latents alone, so that the generator is a model of its own
    fit: Callable[[Cast, Batch], tuple[Tensor, Tensor]] | None = None  # mean and factor of a Gaussian that latents go through


def drawn(turn: Turn, count: int, seed: int, step: int, attempt: int) -> Tensors:
    """All random numbers of one turn, each from its own stream."""
    return {name: draw.make(count, torch_generator(seed, f"{turn.name}/{name}", step, attempt)) for name, draw in turn.draws.items()}
