"""Convolutions, resampling, and the players that are made of them."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn import init

from mulligan.layers.condition import Embedding, refuse
from mulligan.layers.critique import Critique, reduce_logits
from mulligan.layers.minibatch import Beside
from mulligan.layers.virtual import Reference

Resampling = Literal["bilinear", "nearest"]

FEW = 4  # outputs of a transposed convolution that is computed as another one


def sides(side: int, smallest: int = 8) -> list[int]:
    """Sides of the maps from the image on, halved (rounded up) until at most `smallest`.

    >>> sides(28), sides(64), sides(33)
    ([28, 14, 7], [64, 32, 16, 8], [33, 17, 9, 5])
    """
    found = [side]
    while found[-1] > smallest:
        found.append((found[-1] + 1) // 2)
    return found


def convolution(inputs: int, outputs: int, gain: float, stride: int = 1, *, bias: bool = True) -> nn.Conv2d:
    """A 3x3 convolution whose map is 1/stride as wide (rounded up), with zero biases.

    bias: False in front of a BatchNorm, which takes the mean away and has a bias of its own.
    gain: what makes up for the activation behind it (`mulligan.layers.activation.gain`); 1 where there is none. The weights are normal
    with deviation gain / sqrt(9 * inputs) (He et al. 2015, arXiv 1502.01852, equation 10).
    """
    layer = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=bias)
    init.normal_(layer.weight, 0.0, gain / (9 * inputs) ** 0.5)
    if layer.bias is not None:
        init.zeros_(layer.bias)
    return layer


def channels_last(maps: Tensor) -> Tensor:
    """The same maps (N, C, h, w), the channels of each pixel side by side in memory: convolutions are fastest on that.

    `Tensor.contiguous(memory_format=torch.channels_last)`, in words that `torch.vmap` takes.
    """
    return maps.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def halving(inputs: int, outputs: int, gain: float) -> nn.Conv2d:
    """A 4x4 convolution whose map is half as wide (rounded down), with zero biases; gain as in `convolution`."""
    layer = nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1)
    init.normal_(layer.weight, 0.0, gain / (16 * inputs) ** 0.5)
    if layer.bias is not None:
        init.zeros_(layer.bias)
    return layer


class Double(nn.Module):
    """A 4x4 transposed convolution: maps (N, inputs, h, w) twice as wide and high, cut to (N, outputs, side, side).

    With few outputs it is computed as a 3x3 convolution with four times as many, which then are the four pixels of a square: a processor
    does that several times as fast (dev/LOG.md).

    gain: as in `convolution`; each number that comes out is a sum over 4 * inputs numbers.

    >>> Double(2, 3, side=7, gain=1.0)(torch.zeros(1, 2, 4, 4)).shape
    torch.Size([1, 3, 7, 7])
    """

    def __init__(self, inputs: int, outputs: int, side: int, gain: float) -> None:
        super().__init__()
        self.side = side
        self.layer = nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1)
        init.normal_(self.layer.weight, 0.0, gain / (4 * inputs) ** 0.5)
        if self.layer.bias is not None:
            init.zeros_(self.layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """The larger maps."""
        doubled = _in_squares(x, self.layer) if self.layer.out_channels <= FEW else self.layer(x)
        return doubled if doubled.shape[-1] == self.side else doubled[:, :, : self.side, : self.side]


def _in_squares(x: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """What the transposed 4x4 convolution gives, computed square by square of 2x2 pixels."""
    kernel = _of_squares(_of_squares(layer.weight, 2), 4)  # (inputs, outputs, 2, 3, 2, 3): for each pixel of a square its 3x3 kernel
    kernel = kernel.permute(1, 2, 4, 0, 3, 5).flatten(0, 2)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(4)
    return F.pixel_shuffle(F.conv2d(x, kernel, bias, padding=1), 2)


def _of_squares(weight: Tensor, dim: int) -> Tensor:
    """The four numbers of a kernel along a dimension as two rows of three.

    The first pixel of a square sees the map's pixel before and its own one, the second its own one and that behind; the rest is zero.
    """
    before, first, second, behind = (weight.narrow(dim, place, 1) for place in (3, 1, 2, 0))
    zero = torch.zeros_like(first)
    return torch.stack([torch.cat([before, first, zero], dim), torch.cat([zero, second, behind], dim)], dim)


class Upsample(nn.Module):
    """Maps (N, C, h, w) made twice as wide and high, and cut to (N, C, side, side).

    bilinear: each new number is 3/4 of the nearest old one and 1/4 of the next, as in `torch.nn.functional.interpolate` with
    align_corners=False. Written with slices, whose gradients are the same sums on every device and at every run.

    >>> Upsample(4, "nearest")(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))[0, 0, 0]
    tensor([1., 1., 2., 2.])
    """

    def __init__(self, side: int, resampling: Resampling) -> None:
        super().__init__()
        self.side = side
        self.resampling = resampling

    def forward(self, x: Tensor) -> Tensor:
        """The larger maps."""
        double = _double_bilinear if self.resampling == "bilinear" else _double_nearest
        return double(double(x, 2), 3)[:, :, : self.side, : self.side]

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.side}, {self.resampling}"


def _double_bilinear(x: Tensor, dim: int) -> Tensor:
    length = x.shape[dim]
    before = torch.cat([x.narrow(dim, 0, 1), x.narrow(dim, 0, length - 1)], dim)
    behind = torch.cat([x.narrow(dim, 1, length - 1), x.narrow(dim, length - 1, 1)], dim)
    near = 0.75 * x
    return torch.stack([near + 0.25 * before, near + 0.25 * behind], dim + 1).flatten(dim, dim + 1)


def _double_nearest(x: Tensor, dim: int) -> Tensor:
    return torch.stack([x, x], dim + 1).flatten(dim, dim + 1)


class Generator(nn.Module):
    """z, with the vector of the label behind it, through a fully connected layer to a small map, and through `body` to the image.

    embedding: of the label; None where there is no condition.
    start: from (N, latent + size of the embedding) to (N, channels * side * side).
    small: (channels, side) of the small map.
    body: from (N, channels, side, side) to (N, colours, height, width).
    reference: what goes through it all in front of the samples, where it normalises by that; None elsewhere.
    """

    def __init__(
        self, embedding: Embedding | None, start: nn.Module, small: tuple[int, int], body: nn.Module, reference: Reference | None = None
    ) -> None:
        super().__init__()
        self.reference = reference
        self.embedding = embedding
        self.start = start
        self.small = small
        self.body = body

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Samples (N, colours, height, width) of latents z (N, latent) and labels (N,)."""
        if self.reference is not None:
            z, label = self.reference(z, label)
        if self.embedding is None:
            refuse(label)
        else:
            z = torch.cat([z, self.embedding(label, z)], dim=1)
        channels, side = self.small
        samples: Tensor = self.body(channels_last(self.start(z).view(-1, channels, side, side)))
        return samples if self.reference is None else samples[self.reference.count :]


class Discriminator(nn.Module):
    """An image through convolutions to a small map, and from that to one logit.

    A label is projected: the product of its vector with what the last block gives (the mean of a map) is added to the logit (Miyato and
    Koyama 2018, arXiv 1802.05637, figure 1d).

    blocks: from (N, colours, height, width) on, one after the other; the last gives a map, or (N, C).
    head: from what the last block gives, flattened, or from what `beside` makes of it, to (N, 1).
    embedding: of the label, as long as the last block has channels; None where there is no condition.
    beside: joins what is to be seen of the samples beside a sample; None for nothing.
    """

    def __init__(self, blocks: list[nn.Module], head: nn.Module, embedding: Embedding | None, beside: Beside | None = None) -> None:
        super().__init__()
        self.beside = beside
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.embedding = embedding

    def forward(self, x: Tensor, label: Tensor | None = None, features: bool = False) -> Critique:
        """The critique of samples x (N, colours, height, width): logits (N,), and what each block gave where features are wanted."""
        h = channels_last(x)
        seen = []
        for block in self.blocks:
            h = block(h)
            seen.append(h)
        flat = h.flatten(1)
        logits = reduce_logits(self.head(flat if self.beside is None else self.beside(flat)))
        if self.embedding is None:
            refuse(label)
        else:
            pooled = h.mean((2, 3)) if h.ndim == 4 else h
            logits = logits + (pooled * self.embedding(label, pooled)).sum(1)
        return Critique(logits, tuple(seen) if features else ())
