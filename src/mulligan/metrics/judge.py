"""Judges: small classifiers of the built-in images, in whose features samples are compared with real images.

Each was trained by benchmarks/judges.py on the training split of its data alone, for a number of epochs fixed beforehand, and is the
median of three seeds; dev/LOG.md has the accuracies. Four convolutions of 3x3, then the mean over the image and a linear layer. The
weights come with the package as float32, BatchNorm folded into the convolutions, and are pinned by hash: figures in features of
other weights cannot be compared. There is no accepted network for such images, so none of these figures is a FID.

The late features, 128 numbers before the linear layer, tell what is shown and throw away much of how (whoever copies one good
picture of each class looks better there than he is); the early ones, 256 numbers, keep strokes and textures of each quarter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, conv2d, interpolate, max_pool2d, relu

from mulligan.errors import CheckpointError
from mulligan.metrics.images import channels_first, in_blocks

SIDE = 28  # pixels; images of other sizes are resized to it
HALVES = (True, True, False, False)  # of each convolution: whether the sides are halved after it
EARLY = 1  # place of the convolution whose channels, averaged over quarters of the image, are the early features
LUMA = (0.299, 0.587, 0.114)  # red, green and blue in grey: ITU-R BT.601, as in Pillow
PUBLISHED = {  # judge -> SHA-256 of its file
    "digits": "e9b71820174966e2c0e836b34457402ff70931e030fcf81aac981962a756cd8c",
    "fashion": "19a9b3783f2453910fe7b7b8f025d408d055e66da95a3fb51bc928377e5db270",
}


@dataclass(frozen=True)
class Judge:
    """A trained classifier as plain tensors: `convolution.0.weight` and so on, `linear.weight`, `linear.bias`."""

    tensors: Mapping[str, Tensor]

    @property
    def classes(self) -> int:
        """How many classes it knows."""
        return len(self.tensors["linear.bias"])

    def depths(self, images: Any) -> dict[str, Tensor]:
        """Features of images at two depths: {"late": (N, 128), "early": (N, 256)} float32.

        images: as `prepared` takes them. They go through in blocks of one size, so their features do not depend on how many are asked
        for. Raises DataError for what is no image.

        >>> judge("digits").depths(torch.zeros(2, 28, 28, dtype=torch.uint8))["early"].shape
        torch.Size([2, 256])
        """
        late, early = in_blocks(lambda block: self._forward(prepared(block)), channels_first(images))
        return {"late": late, "early": early}

    def logits(self, late: Tensor) -> Tensor:
        """Logits (N, classes) of images whose late features (N, 128) are known.

        >>> judge("digits").logits(torch.zeros(2, 128)).shape
        torch.Size([2, 10])
        """
        weight, bias = self.tensors["linear.weight"], self.tensors["linear.bias"]
        (logits,) = in_blocks(lambda block: (block @ weight.T + bias,), late)
        return logits

    def _forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Late and early features of pixels (N, 1, 28, 28) in [0, 1]."""
        hidden = pixels
        early = pixels
        for place, halves in enumerate(HALVES):
            weight, bias = self.tensors[f"convolution.{place}.weight"], self.tensors[f"convolution.{place}.bias"]
            hidden = conv2d(hidden, weight, bias, padding=1)
            if halves:
                hidden = max_pool2d(hidden, 2)  # before ReLU, which gives the same and has a quarter of the work
            hidden = relu(hidden)
            if place == EARLY:
                early = adaptive_avg_pool2d(hidden, 2).flatten(1)
        return hidden.mean((2, 3)), early


def prepared(images: Tensor) -> Tensor:
    """Images as a judge sees them: uint8 (N, C, H, W) -> float32 (N, 1, 28, 28) in [0, 1].

    Colour becomes grey by the luma of BT.601. Other sizes are resized to 28x28 with antialiasing (a triangle filter as wide as the
    reduction; sides that differ are stretched), in float, without rounding on the way.

    >>> prepared(torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)).mean()
    tensor(1.)
    """
    pixels = images.float() / 255
    if pixels.shape[1] == 3:
        pixels = (pixels * torch.tensor(LUMA).reshape(3, 1, 1)).sum(1, keepdim=True)
    if pixels.shape[2:] != (SIDE, SIDE):
        pixels = interpolate(pixels, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
    return pixels


@cache
def judge(name: str) -> Judge:
    """The judge of a built-in set: `digits` or `fashion`. Raises CheckpointError where its weights are missing or are others.

    >>> judge("fashion").classes
    10
    """
    with as_file(files("mulligan.metrics").joinpath("judges", f"{name}.safetensors")) as path:
        return read_judge(path, PUBLISHED[name])


def read_judge(path: Path, expected: str) -> Judge:
    """A judge from its file, whose SHA-256 has to be the expected one. Raises CheckpointError where it is not, or cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror})", "Install mulligan again") from error
    found = sha256(content).hexdigest()
    if found != expected:
        raise CheckpointError(
            f"{path} has the SHA-256 {found[:8]}..., expected {expected[:8]}...: these are not the weights that figures are taken with",
            "Install mulligan again",
        )
    # Cloned into memory that is aligned, whatever the header's length: kernels may round by where a tensor lies.
    return Judge({tensor: value.clone() for tensor, value in safetensors.torch.load(content).items()})
