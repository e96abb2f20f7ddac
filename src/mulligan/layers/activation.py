"""Activations between layers and at the output of a generator."""

import math
from typing import Literal

from torch import nn

from mulligan.recipe import Scaling

Activation = Literal["relu", "leaky-relu"]
Output = Literal["auto", "tanh", "sigmoid", "linear"]

OF_SCALING: dict[Scaling, Literal["tanh", "sigmoid", "linear"]] = {
    "symmetric": "tanh",
    "unit": "sigmoid",
    "none": "linear",
    "standard": "linear",
}


def activation(name: Activation, slope: float) -> nn.Module:
    """The activation between layers; slope is that of the leaky one for negative numbers."""
    return nn.ReLU() if name == "relu" else nn.LeakyReLU(slope)


def gain(name: Activation, slope: float) -> float:
    """What the root of the mean square shrinks by in the activation, to be made up for by the weights.

    He et al. 2015 (arXiv 1502.01852), equations 10 and 15.

    >>> round(gain("relu", 0.0) ** 2, 6)
    2.0
    """
    return math.sqrt(2.0) if name == "relu" else math.sqrt(2.0 / (1.0 + slope**2))


def output(name: Output, scaling: Scaling) -> list[nn.Module]:
    """What bounds the samples of a generator: one module, or none where it is linear.

    `auto` follows the scaling: tanh for numbers in [-1, 1], a sigmoid for [0, 1], linear for all else.

    >>> output("auto", "unit")
    [Sigmoid()]
    """
    chosen = OF_SCALING[scaling] if name == "auto" else name
    if chosen == "tanh":
        return [nn.Tanh()]
    return [nn.Sigmoid()] if chosen == "sigmoid" else []
