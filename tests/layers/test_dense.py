"""First weights are what their names say."""

import math

import pytest
import torch

from mulligan.layers.dense import dense


@pytest.mark.parametrize(
    ("initialisation", "deviation"),
    [("normal", 0.02), ("glorot", math.sqrt(2 / (300 + 200))), ("he", math.sqrt(2 / 300))],
)
def test_deviation_of_first_weights(initialisation: str, deviation: float) -> None:
    """60,000 weights: their deviation is known to about 0.3 %."""
    torch.manual_seed(0)
    layer = dense(300, 200, initialisation)
    assert float(layer.weight.detach().std()) == pytest.approx(deviation, rel=0.02)
    assert float(layer.weight.detach().mean()) == pytest.approx(0, abs=5 * deviation / math.sqrt(60_000))
    assert not layer.bias.any()


@pytest.mark.parametrize(("initialisation", "bound"), [("glorot", math.sqrt(6 / 500)), ("he", math.sqrt(6 / 300))])
def test_uniform_weights_stay_within_their_bound(initialisation: str, bound: float) -> None:
    torch.manual_seed(0)
    largest = float(dense(300, 200, initialisation).weight.detach().abs().max())
    assert 0.999 * bound < largest <= bound * (1 + 1e-6)
