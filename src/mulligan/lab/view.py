"""What is seen of a GAN in the plane at one moment: small arrays, in the coordinates that the networks see."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.special import ndtri

from mulligan.lab.points import FRAME
from mulligan.metrics.divergences import Divergences
from mulligan.randomness import sample_latents
from mulligan.training.game import Batch, Cast, Tensors, drawn
from mulligan.training.session import Session
from mulligan.training.state import parameters

SHOWN = 400  # points of each side
CELLS = 48  # of D's landscape, along each side
LINES = 13  # of the lattice, in each direction
ALONG = 41  # points on a line
ARROWS = 60
_EDGE = 0.02  # of a normal latent: the outermost line of the lattice lies at this share
_LEAST = 0.25  # colours never stand for a narrower range of scores than this: a flat landscape is to look flat
_FAR = 1e6  # beyond it a number is cut


@dataclass(frozen=True)
class Landscape:
    """What D says of each place.

    values: (CELLS, CELLS) float32, rows from below, read as the loss reads scores: probabilities, or raw scores.
    middle: where nobody wins: 0.5 for probabilities and least squares; elsewhere only differences of scores mean something, and it lies
    half-way between the mean scores of real points and samples. span: distance from the middle at which a colour is full.
    """

    values: np.ndarray
    middle: float
    span: float


@dataclass(frozen=True)
class View:
    """One moment of a lab. All places are in the frame, a square of side 2 * `frame` around the origin; samples may lie outside.

    step, moved: steps so far, and who moved in the last one: both, discriminator, generator, or nobody yet.
    real, fake: (N, 2) points of the data and samples, always of the same latents. lattice: (2 * LINES, ALONG, 2) lines of latents, as
    far apart as holds equal shares of them, as G maps them. starts, pushes: (ARROWS, 2) samples, and -dL_G/dx there: where G's objective
    pushes each of them. reading, equilibrium: of the loss. losses, scores: of the newest step by player and side; nan for who was not
    asked. divergences, floor: of the samples, and of as many fresh real points.
    loss_steps (T,), loss_course (T, 2): losses of D and of G along the way; divergence_steps (U,), divergence_course (U, 2): KL and JS.
    changes: steps at which settings were changed without beginning anew.
    trouble: why training has stopped; empty where it has not.
    """

    step: int
    moved: str
    frame: float
    real: np.ndarray
    fake: np.ndarray
    landscape: Landscape
    lattice: np.ndarray
    starts: np.ndarray
    pushes: np.ndarray
    reading: str
    equilibrium: str
    losses: dict[str, float]
    scores: dict[str, float]
    divergences: Divergences
    floor: Divergences
    loss_steps: np.ndarray
    loss_course: np.ndarray
    divergence_steps: np.ndarray
    divergence_course: np.ndarray
    changes: tuple[int, ...]
    trouble: str


class Pushed(Cast):
    """Players of which the generator has made its samples already: these very ones."""

    samples: Tensor

    def __call__(self, player: str, *inputs: Tensor | bool | None, inference: bool = False) -> object:
        """What the player makes of the inputs; the generator gives its samples."""
        return self.samples if player == "generator" else super().__call__(player, *inputs, inference=inference)


def pushes(session: Session, z: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Samples of latents z (N, 2), and where the objective of the generator's own turn pushes each: two of (N, 2).

    A push is minus the gradient of the sample's loss with respect to the sample. batch: N real points, for losses that look at some.
    """
    turn = next(turn for turn in session.game.turns if turn.players == ("generator",))
    named = {name: parameters(player) for name, player in session.state.items()}
    cast = Pushed(session.game.actors, named, {name: player.buffers for name, player in session.state.items()})
    made: Tensor = Cast.__call__(cast, "generator", z, None)
    cast.samples = made.detach().requires_grad_()
    draws: Tensors = {**drawn(turn, len(z), session.recipe.seed, 0, 0), "z": z}
    told = turn.objective(cast, batch if turn.reads else None, draws, session.knobs())
    total = torch.stack([terms.sum() for terms in told.terms.values()]).sum()
    (gradient,) = torch.autograd.grad(total, cast.samples)
    return cast.samples.detach(), -gradient


def landscape(session: Session, cast: Cast, real: Tensor, fake: Tensor) -> Landscape:
    """What D says of each place of the frame. real, fake: (N, 2), by which the range of the colours is chosen where it has to be."""
    middles = (torch.arange(CELLS) + 0.5) * (2 * FRAME / CELLS) - FRAME
    up, across = torch.meshgrid(middles, middles, indexing="ij")
    places = torch.stack([across.flatten(), up.flatten()], dim=1)
    scores = asked(session, cast, torch.cat([places, real, fake]))
    if session.game.reading in ("probability", "raw"):
        read = torch.sigmoid(scores) if session.game.reading == "probability" else scores
        return Landscape(tame(read[: len(places)]).reshape(CELLS, CELLS), 0.5, 0.5)
    of_points = scores[len(places) :]
    middle = float((of_points[: len(real)].mean() + of_points[len(real) :].mean()) / 2)
    span = float((of_points - middle).abs().quantile(0.95))
    return Landscape(tame(scores[: len(places)]).reshape(CELLS, CELLS), middle, max(span, _LEAST))


def asked(session: Session, cast: Cast, points: Tensor) -> Tensor:
    """D's logits (N,) of points (N, 2), which are encoded already."""
    opinion = session.game.opinion
    assert opinion is not None  # every game of the lab has a discriminator
    return opinion.ask(cast, points, None, {}, session.knobs()).float()


def lattice(prior: str) -> Tensor:
    """Latents (2 * LINES, ALONG, 2) on lines across the prior, between any two of which lies the same share of it."""
    lines, along = torch.linspace(0, 1, LINES), torch.linspace(0, 1, ALONG)
    places = torch.stack(torch.meshgrid(lines, along, indexing="ij"), dim=-1)
    both = torch.cat([places, places.flip(-1)])
    return both * 2 - 1 if prior == "uniform" else ndtri(_EDGE + (1 - 2 * _EDGE) * both)


def latents(session: Session, count: int) -> Tensor:
    """Latents (count, 2) of the samples that are always shown."""
    prior = session.recipe.latent
    return sample_latents(prior.distribution, prior.size, session.recipe.seed, range(count))


def tame(tensor: Tensor) -> np.ndarray:
    """float32 numbers that a page can draw: none is infinite, or none at all."""
    array: np.ndarray = torch.nan_to_num(tensor.detach(), nan=0.0).clamp(-_FAR, _FAR).float().numpy()
    return array
