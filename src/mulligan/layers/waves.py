"""Waves of the coordinates as inputs, so that a small network can tell apart what lies close together."""

import math

import torch
from torch import Tensor, nn


class Waves(nn.Module):
    """Coordinates with sines and cosines of them behind: (N, C) -> (N, C + 2 count).

    A network of a few layers learns slow functions of its inputs first, and steep ones hardly at all; Fourier features take that from it
    (Tancik et al. 2020, arXiv 2006.10739). The waves are fixed: random directions, and frequencies that rise by a constant
    factor from `lowest` to `highest`, in radians for each unit of the input.

    >>> Waves(2, 3, 1.0, 10.0)(torch.zeros(5, 2)).shape
    torch.Size([5, 8])
    """

    def __init__(self, inputs: int, count: int, lowest: float, highest: float) -> None:
        super().__init__()
        steps = torch.linspace(0.0, 1.0, count)
        directions = torch.randn(inputs, count)
        if inputs == 2:  # in a plane they can be spread evenly, each turned from the last by the golden angle
            angles = (torch.rand(1) * 2 + torch.arange(count) * (3 - math.sqrt(5))) * math.pi
            directions = torch.stack([angles.cos(), angles.sin()])
        self.frequencies: Tensor
        self.register_buffer("frequencies", lowest * (highest / lowest) ** steps * directions / directions.norm(dim=0))

    def forward(self, x: Tensor) -> Tensor:
        """Join the waves to x."""
        phases = x @ self.frequencies
        return torch.cat([x, phases.sin(), phases.cos()], dim=1)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.frequencies.shape[0]}, {self.frequencies.shape[1]}"
