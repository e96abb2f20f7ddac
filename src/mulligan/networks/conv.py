"""Convolutional networks for square images, grey or colour, small enough for a CPU.

In the manner of Radford et al. 2016 (arXiv 1511.06434): G spreads z over a small map and doubles it until it is an image, D halves the
image with strided convolutions. Unlike there, G resamples and then convolves, which leaves no checkerboard (Odena et al. 2016,
Deconvolution and Checkerboard Artifacts), and BatchNorm is a choice. Maps are halved until at most 8 wide; channels double with each
halving. A label is embedded and joined to z in G, and projected in D (Miyato and Koyama 2018, arXiv 1802.05637).
"""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from mulligan.errors import UsageError
from mulligan.networks.judging import Judging, Layer
from mulligan.recipe import Network, Signature

if TYPE_CHECKING:
    from torch import nn


class Convolutional(Network):
    """What both roles have in common."""

    name: str = "conv"
    width: int = Field(8, ge=1, le=1024, description="Channels of the widest maps; they double each time that the maps are halved.")
    largest: int = Field(256, ge=1, le=4096, description="Most channels of any map.")
    slope: float = Field(0.2, ge=0, lt=1, description="Slope of leaky ReLU for negative numbers.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Share of BatchNorm's moving statistics that is kept at each batch.")
    epsilon: float = Field(1e-5, gt=0, description="Added by the normalisation to the variance.")

    def _plan(self, signature: Signature) -> tuple[int, list[tuple[int, int]]]:
        """Colours of the image, and (channels, side) of the maps, from the largest to the smallest."""
        from mulligan.layers.convolution import sides

        if len(signature.sample) != 3 or signature.sample[1] != signature.sample[2]:
            raise UsageError(
                f"network conv makes square images, and a sample is {signature.sample}", "Choose the network mlp for this data"
            )
        colours, side, _ = signature.sample
        return colours, [(min(self.width * 2**i, self.largest), side) for i, side in enumerate(sides(side))]

    def _block(self, inputs: int, outputs: int, *, stride: int = 1, normalised: bool = True) -> "list[nn.Module]":
        from mulligan.layers.activation import activation, gain
        from mulligan.layers.convolution import convolution

        norm = self._norm(outputs) if normalised else []
        layer = self._layer(convolution(inputs, outputs, gain("leaky-relu", self.slope), stride, bias=not norm))
        return [layer, *norm, activation("leaky-relu", self.slope)]

    def _layer(self, layer: Layer) -> Layer:
        """A layer with weights, as this role has it."""
        return layer

    def _norm(self, channels: int) -> "list[nn.Module]":
        """What stands between a convolution and its activation."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it normalises")


class Generator(Convolutional):
    """z - Dense - small map - (upsampling - convolution) for each doubling - convolution - output.

    >>> from mulligan.recipe import Signature
    >>> network = Generator().build(Signature(sample=(1, 28, 28), latent=100, scaling="symmetric"))
    >>> sum(p.numel() for p in network.parameters())
    164225
    """

    role: Literal["Generator"] = "Generator"
    normalisation: Literal["none", "batch", "virtual"] = Field(
        "none", description="Normalisation between convolution and activation; virtual: by a reference batch that stays the same."
    )
    reference: int = Field(64, ge=2, le=65536, description="Latents in the reference batch of virtual normalisation.")
    resampling: Literal["bilinear", "nearest"] = Field("bilinear", description="How maps are doubled.")
    embedding: int = Field(32, ge=1, le=4096, description="Numbers in the vector of a label, where there is a condition.")
    output: Literal["auto", "tanh", "sigmoid", "linear"] = Field(
        "auto", description="What bounds the samples; auto follows the scaling: tanh for [-1, 1], sigmoid for [0, 1], linear otherwise."
    )

    def build(self, signature: Signature) -> "nn.Module":
        """The generator, untrained: (z (N, latent), label (N,) or None) -> (N, colours, side, side)."""
        from torch import nn

        from mulligan.layers import convolution
        from mulligan.layers.activation import activation, output
        from mulligan.layers.condition import Embedding
        from mulligan.layers.dense import dense
        from mulligan.layers.virtual import Reference

        colours, maps = self._plan(signature)
        channels, side = small = maps[-1]
        embedding = Embedding(signature.classes, self.embedding) if signature.classes else None
        inputs = signature.latent + (self.embedding if embedding else 0)
        body: list[nn.Module] = [*self._norm(channels), activation("leaky-relu", self.slope)]
        for outputs, side in reversed(maps[:-1]):
            body.append(convolution.Upsample(side, self.resampling))
            body.extend(self._block(channels, outputs))
            channels = outputs
        body.extend([convolution.convolution(channels, colours, gain=1.0), *output(self.output, signature.scaling)])
        virtual = self.normalisation == "virtual"
        start = dense(inputs, small[0] * small[1] ** 2, "he")
        reference = Reference(self.reference, signature.latent, signature.classes, signature.distribution) if virtual else None
        return convolution.Generator(embedding, start, small, nn.Sequential(*body), reference)

    def _norm(self, channels: int) -> "list[nn.Module]":
        from mulligan.layers.normalisation import BatchNorm
        from mulligan.layers.virtual import VirtualBatchNorm

        if self.normalisation == "virtual":
            return [VirtualBatchNorm(channels, self.reference, self.epsilon)]
        return [BatchNorm(channels, self.momentum, self.epsilon)] if self.normalisation == "batch" else []

    @classmethod
    def tiny(cls) -> Self:
        """Two channels in the widest maps."""
        return cls(width=2, largest=4, embedding=3)


class Discriminator(Judging, Convolutional):
    """Convolution - (strided convolution) for each halving - Dense 1: a logit.

    >>> from mulligan.recipe import Signature
    >>> network = Discriminator().build(Signature(sample=(1, 28, 28), latent=100, scaling="symmetric"))
    >>> sum(p.numel() for p in network.parameters())
    26433
    """

    role: Literal["Discriminator"] = "Discriminator"
    name: str = "conv"
    normalisation: Literal["none", "batch"] = Field("none", description="Normalisation between convolution and activation.")
    width: int = Field(16, ge=1, le=1024, description="Channels of the widest maps; they double each time that the maps are halved.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of each halved map's numbers that is dropped in training.")

    def build(self, signature: Signature) -> "nn.Module":
        """The discriminator, untrained: (x (N, colours, side, side), label (N,) or None, features=False) -> Critique."""
        from torch import nn

        from mulligan.layers import convolution
        from mulligan.layers.condition import Embedding
        from mulligan.layers.dense import dense
        from mulligan.layers.dropout import Dropout

        colours, maps = self._plan(signature)
        channels = maps[0][0]
        # the first block is not normalised: it would hide brightness and contrast of the image from D (Radford et al., section 3)
        blocks: list[nn.Module] = [nn.Sequential(*self._block(colours, channels, normalised=False))]
        for outputs, _ in maps[1:]:
            block = self._block(channels, outputs, stride=2)
            if self.dropout:
                block.append(Dropout(self.dropout))
            blocks.append(nn.Sequential(*block))
            channels = outputs
        features = channels * maps[-1][1] ** 2
        beside = self._beside(features)
        head = self._layer(dense(features + (beside.count if beside else 0), 1, "glorot"))
        embedding = self._layer(Embedding(signature.classes, channels)) if signature.classes else None
        return convolution.Discriminator(blocks, head, embedding, beside)

    def _norm(self, channels: int) -> "list[nn.Module]":
        from mulligan.layers.normalisation import BatchNorm

        return [BatchNorm(channels, self.momentum, self.epsilon)] if self.normalisation == "batch" else []

    @classmethod
    def tiny(cls) -> Self:
        """Two channels in the widest maps."""
        return cls(width=2, largest=4)
