"""Spectral normalisation against the singular values that a decomposition finds."""

import pytest
import torch
from torch import nn

from mulligan.layers.condition import Embedding
from mulligan.layers.spectral import iterated, renewal, spectral

LAYERS = [
    (lambda: nn.Linear(7, 5), torch.randn(3, 7)),
    (lambda: nn.Linear(7, 1, bias=False), torch.randn(3, 7)),
    (lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1), torch.randn(3, 2, 8, 8)),
]


@pytest.mark.parametrize(("make", "x"), LAYERS, ids=["dense", "without bias", "convolution"])
def test_the_largest_singular_value_is_one(make, x: torch.Tensor) -> None:
    torch.manual_seed(0)
    layer = make()
    before = {key: tensor.clone() for key, tensor in layer.state_dict().items()}
    made = spectral(layer)
    largest = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
    torch.testing.assert_close(made.normalised(), layer.weight / largest, rtol=1e-2, atol=1e-3)
    assert all(torch.equal(made.state_dict()[key], tensor) for key, tensor in before.items())
    bias = 0 if layer.bias is None else layer.bias.view(-1, *[1] * (x.ndim - 2))
    torch.testing.assert_close(made(x) - bias, (layer(x) - bias) / largest, rtol=1e-2, atol=1e-3)


def test_embedding() -> None:
    torch.manual_seed(0)
    layer = Embedding(6, 4)
    vectors = spectral(layer)(torch.arange(6), torch.zeros(1))
    assert float(torch.linalg.matrix_norm(vectors.detach(), 2)) == pytest.approx(1, rel=1e-2)


def test_the_iteration_finds_the_vectors() -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 2, 3)
    left = torch.nn.functional.normalize(torch.randn(6), dim=0)
    for _ in range(200):
        left, right = iterated(weight, left)
    u, s, v = torch.linalg.svd(weight.flatten(1))
    assert float((left @ u[:, 0]).abs()) == pytest.approx(1, abs=1e-4)
    assert float((right @ v[0]).abs()) == pytest.approx(1, abs=1e-4)
    assert float(left @ weight.flatten(1) @ right) == pytest.approx(float(s[0]), rel=1e-5)


def test_only_a_layer_with_weights() -> None:
    with pytest.raises(TypeError, match="ReLU has no weights"):
        spectral(nn.ReLU())


def test_nothing_to_renew() -> None:
    assert renewal(nn.Sequential(nn.Linear(2, 2))) is None
