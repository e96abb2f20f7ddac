"""Features of a seeded random convolutional network: a ruler for images that was never trained on anything.

A random network keeps enough of an image for distances between sets of images to mean something, and belongs to no data set
(Naeem et al. 2020, arXiv 2002.09797, section 5.1, judge generative models by the features of an untrained VGG16 for that reason).
Its weights are the digits of SHAKE-256, so they are the same bits on every machine and in every version of torch; their hash is
part of each figure's protocol.
"""

from functools import cache
from hashlib import sha256, shake_256
from math import sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, conv2d, leaky_relu

from mulligan.metrics.images import channels_first, in_blocks

FEATURES = 64  # numbers per image: few enough that the covariance of a thousand images is well determined
WIDTHS = (32, 64, 128)  # channels after each of the three strided convolutions
EARLY = 1  # place of the convolution whose channels, averaged over quarters of the image, are the early features: 4 * 64 numbers
SLOPE = 0.2
PUBLISHED = {  # channels of the image -> SHA-256 of the weights, float32, little-endian, in the order of use
    1: "3a503338204a7aef5c584086e06b1f538625d66d08ff2511f56a533c4b5b677e",
    3: "a95aff83578f75207972d4125ecdd6203f6681a61b644bdc30181ff87836bbc0",
}


class RandomNetwork(NamedTuple):
    """Weights of the random network for images of one or three channels; it has no biases."""

    convolutions: tuple[Tensor, ...]  # (out, in, 5, 5) each
    projection: Tensor  # (FEATURES, WIDTHS[-1] * 4)

    def hash(self) -> str:
        """SHA-256 of the weights in the order of use."""
        digest = sha256()
        for weight in (*self.convolutions, self.projection):
            digest.update(weight.numpy().astype("<f4").tobytes())
        return digest.hexdigest()


@cache
def random_network(channels: int) -> RandomNetwork:
    """The random network for images of `channels` (1 or 3) channels.

    >>> random_network(1).hash() == PUBLISHED[1]
    True
    """
    convolutions = []
    inputs = channels
    for place, width in enumerate(WIDTHS):
        weight = _uniform(f"convolution/{channels}/{place}", (width, inputs, 5, 5), inputs * 25)
        convolutions.append(weight)
        inputs = width
    return RandomNetwork(tuple(convolutions), _uniform(f"projection/{channels}", (FEATURES, inputs * 4), inputs * 4))


def random_depths(images: Any) -> dict[str, Tensor]:
    """Features of images in the seeded random network, at two depths.

    images: uint8, (N, H, W) for grey or (N, H, W, 3) for colour, of at least 4x4 pixels; an array or a tensor.
    Returns {"late": (N, 64), "early": (N, 256)} float32. Images go through in blocks of one size, so their features do not depend
    on how many are asked for. Raises DataError for any other shape or type.

    >>> random_depths(torch.zeros(2, 28, 28, dtype=torch.uint8))["early"].shape
    torch.Size([2, 256])
    """
    pixels = channels_first(images)
    network = random_network(pixels.shape[1])
    late, early = in_blocks(lambda block: _forward(network, block), pixels)
    return {"late": late, "early": early}


def random_features(images: Any) -> Tensor:
    """The late features of `random_depths` alone: (N, 64) float32.

    >>> random_features(torch.zeros(2, 28, 28, dtype=torch.uint8)).shape
    torch.Size([2, 64])
    """
    return random_depths(images)["late"]


def feature_hash(channels: int) -> str:
    """SHA-256 of the weights of the random network for images of that many channels, as it is computed here."""
    return random_network(channels).hash()


def _forward(network: RandomNetwork, pixels: Tensor) -> tuple[Tensor, Tensor]:
    hidden = pixels.float() / 127.5 - 1
    early = hidden
    for place, weight in enumerate(network.convolutions):
        hidden = leaky_relu(conv2d(hidden, weight, stride=2, padding=2), SLOPE)
        if place == EARLY:
            early = adaptive_avg_pool2d(hidden, 2).flatten(1)
    late = adaptive_avg_pool2d(hidden, 2).flatten(1) @ network.projection.T
    return late, early


def _uniform(name: str, shape: tuple[int, ...], fan_in: int) -> Tensor:
    """Uniform weights that keep the scale of what passes (He et al. 2015, arXiv 1502.01852, equation 14, for a slope of 0.2)."""
    count = int(torch.Size(shape).numel())
    digits = bytearray(shake_256(f"mulligan random features 1/{name}".encode()).digest(4 * count))
    whole = torch.frombuffer(digits, dtype=torch.int32).double().reshape(shape) / 2**31
    return (whole * sqrt(6 / (fan_in * (1 + SLOPE**2)))).float()
