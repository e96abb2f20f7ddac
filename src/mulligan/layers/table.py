"""The table of layers of a network, taken from a real pass through it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mulligan.layers.critique import Critique
from mulligan.layers.spectral import SpectralConvolution, SpectralDense

KINDS = {  # others are called by their class
    nn.Linear: "Dense",
    nn.Conv2d: "Conv",
    nn.ConvTranspose2d: "Conv",
    SpectralDense: "Dense",
    SpectralConvolution: "Conv",
}
ACTIVATIONS = {nn.LeakyReLU: "leaky-relu", nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}


class Layer(NamedTuple):
    """One row.

    name: of the module inside the network; layer: what it is ("Dense", "Conv", "BatchNorm", "Dropout", ...).
    activation: what follows it, or "".
    shape: of what comes out for one sample, behind the activation.
    parameters: all its numbers, moving statistics included; trainable: those that training changes by gradients.
    """

    name: str
    layer: str
    activation: str
    shape: tuple[int, ...]
    parameters: int
    trainable: int


def table(module: nn.Module, *inputs: Tensor) -> list[Layer]:
    """Rows for all layers of a network, in the order in which data go through them.

    inputs: what the network takes, one sample at least. The pass is made in inference mode and leaves no trace.

    >>> net = nn.Sequential(nn.Linear(100, 16), nn.LeakyReLU(0.2))
    >>> table(net, torch.zeros(1, 100))
    [Layer(name='0', layer='Dense', activation='leaky-relu', shape=(16,), parameters=1616, trainable=1616)]
    """
    rows: list[Layer] = []
    counted: set[int] = set()

    def watch(name: str) -> Any:
        def hook(layer: nn.Module, _: Any, output: Any) -> None:
            shape = _shape(output)
            activation = ACTIVATIONS.get(type(layer), "")
            if activation and rows and not rows[-1].activation:
                rows[-1] = rows[-1]._replace(activation=activation, shape=shape)
                return
            parameters, trainable = _numbers(layer, counted)
            rows.append(Layer(name, KINDS.get(type(layer), type(layer).__name__), "", shape, parameters, trainable))

        return hook

    modes = {layer: layer.training for layer in module.modules()}
    handles = [layer.register_forward_hook(watch(name)) for name, layer in module.named_modules() if _is_row(layer)]
    try:
        with torch.no_grad():
            module.eval()(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for layer, mode in modes.items():
            layer.training = mode
    return rows


def trainable(module: nn.Module) -> int:
    """How many numbers of a network training changes by gradients.

    >>> trainable(nn.Linear(100, 16))
    1616
    """
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _is_row(layer: nn.Module) -> bool:
    leaf = next(layer.children(), None) is None
    return leaf or next(layer.parameters(recurse=False), None) is not None


def _numbers(layer: nn.Module, counted: set[int]) -> tuple[int, int]:
    """Numbers of this layer alone: all, and trainable; those of a tensor that came by before count as none."""

    def new(tensors: Iterable[Tensor]) -> list[Tensor]:
        fresh = [tensor for tensor in tensors if id(tensor) not in counted]
        counted.update(id(tensor) for tensor in fresh)
        return fresh

    parameters = new(layer.parameters(recurse=False))
    saved = [buffer for name, buffer in layer.named_buffers(recurse=False) if name not in layer._non_persistent_buffers_set]
    statistics = new(buffer for buffer in saved if buffer.is_floating_point())
    total = sum(tensor.numel() for tensor in [*parameters, *statistics])
    return total, sum(parameter.numel() for parameter in parameters if parameter.requires_grad)


def _shape(output: Any) -> tuple[int, ...]:
    tensor = output.logits if isinstance(output, Critique) else output
    return tuple(tensor.shape[1:]) if isinstance(tensor, Tensor) else ()
