"""Outputs follow the scaling, and gains keep the size of what flows."""

import pytest
import torch
from torch import nn

from mulligan.layers.activation import activation, gain, output


@pytest.mark.parametrize(("scaling", "expected"), [("symmetric", nn.Tanh), ("unit", nn.Sigmoid), ("none", None), ("standard", None)])
def test_automatic_output(scaling: str, expected: type[nn.Module] | None) -> None:
    found = output("auto", scaling)
    assert [type(module) for module in found] == ([expected] if expected else [])


@pytest.mark.parametrize(("name", "expected"), [("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid), ("linear", None)])
def test_chosen_output_stands_against_the_scaling(name: str, expected: type[nn.Module] | None) -> None:
    assert [type(module) for module in output(name, "unit")] == ([expected] if expected else [])


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky-relu", 0.2)])
def test_gain_makes_up_for_the_activation(name: str, slope: float) -> None:
    """gain times the activation of standard normal numbers has a mean square of 1."""
    x = torch.randn(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float((gain(name, slope) * activation(name, slope)(x)).square().mean()) == pytest.approx(1, rel=0.02)
