"""Fully connected networks, as in Goodfellow et al. 2014 (arXiv 1406.2661), section 5.

Every hidden layer is Dense - activation - BatchNorm - Dropout, the last two where they are set. BatchNorm stands behind the activation,
as the dense GANs that are published with it have it. A condition is a one-hot label joined to the input (Mirza and Osindero 2014,
arXiv 1411.1784, section 3.2).
"""

from math import prod
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, field_validator

from mulligan.errors import UsageError
from mulligan.networks.judging import Judging, Layer
from mulligan.recipe import Network, Signature

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(ge=1, le=65536)]


class Multilayer(Network):
    """What the hidden layers of all roles have in common."""

    name: str = "mlp"
    widths: tuple[Width, ...] = Field((256, 512), max_length=64, description="Outputs of each hidden layer, from the input on.")
    activation: Literal["relu", "leaky-relu"] = Field("leaky-relu", description="Activation of the hidden layers.")
    slope: float = Field(0.2, ge=0, lt=1, description="Slope of leaky-relu for negative numbers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of each hidden layer's outputs that is dropped in training.")
    initialisation: Literal["normal", "glorot", "he"] = Field(
        "glorot",
        description="First weights: normal (standard deviation 0.02), glorot (uniform), or he (uniform; the last layer glorot, as it has "
        "no activation to make up for). Biases are 0.",
    )

    def _blocks(self, inputs: int) -> "tuple[list[nn.Module], int]":
        """The hidden layers, and how many numbers the last one gives."""
        from torch import nn

        from mulligan.layers.activation import activation
        from mulligan.layers.dense import dense
        from mulligan.layers.dropout import Dropout

        blocks: list[nn.Module] = []
        for width in self.widths:
            layer = self._layer(dense(inputs, width, self.initialisation))
            block: list[nn.Module] = [layer, activation(self.activation, self.slope), *self._norm(width)]
            if self.dropout:
                block.append(Dropout(self.dropout))
            blocks.append(nn.Sequential(*block))
            inputs = width
        return blocks, inputs

    def _layer(self, layer: Layer) -> Layer:
        """A layer with weights, as this role has it."""
        return layer

    def _norm(self, width: int) -> "list[nn.Module]":
        """What stands behind an activation: nothing, unless the role normalises."""
        return []

    def _last(self, inputs: int, outputs: int) -> "nn.Module":
        from mulligan.layers.dense import dense

        return dense(inputs, outputs, "glorot" if self.initialisation == "he" else self.initialisation)


class Generator(Multilayer):
    """z - hidden layers - Dense - output - sample.

    >>> from mulligan.recipe import Signature
    >>> network = Generator(widths=(256, 512)).build(Signature(sample=(1, 28, 28), latent=100, scaling="symmetric"))
    >>> sum(p.numel() for p in network.parameters())
    559632
    """

    role: Literal["Generator"] = "Generator"
    normalisation: Literal["none", "batch", "virtual"] = Field(
        "none", description="Normalisation behind the activation of each hidden layer; virtual: by a reference batch that stays the same."
    )
    momentum: float = Field(0.99, ge=0, lt=1, description="Share of BatchNorm's moving statistics that is kept at each batch.")
    epsilon: float = Field(1e-3, gt=0, description="Added by the normalisation to the variance.")
    reference: int = Field(64, ge=2, le=65536, description="Latents in the reference batch of virtual normalisation.")
    output: Literal["auto", "tanh", "sigmoid", "linear"] = Field(
        "auto", description="What bounds the samples; auto follows the scaling: tanh for [-1, 1], sigmoid for [0, 1], linear otherwise."
    )

    components: int = Field(
        0,
        ge=0,
        le=65536,
        description="Components of a learnt mixture that normal latents are turned into, the first number of each choosing; 0 for none.",
    )

    def build(self, signature: Signature) -> "nn.Module":
        """The generator, untrained: (z (N, latent), label (N,) or None) -> (N, *sample). Raises UsageError for a latent too small."""
        from torch import nn

        from mulligan.layers import dense
        from mulligan.layers.activation import output
        from mulligan.layers.mixture import Mixture
        from mulligan.layers.virtual import Reference

        if self.components and signature.latent < 2:
            raise UsageError("a mixture of latents needs a number to choose by and another to vary", "Set latent.size to 2 or more")
        first = [Mixture(signature.latent, self.components)] if self.components else []
        blocks, width = self._blocks(signature.latent - len(first) + signature.classes)
        last = self._last(width, prod(signature.sample))
        body = nn.Sequential(*first, *blocks, last, *output(self.output, signature.scaling))
        virtual = self.normalisation == "virtual"
        reference = Reference(self.reference, signature.latent, signature.classes, signature.distribution) if virtual else None
        return dense.Generator(body, signature.sample, signature.classes, reference)

    def _norm(self, width: int) -> "list[nn.Module]":
        from mulligan.layers.normalisation import BatchNorm
        from mulligan.layers.virtual import VirtualBatchNorm

        if self.normalisation == "virtual":
            return [VirtualBatchNorm(width, self.reference, self.epsilon)]
        return [BatchNorm(width, self.momentum, self.epsilon)] if self.normalisation == "batch" else []

    @classmethod
    def tiny(cls) -> Self:
        """One hidden layer of 8."""
        return cls(widths=(8,))


class Discriminator(Judging, Multilayer):
    """Sample - hidden layers - Dense 1: a logit. The sigmoid that published networks end in is part of the loss.

    >>> from mulligan.recipe import Signature
    >>> network = Discriminator(widths=(100, 50)).build(Signature(sample=(1, 28, 28), latent=100, scaling="unit"))
    >>> sum(p.numel() for p in network.parameters())
    83601
    """

    role: Literal["Discriminator"] = "Discriminator"
    name: str = "mlp"
    widths: tuple[Width, ...] = Field((512, 256), max_length=64, description="Outputs of each hidden layer, from the input on.")
    waves: int = Field(0, ge=0, le=4096, description="Sines and cosines of the sample that stand beside it as inputs; 0 for none.")
    frequencies: tuple[float, float] = Field((1.0, 60.0), description="Of the slowest and the fastest wave, in radians for each unit.")

    def build(self, signature: Signature) -> "nn.Module":
        """The discriminator, untrained: (x (N, *sample), label (N,) or None, features=False) -> Critique."""
        from mulligan.layers import dense
        from mulligan.layers.waves import Waves

        inputs = prod(signature.sample)
        blocks, width = self._blocks(inputs + 2 * self.waves + signature.classes)
        beside = self._beside(width)
        head = self._layer(self._last(width + (beside.count if beside else 0), 1))
        waves = Waves(inputs, self.waves, *self.frequencies) if self.waves else None
        return dense.Discriminator(blocks, head, signature.classes, beside, waves)

    @field_validator("frequencies")
    @classmethod
    def _rise(cls, frequencies: tuple[float, float]) -> tuple[float, float]:
        if not 0 < frequencies[0] <= frequencies[1]:
            raise ValueError("expected two positive frequencies, the lower one first")
        return frequencies

    @classmethod
    def tiny(cls) -> Self:
        """One hidden layer of 8."""
        return cls(widths=(8,))


class Encoder(Multilayer):
    """Sample - hidden layers - Dense: its code, as long as a latent."""

    role: Literal["Encoder"] = "Encoder"
    widths: tuple[Width, ...] = Field((256,), max_length=64, description="Outputs of each hidden layer, from the input on.")

    def build(self, signature: Signature) -> "nn.Module":
        """The encoder, untrained: x (N, *sample) -> codes (N, latent)."""
        from torch import nn

        from mulligan.layers import dense

        blocks, width = self._blocks(prod(signature.sample))
        return dense.Encoder(nn.Sequential(*blocks, self._last(width, signature.latent)))

    @classmethod
    def tiny(cls) -> Self:
        """One hidden layer of 8."""
        return cls(widths=(8,))
