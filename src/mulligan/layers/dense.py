"""Fully connected layers, and the players that are made of nothing else."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from mulligan.layers.condition import join
from mulligan.layers.critique import Critique, reduce_logits
from mulligan.layers.minibatch import Beside
from mulligan.layers.virtual import Reference

Initialisation = Literal["normal", "glorot", "he"]


def dense(inputs: int, outputs: int, initialisation: Initialisation) -> nn.Linear:
    """A fully connected layer with zero biases.

    initialisation: of the weights. normal: standard deviation 0.02 (Radford et al. 2016, arXiv 1511.06434). glorot: uniform up to
    sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010, equation 16). he: uniform up to sqrt(6 / inputs) (He et al. 2015,
    arXiv 1502.01852, equation 10, as a uniform distribution of that variance).

    >>> dense(784, 128, "glorot").weight.abs().max().item() <= (6 / (784 + 128)) ** 0.5
    True
    """
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.bias.zero_()
        if initialisation == "normal":
            layer.weight.normal_(0.0, 0.02)
        else:
            bound = math.sqrt(6 / (inputs + outputs) if initialisation == "glorot" else 6 / inputs)
            layer.weight.uniform_(-bound, bound)
    return layer


class Generator(nn.Module):
    """z, with the one-hot label behind it, through fully connected layers to a sample.

    body: from (N, latent + classes) to (N, numbers in a sample).
    shape: of one sample.
    reference: what goes through the body in front of the samples, where it normalises by that; None elsewhere.
    """

    def __init__(self, body: nn.Module, shape: tuple[int, ...], classes: int, reference: Reference | None = None) -> None:
        super().__init__()
        self.reference = reference
        self.body = body
        self.shape = shape
        self.classes = classes

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Samples (N, *shape) of latents z (N, latent) and labels (N,)."""
        if self.reference is not None:
            z, label = self.reference(z, label)
        samples: Tensor = self.body(join(z, label, self.classes))
        if self.reference is not None:
            samples = samples[self.reference.count :]
        return samples.view(-1, *self.shape)


class Discriminator(nn.Module):
    """A flattened sample, with the one-hot label behind it, through fully connected layers to one logit.

    blocks: from (N, numbers in a sample + classes) on, one after the other.
    head: from what the last block gives, or from what `beside` makes of it, to (N, 1).
    beside: joins what is to be seen of the samples beside a sample; None for nothing.
    waves: what stands before the first block, if anything (`layers/waves.py`).
    """

    def __init__(
        self,
        blocks: list[nn.Module],
        head: nn.Module,
        classes: int,
        beside: Beside | None = None,
        waves: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.waves = waves
        self.blocks = nn.ModuleList(blocks)
        self.beside = beside
        self.head = head
        self.classes = classes

    def forward(self, x: Tensor, label: Tensor | None = None, features: bool = False) -> Critique:
        """The critique of samples x (N, ...): logits (N,), and what each block gave where features are wanted."""
        rows = x.flatten(1)
        h = join(rows if self.waves is None else self.waves(rows), label, self.classes)
        seen = []
        for block in self.blocks:
            h = block(h)
            seen.append(h)
        told = h if self.beside is None else self.beside(h)
        return Critique(reduce_logits(self.head(told)), tuple(seen) if features else ())


class Encoder(nn.Module):
    """A flattened sample through fully connected layers to its code.

    body: from (N, numbers in a sample) to (N, latent).
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Codes (N, latent) of samples x (N, ...)."""
        codes: Tensor = self.body(x.flatten(1))
        return codes
