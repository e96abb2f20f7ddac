"""Spectral normalisation: layers whose weights are divided by their largest singular value, so that none stretches what it is given.

Miyato et al. 2018 (arXiv 1802.05957), section 2.1 and algorithm 1. The singular vectors that go with it are found by power iteration,
one step of it for each update of the player, and are buffers. The step is taken outside of the layer's pass (`renewal`): a pass may lie
inside a gradient of a gradient, where nothing can be kept.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from mulligan.layers.condition import Embedding, one_hot

FIRST = 20  # steps of the power iteration on the first weights
Tensors = dict[str, Tensor]
Layer = TypeVar("Layer", bound=nn.Module)


def iterated(weight: Tensor, left: Tensor) -> tuple[Tensor, Tensor]:
    """One step of the power iteration: both singular vectors of the largest singular value, nearer than `left` was.

    weight: (M, ...), read as a matrix of M rows. left: (M,), of length 1. Returns (M,) and (numbers in a row,), of length 1.

    >>> iterated(torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([1.0, 0.0]))
    (tensor([1., 0.]), tensor([1., 0.]))
    """
    matrix = weight.flatten(1)
    right = normalize(matrix.T @ left, dim=0)
    return normalize(matrix @ right, dim=0), right


class Spectral(nn.Module):
    """What layers with a normalised weight share."""

    weight: Tensor
    left: Tensor
    right: Tensor

    def find(self, weight: Tensor) -> None:
        """Find the singular vectors of weights."""
        with torch.no_grad():
            left, right = iterated(weight, normalize(torch.randn(weight.shape[0]), dim=0))
            for _ in range(FIRST):
                left, right = iterated(weight, left)
        self.register_buffer("left", left)
        self.register_buffer("right", right)

    def normalised(self) -> Tensor:
        """The weights, divided by their largest singular value; the singular vectors are held constant."""
        # products of single numbers, not of matrices: autocast would round those, and the value with them
        value = (self.weight.flatten(1) * self.left.unsqueeze(1) * self.right).sum()
        return self.weight / value


class SpectralDense(Spectral, nn.Linear):
    """A fully connected layer that was normalised."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return linear(x, self.normalised(), self.bias)


class SpectralConvolution(Spectral, nn.Conv2d):
    """A convolution that was normalised, its kernel read as a matrix with a row for each channel that comes out."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h', w')."""
        convolved: Tensor = self._conv_forward(x, self.normalised(), self.bias)
        return convolved


class SpectralEmbedding(Spectral, Embedding):
    """Vectors of classes, the table of which was normalised."""

    def forward(self, label: Tensor | None, like: Tensor) -> Tensor:
        """The vectors (N, size) of labels (N,), in the type of `like`."""
        return one_hot(label, self.classes, like) @ self.normalised()


def spectral(layer: Layer) -> Layer:
    """The same layer, normalised: its weights and biases are where they were, and by the same names.

    layer: a Linear, a Conv2d or an Embedding of `mulligan.layers.condition`. Raises TypeError for any other.

    >>> layer = spectral(nn.Linear(5, 3))
    >>> bool(torch.linalg.matrix_norm(layer.normalised(), 2) < 1.01)
    True
    """
    made: Spectral
    if isinstance(layer, nn.Linear):
        made = SpectralDense(layer.in_features, layer.out_features, bias=layer.bias is not None)
    elif isinstance(layer, nn.Conv2d):
        stride, padding, size = layer.stride, layer.padding, layer.kernel_size
        made = SpectralConvolution(
            layer.in_channels,
            layer.out_channels,
            size,  # type: ignore[arg-type]  # tuples, as torch keeps them
            stride,  # type: ignore[arg-type]
            padding,  # type: ignore[arg-type]
            bias=layer.bias is not None,
        )
    elif isinstance(layer, Embedding):
        made = SpectralEmbedding(layer.classes, layer.weight.shape[1])
    else:
        raise TypeError(f"a {type(layer).__name__} has no weights that could be normalised")
    made.load_state_dict(layer.state_dict())
    made.find(made.weight)
    return cast("Layer", made)


def renewal(module: nn.Module) -> Callable[[Tensors, Tensors], Tensors] | None:
    """What brings the singular vectors of a network up to date: (parameters, buffers) -> the buffers that change; None where none do.

    >>> renew = renewal(nn.Sequential(spectral(nn.Linear(2, 2))))
    >>> sorted(renew({"0.weight": torch.eye(2)}, {"0.left": torch.tensor([1.0, 0.0])}))
    ['0.left', '0.right']
    """
    places = [name for name, layer in module.named_modules() if isinstance(layer, Spectral)]
    if not places:
        return None

    def renew(parameters: Tensors, buffers: Tensors) -> Tensors:
        changed: Tensors = {}
        for place in places:
            dot = f"{place}." if place else ""
            changed[f"{dot}left"], changed[f"{dot}right"] = iterated(parameters[f"{dot}weight"], buffers[f"{dot}left"])
        return changed

    return renew
