"""The networks of `jax_scan.py`: pure functions of parameters, written plainly from a recipe's JSON."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

SMALLEST = 8  # side of the smallest map of a convolutional net
CLIP = {"tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "linear": lambda x: x}
OF_SCALING = {"symmetric": "tanh", "unit": "sigmoid", "none": "linear", "standard": "linear"}

Parameters = list[dict[str, Array]]  # one per layer: weight, bias, and scale and offset where it normalises


class Net(NamedTuple):
    """What stays the same of a network: its JSON, the sizes that it fits, how its samples are bounded, and its arithmetic."""

    described: dict[str, Any]
    latent: int
    shape: tuple[int, ...]  # of a sample, channels last for images
    generates: bool
    bounded: str
    precision: Any

    @property
    def convolutional(self) -> bool:
        """Whether it is one of convolutions."""
        return bool(self.described["name"] == "conv")

    @property
    def normalises(self) -> bool:
        """Whether batches are normalised behind each hidden layer."""
        return bool(self.described.get("normalisation", "none") == "batch")

    def sides(self) -> list[int]:
        """Of the maps, from the image on."""
        found = [self.shape[0]]
        while found[-1] > SMALLEST:
            found.append((found[-1] + 1) // 2)
        return found

    def sizes(self) -> list[tuple[int, ...]]:
        """Shapes of the weights, layer by layer: (inputs, outputs), or (3, 3, inputs, outputs)."""
        if not self.convolutional:
            ends = (self.latent, math.prod(self.shape)) if self.generates else (math.prod(self.shape), 1)
            through = [ends[0], *self.described["widths"], ends[1]]
            return list(pairwise(through))
        sides = self.sides()
        widths = [min(self.described["width"] * 2**place, self.described["largest"]) for place in range(len(sides))]
        if self.generates:
            channels = [*widths[::-1], self.shape[2]]
            return [(self.latent, widths[-1] * sides[-1] ** 2), *((3, 3, *pair) for pair in pairwise(channels))]
        channels = [self.shape[2], *widths]
        return [*((3, 3, *pair) for pair in pairwise(channels)), (widths[-1] * sides[-1] ** 2, 1)]


def begun(net: Net, key: Array) -> tuple[Parameters, Parameters]:
    """First parameters, and moving statistics (mean and variance of each layer that normalises; empty where none does)."""
    parameters: Parameters = []
    moving: Parameters = []
    sizes = net.sizes()
    for place, (size, own) in enumerate(zip(sizes, jax.random.split(key, len(sizes)), strict=True)):
        layer = {"weight": jax.random.normal(own, size) * math.sqrt(2 / math.prod(size[:-1])), "bias": jnp.zeros(size[-1])}
        if net.normalises and place < len(sizes) - 1:
            layer |= {"scale": jnp.ones(size[-1]), "offset": jnp.zeros(size[-1])}
            moving.append({"mean": jnp.zeros(size[-1]), "variance": jnp.ones(size[-1])})
        parameters.append(layer)
    return parameters, moving


def applied(
    net: Net, parameters: Parameters, moving: Parameters, x: Array, key: Array, inference: bool = False
) -> tuple[Array, Parameters]:
    """Samples (N, *shape) of latents, or logits (N,) of samples; and the moving statistics as they are afterwards."""
    layers = jax.tree.map(lambda tensor: tensor.astype(net.precision), parameters)
    h = x.astype(net.precision)
    through = _convolved if net.convolutional else _dense
    h, after = through(net, layers, moving, h, key, inference)
    h = h.astype(jnp.float32)
    return (CLIP[net.bounded](h.reshape(-1, *net.shape)), after) if net.generates else (h[:, 0], after)


def _dense(net: Net, layers: Parameters, moving: Parameters, h: Array, key: Array, inference: bool) -> tuple[Array, Parameters]:
    h, after = h.reshape(len(h), -1), []
    for place, (layer, own) in enumerate(zip(layers[:-1], jax.random.split(key, len(layers) - 1), strict=True)):
        h = _active(net, h @ layer["weight"] + layer["bias"])
        if net.normalises:
            h, statistics = _normalised(net, layer, moving[place], h, inference)
            after.append(statistics)
        h = h if inference else _dropped(net, h, own)
    return h @ layers[-1]["weight"] + layers[-1]["bias"], after


def _convolved(net: Net, layers: Parameters, moving: Parameters, h: Array, key: Array, inference: bool) -> tuple[Array, Parameters]:
    if net.generates:
        side = net.sides()[-1]
        h = _active(net, (h @ layers[0]["weight"] + layers[0]["bias"]).reshape(len(h), side, side, -1))
        for layer in layers[1:-1]:
            h = jax.image.resize(h, (len(h), 2 * h.shape[1], 2 * h.shape[2], h.shape[3]), net.described["resampling"])
            h = _active(net, _convolution(layer, h, 1))
        return _convolution(layers[-1], h, 1), moving
    for place, (layer, own) in enumerate(zip(layers[:-1], jax.random.split(key, len(layers) - 1), strict=True)):
        h = _active(net, _convolution(layer, h, 2 if place else 1))
        h = _dropped(net, h, own) if place and not inference else h
    return h.reshape(len(h), -1) @ layers[-1]["weight"] + layers[-1]["bias"], moving


def _convolution(layer: dict[str, Array], h: Array, stride: int) -> Array:
    edges: Sequence[tuple[int, int]] = ((1, 1), (1, 1))
    return lax.conv_general_dilated(h, layer["weight"], (stride, stride), edges, dimension_numbers=("NHWC", "HWIO", "NHWC")) + layer["bias"]


def _active(net: Net, h: Array) -> Array:
    return jax.nn.relu(h) if net.described.get("activation") == "relu" else jax.nn.leaky_relu(h, net.described["slope"])


def _dropped(net: Net, h: Array, key: Array) -> Array:
    share = net.described.get("dropout", 0.0)
    return jnp.where(jax.random.bernoulli(key, 1 - share, h.shape), h / (1 - share), 0).astype(h.dtype) if share else h


def _normalised(net: Net, layer: dict[str, Array], moving: dict[str, Array], h: Array, inference: bool) -> tuple[Array, dict[str, Array]]:
    """Batch normalisation of (N, C), and the moving statistics a step further."""
    mean, variance = (moving["mean"], moving["variance"]) if inference else (h.mean(0), h.var(0))
    keep, unbiased = net.described["momentum"], len(h) / (len(h) - 1)
    after = moving
    if not inference:
        seen = {"mean": mean, "variance": variance * unbiased}
        after = {name: keep * moving[name] + (1 - keep) * lax.stop_gradient(seen[name]) for name in moving}
    return (h - mean) * lax.rsqrt(variance + net.described["epsilon"]) * layer["scale"] + layer["offset"], after
