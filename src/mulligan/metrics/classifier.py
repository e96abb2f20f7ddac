"""A small classifier that is the same for everybody, so that only the samples it learns from differ.

Three strided convolutions and one linear layer for images (about 34,000 weights at 28 x 28), two hidden layers for points. It takes a
fixed number of updates, not of epochs: a hundred samples and ten thousand get the same work.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi, prod, sqrt
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, affine_grid, conv2d, cross_entropy, grid_sample, relu

from mulligan.randomness import torch_generator

STEPS = 600  # updates: of 8,000 digits, 600 to 1,200 give the same accuracy within the noise of 2,000 test samples (dev/LOG.md)
BATCH = 64  # samples of an update: the smallest at which a pass on one core costs more than calling its operations
RATE = 3e-3  # of Adam at the beginning, down to zero along half a cosine, so that the last weights need no averaging
CHANNELS = (16, 32, 64)  # after each convolution
SIDE = 4  # of the last maps; larger images are averaged down to it, so that the linear layer stays small
HIDDEN = 128  # units of each hidden layer for points
SHIFT = 2.0  # pixels, at most, as digits are shifted since LeCun et al. 1998
TURN = 10.0  # degrees, at most
ZOOM = 0.1  # share, at most, larger or smaller
_BLOCK = 500  # samples that are classified at once

Weights = tuple[Tensor, ...]


class Part(NamedTuple):
    """Samples to learn from: uint8 (N, C, H, W) or float32 (N, D), with labels int64 (N,)."""

    samples: Tensor
    labels: Tensor


class Classifier:
    """How samples of one shape are told apart; it holds no weights.

    real: real training samples, uint8 (N, C, H, W) or float32 (N, D): points are standardised by them, whatever is learnt from.
    classes: how many there are. steps: updates. flips: whether augmentation may mirror an image; digits may not be mirrored.

    >>> points = torch.cat([torch.zeros(50, 2), torch.ones(50, 2)])
    >>> labels = torch.arange(2).repeat_interleave(50)
    >>> classifier = Classifier(points, classes=2, steps=20)
    >>> weights = classifier.fit([Part(points, labels)], seed=0)
    >>> bool((classifier.classify(weights, points) == labels).all())
    True
    """

    def __init__(self, real: Tensor, classes: int, steps: int = STEPS, flips: bool = False) -> None:
        self.shape = tuple(real.shape[1:])
        self.classes, self.steps, self.flips = classes, steps, flips
        self.images = len(self.shape) == 3
        self.centre, self.scale = (torch.tensor(127.5), torch.tensor(127.5)) if self.images else _moments(real)

    @property
    def parameters(self) -> int:
        """Weights that are trained."""
        return sum(prod(shape) for shape in self._shapes())

    def fit(self, parts: Sequence[Part], seed: int, augmented: bool = False) -> Weights:
        """Weights after the fixed number of updates; of several parts, each gives an equal share of every batch.

        The same seed gives the same first weights and the same order, so that trainings of one seed differ by their samples alone.
        augmented: each image is shifted, turned and scaled a little, anew in every batch.
        """
        weights = tuple(weight.requires_grad_() for weight in self._first(seed))
        optimiser = torch.optim.Adam(weights, lr=RATE, fused=True)
        share = BATCH // len(parts)
        orders = [_order(len(part.labels), share * self.steps, seed, place) for place, part in enumerate(parts)]
        for step in range(self.steps):
            rows = [order[step * share : (step + 1) * share] for order in orders]
            inputs = torch.cat([self._encode(part.samples[row]) for part, row in zip(parts, rows, strict=True)])
            if augmented:
                inputs = self._augment(inputs, torch_generator(seed, "classifier/augment", step))
            labels = torch.cat([part.labels[row] for part, row in zip(parts, rows, strict=True)])
            optimiser.param_groups[0]["lr"] = RATE * (1 + cos(pi * step / self.steps)) / 2
            optimiser.zero_grad()
            cross_entropy(self._logits(weights, inputs), labels).backward()  # type: ignore[no-untyped-call]  # of torch
            optimiser.step()
        return tuple(weight.detach() for weight in weights)

    def classify(self, weights: Weights, samples: Tensor) -> Tensor:
        """The likeliest class of each sample: int64 (N,)."""
        with torch.inference_mode():
            parts = [self._logits(weights, self._encode(block)).argmax(1) for block in torch.split(samples, _BLOCK)]
        return torch.cat(parts).clone()

    def _encode(self, samples: Tensor) -> Tensor:
        return (samples.float() - self.centre) / self.scale

    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of all weights, each followed by its bias."""
        if not self.images:
            sizes = (*self.shape, HIDDEN, HIDDEN, self.classes)
            return tuple(shape for first, second in pairwise(sizes) for shape in ((first, second), (second,)))
        channels, height, width = self.shape
        first, second, third = CHANNELS
        last = third * prod(min(-(-side // 8), SIDE) for side in (height, width))
        kernels = ((first, channels, 5, 5), (second, first, 3, 3), (third, second, 3, 3))
        return (*(shape for kernel in kernels for shape in (kernel, kernel[:1])), (last, self.classes), (self.classes,))

    def _first(self, seed: int) -> list[Tensor]:
        """First weights that keep the scale of what passes (He et al. 2015, arXiv 1502.01852, equation 10); biases are zero."""
        generator = torch_generator(seed, "classifier/weights")
        weights = []
        for shape in self._shapes():
            fan_in = prod(shape[1:]) if len(shape) == 4 else shape[0]
            weights.append(torch.zeros(shape) if len(shape) == 1 else torch.randn(shape, generator=generator) * sqrt(2 / fan_in))
        return weights

    def _logits(self, weights: Weights, inputs: Tensor) -> Tensor:
        hidden = inputs
        if self.images:
            for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                hidden = relu(conv2d(hidden, kernel, bias, stride=2, padding=kernel.shape[-1] // 2))
            if max(hidden.shape[2:]) > SIDE:  # where it would change nothing, it is still a third of the time
                height, width = (min(side, SIDE) for side in hidden.shape[2:])
                hidden = adaptive_avg_pool2d(hidden, (height, width))
            hidden = hidden.flatten(1)
        else:
            for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
                hidden = relu(hidden @ weight + bias)
        return hidden @ weights[-2] + weights[-1]

    def _augment(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Images (N, C, H, W), each shifted, turned and scaled by chance; what comes in from outside repeats the edge."""
        count, _, height, width = inputs.shape
        drawn = torch.rand(5, count, generator=generator) * 2 - 1
        angle, zoom = drawn[0] * TURN * pi / 180, 1 + drawn[1] * ZOOM
        mirrored = torch.where(drawn[4] < 0, -1.0, 1.0) if self.flips else torch.ones(count)
        across, down = drawn[2] * 2 * SHIFT / width, drawn[3] * 2 * SHIFT / height  # the whole side is 2 in these coordinates
        first = torch.stack([mirrored * zoom * angle.cos(), -mirrored * zoom * angle.sin(), across], 1)
        second = torch.stack([zoom * angle.sin(), zoom * angle.cos(), down], 1)
        grid = affine_grid(torch.stack([first, second], 1), list(inputs.shape), align_corners=False)
        return grid_sample(inputs, grid, padding_mode="border", align_corners=False)


def _moments(points: Tensor) -> tuple[Tensor, Tensor]:
    deviation = points.float().std(0, correction=0)
    return points.float().mean(0), torch.where(deviation > 0, deviation, 1.0)


def _order(count: int, total: int, seed: int, place: int) -> Tensor:
    """Rows of a part for all batches, (total,): one permutation after the other."""
    passes = -(-total // count)
    return torch.cat([torch.randperm(count, generator=torch_generator(seed, f"classifier/order/{place}", turn)) for turn in range(passes)])
