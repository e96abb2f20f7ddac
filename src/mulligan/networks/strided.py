"""Convolutional networks that do most of their work on the smallest maps, between dense layers: the best quality per second on a CPU.

Every 4x4 convolution changes the size, as in Radford et al. 2016 (arXiv 1511.06434): transposed ones double the maps of G, strided ones
halve the image in D, until the maps are at most 8 wide; channels double with each halving. Unlike there, nothing is normalised, G has a
dense layer in front of the smallest map and 3x3 convolutions on it, and D a dense layer behind it. A label is embedded and joined to z
in G, and projected in D (Miyato and Koyama 2018, arXiv 1802.05637).
"""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from mulligan.errors import UsageError
from mulligan.networks.judging import Judging, Layer
from mulligan.recipe import Network, Signature

if TYPE_CHECKING:
    from torch import nn

SMALLEST = 8  # pixels, at most, of the smallest map


class Strided(Network):
    """What both roles have in common."""

    name: str = "strided"
    width: int = Field(64, ge=1, le=4096, description="Channels of the smallest maps; half of them at each doubling of the sides.")
    least: int = Field(16, ge=1, le=4096, description="Fewest channels of any map.")
    hidden: int = Field(256, ge=1, le=65536, description="Outputs of the dense layer at the smallest maps.")
    depth: int = Field(1, ge=0, le=16, description="3x3 convolutions on the smallest maps.")
    slope: float = Field(0.2, ge=0, lt=1, description="Slope of leaky ReLU for negative numbers.")

    def _plan(self, signature: Signature) -> tuple[int, list[tuple[int, int]]]:
        """Colours of the image, and (channels, side) of the maps, from the smallest on, without the image itself."""
        if len(signature.sample) != 3 or signature.sample[1] != signature.sample[2]:
            raise UsageError(
                f"network strided makes square images, and a sample is {signature.sample}", "Choose the network mlp for this data"
            )
        colours, side, _ = signature.sample
        sides = [side]
        while sides[-1] > SMALLEST:
            sides.append((sides[-1] + 1) // 2)
        maps = sides[:0:-1] or sides  # a small image is its own smallest map
        return colours, [(max(self.width // 2**place, min(self.least, self.width)), side) for place, side in enumerate(maps)]

    def _activation(self) -> "nn.Module":
        from mulligan.layers.activation import activation

        return activation("leaky-relu", self.slope)

    def _deep(self, channels: int) -> "list[nn.Module]":
        """The 3x3 convolutions on the smallest map, each with its activation."""
        from mulligan.layers.activation import gain
        from mulligan.layers.convolution import convolution

        slope = gain("leaky-relu", self.slope)
        return [module for _ in range(self.depth) for module in (self._layer(convolution(channels, channels, slope)), self._activation())]

    def _layer(self, layer: Layer) -> Layer:
        """A layer with weights, as this role has it."""
        return layer


class Generator(Strided):
    """z - Dense - Dense - small map - 3x3 convolutions - 4x4 transposed convolution for each doubling - output.

    >>> from mulligan.recipe import Signature
    >>> network = Generator().build(Signature(sample=(1, 28, 28), latent=64, scaling="symmetric"))
    >>> sum(p.numel() for p in network.parameters())
    892833
    """

    role: Literal["Generator"] = "Generator"
    embedding: int = Field(16, ge=1, le=4096, description="Numbers in the vector of a label, where there is a condition.")
    output: Literal["auto", "tanh", "sigmoid", "linear"] = Field(
        "auto", description="What bounds the samples; auto follows the scaling: tanh for [-1, 1], sigmoid for [0, 1], linear otherwise."
    )

    def build(self, signature: Signature) -> "nn.Module":
        """The generator, untrained: (z (N, latent), label (N,) or None) -> (N, colours, side, side)."""
        from torch import nn

        from mulligan.layers import convolution
        from mulligan.layers.activation import gain, output
        from mulligan.layers.condition import Embedding
        from mulligan.layers.dense import dense

        colours, maps = self._plan(signature)
        channels, side = small = maps[0]
        embedding = Embedding(signature.classes, self.embedding, deviation=1.0) if signature.classes else None
        inputs = signature.latent + (self.embedding if embedding else 0)
        start = nn.Sequential(dense(inputs, self.hidden, "he"), self._activation(), dense(self.hidden, channels * side**2, "he"))
        body: list[nn.Module] = [self._activation(), *self._deep(channels)]
        for outputs, side in maps[1:]:
            body += [convolution.Double(channels, outputs, side, gain("leaky-relu", self.slope)), self._activation()]
            channels = outputs
        if signature.sample[1] > side:
            body.append(convolution.Double(channels, colours, signature.sample[1], gain=1.0))
        else:
            body.append(convolution.convolution(channels, colours, gain=1.0))
        body += output(self.output, signature.scaling)
        return convolution.Generator(embedding, start, small, nn.Sequential(*body))

    @classmethod
    def tiny(cls) -> Self:
        """Four channels in the smallest map."""
        return cls(width=4, least=2, hidden=6, embedding=3)


class Discriminator(Judging, Strided):
    """4x4 convolution for each halving - 3x3 convolutions - Dense - Dense 1: a logit.

    >>> from mulligan.recipe import Signature
    >>> network = Discriminator().build(Signature(sample=(1, 28, 28), latent=64, scaling="symmetric"))
    >>> sum(p.numel() for p in network.parameters())
    435041
    """

    role: Literal["Discriminator"] = "Discriminator"
    name: str = "strided"
    hidden: int = Field(128, ge=1, le=65536, description="Outputs of the dense layer at the smallest maps.")
    depth: int = Field(0, ge=0, le=16, description="3x3 convolutions on the smallest maps.")

    def build(self, signature: Signature) -> "nn.Module":
        """The discriminator, untrained: (x (N, colours, side, side), label (N,) or None, features=False) -> Critique."""
        from torch import nn

        from mulligan.layers import convolution
        from mulligan.layers.activation import gain
        from mulligan.layers.condition import Embedding
        from mulligan.layers.dense import dense

        channels, maps = self._plan(signature)
        side, slope = signature.sample[1], gain("leaky-relu", self.slope)
        blocks: list[nn.Module] = []
        for outputs, smaller in reversed(maps):
            same = smaller == side
            layer = convolution.convolution(channels, outputs, slope) if same else convolution.halving(channels, outputs, slope)
            padding = [] if same or side % 2 == 0 else [nn.ZeroPad2d((0, 1, 0, 1))]  # so that the side is rounded up, as in G
            blocks.append(nn.Sequential(*padding, self._layer(layer), self._activation()))
            channels, side = outputs, smaller
        behind = [nn.Flatten(), self._layer(dense(channels * side**2, self.hidden, "he")), self._activation()]
        blocks.append(nn.Sequential(*self._deep(channels), *behind))
        beside = self._beside(self.hidden)
        head = self._layer(dense(self.hidden + (beside.count if beside else 0), 1, "glorot"))
        embedding = self._layer(Embedding(signature.classes, self.hidden)) if signature.classes else None
        return convolution.Discriminator(blocks, head, embedding, beside)

    @classmethod
    def tiny(cls) -> Self:
        """Four channels in the smallest map."""
        return cls(width=4, least=2, hidden=6)
