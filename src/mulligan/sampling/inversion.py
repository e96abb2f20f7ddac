"""Inversion: the latent whose sample is nearest to a given one (Zhu et al. 2016, arXiv 1609.03552, section 3.2, by gradients alone).

Some hundred latents are drawn, those whose samples are nearest are kept, and gradients lead them nearer. Where the model has classes,
the drawn ones are of all of them, so that the class is found too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mulligan.errors import UsageError
from mulligan.randomness import sample_latents
from mulligan.sampling.asked import find_label
from mulligan.sampling.model import Model
from mulligan.sampling.sampler import Sampler

CANDIDATES = 512  # latents that are drawn
STARTS = 8  # of them, the nearest, that are led nearer
STEPS = 300
RATE = 0.05
MOST = 100  # samples in one call
PULL = 1e-3  # how much a normal latent that is longer or shorter than such latents are costs, beside the mean square of differences


@dataclass(frozen=True)
class Inverted:
    """Latents of given samples.

    latents: (N, D), as they are drawn from the prior. labels: int64 (N,), or None without classes. samples: decoded, what the model makes
    of them. errors: (N,), root of the mean square of the differences to what was given, in the units of decoded samples (pixels: of 255).
    before: (N,), the same of the nearest of the latents that were drawn, before gradients.
    """

    latents: Tensor
    labels: np.ndarray | None
    samples: np.ndarray
    errors: np.ndarray
    before: np.ndarray


def invert(
    model: Sampler,
    raw: np.ndarray,
    label: int | str | None = None,
    steps: int = STEPS,
    seed: int = 0,
    tick: Callable[[float], object] = lambda share: None,
) -> Inverted:
    """The nearest latents of raw samples, uint8 (N, C, H, W) or float32 (N, D).

    label: the class of all, by number or name; the best one if absent. steps: of gradients. seed: of the latents that are drawn.
    tick: is told the share that is done, at each step; what it raises ends the work.
    Raises UsageError for a model without gradients (ONNX), for too many samples, and for what is no sample of this model.
    """
    if not isinstance(model, Model):
        raise UsageError("a model in an ONNX file has no gradients to follow", "Give the run or the model folder")
    if raw.shape[1:] != model.description.signature.sample:
        raise UsageError(f"samples of shape {raw.shape[1:]}: expected {model.description.signature.sample}")
    if not 1 <= len(raw) <= MOST:
        raise UsageError(f"{len(raw)} samples: expected 1 to {MOST}")
    if steps < 0:
        raise UsageError(f"steps={steps}: expected 0 or more")
    number = None if label is None else find_label(label, model.classes)
    found = []
    for place, sample in enumerate(raw):
        tick_here = partial(_tick_part, tick, place, len(raw))
        found.append(_one(model, torch.from_numpy(sample[None].copy()), number, steps, seed, tick_here))
    latents, labels, starts = (torch.cat(parts) for parts in zip(*found, strict=True))
    target = model.kind.to_arrays(raw)

    def made(z: Tensor) -> np.ndarray:
        return model.generate(z, labels.tolist() if model.classes else None)

    samples = made(latents)
    return Inverted(latents, labels.numpy() if model.classes else None, samples, _errors(samples, target), _errors(made(starts), target))


def _tick_part(tick: Callable[[float], object], place: int, count: int, share: float) -> None:
    tick((place + share) / count)


def _errors(samples: np.ndarray, target: np.ndarray) -> np.ndarray:
    differences = (samples.astype(np.float64) - target.astype(np.float64)).reshape(len(samples), -1)
    errors: np.ndarray = np.sqrt((differences**2).mean(1))
    return errors


def _one(
    model: Model, raw: Tensor, label: int | None, steps: int, seed: int, tick: Callable[[float], object]
) -> tuple[Tensor, Tensor, Tensor]:
    """Of a raw sample: the nearest latent (1, D), its class (1,), and the nearest of the latents that were drawn (1, D) of that class."""
    latent, target = model.description.latent, model.kind.encode(raw)
    drawn = sample_latents(latent.distribution, latent.size, seed, range(CANDIDATES))
    labels = torch.arange(CANDIDATES) % max(len(model.classes), 1) if label is None else torch.full((CANDIDATES,), label)
    with torch.no_grad():
        order = _distances(model.encoded(drawn, labels), target).argsort()[:STARTS]
    start, labels = drawn[order], labels[order]
    z = start.clone().requires_grad_()
    adam = torch.optim.Adam([z], lr=RATE)
    nearest, least = start.clone(), torch.full((len(start),), torch.inf)
    for step in range(steps + 1):
        tick(step / (steps + 1))
        distances = _distances(model.encoded(z, labels), target)
        nearer = distances.detach() < least
        nearest[nearer], least = z.detach()[nearer], torch.minimum(distances.detach(), least)
        length = (z.square().mean(1) - 1) ** 2 if latent.distribution == "normal" else torch.zeros(())
        (z.grad,) = torch.autograd.grad((distances + PULL * length).sum(), z)
        adam.step()
        if latent.distribution == "uniform":
            z.data.clamp_(-1, 1)
    best = least.argmin().view(1)
    return nearest[best], labels[best], start[best]


def _distances(samples: Tensor, target: Tensor) -> Tensor:
    """Mean square of the differences of each sample to one."""
    return (samples - target).square().flatten(1).mean(1)
