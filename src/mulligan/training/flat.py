"""The parameters of a player as one flat tensor, with a view of it for each name.

One update then serves all of them: a compiled step of three turns has 33 kernels instead of 39, and an eager one calls a kernel once
for each player instead of once for each tensor (dev/LOG.md). Kernels of convolutions lie with their channels last, as do the maps that
they are used on (`mulligan.layers.convolution.channels_last`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

ALIGNMENT = 16  # numbers: every view begins on a boundary of 64 bytes, as a tensor of its own would


@dataclass(frozen=True)
class Layout:
    """Where each named tensor stands in the flat one."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Layout":
        """The layout of these tensors, in their order.

        >>> layout = Layout.of({"a": torch.ones(3), "b": torch.ones(2, 2)})
        >>> layout.views(layout.flat({"a": torch.ones(3), "b": torch.ones(2, 2)}))["b"].shape
        torch.Size([2, 2])
        """
        return cls(tuple(tensors), tuple(tuple(tensor.shape) for tensor in tensors.values()))

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Each named tensor as a view of the flat one."""
        result, start = {}, 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            result[name] = _seen(flat[start : start + prod(shape)], shape)
            start += self._room(shape)
        return result

    def flat(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """One flat tensor of all of them; the gaps are zero."""
        pieces = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            pieces.append(_lying(tensors[name]))
            gap = self._room(shape) - prod(shape)
            if gap:
                pieces.append(pieces[-1].new_zeros(gap))
        return torch.cat(pieces)

    @staticmethod
    def _room(shape: tuple[int, ...]) -> int:
        return -(-prod(shape) // ALIGNMENT) * ALIGNMENT


def _lying(tensor: Tensor) -> Tensor:
    """The numbers of a tensor in the order in which they lie in the flat one."""
    return (tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor).reshape(-1)


def _seen(numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The tensor of a shape whose numbers lie like that."""
    if len(shape) != 4:
        return numbers.view(shape)
    first, channels, height, width = shape
    return numbers.view(first, height, width, channels).permute(0, 3, 1, 2)
