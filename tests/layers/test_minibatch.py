"""What a discriminator sees of the samples beside a sample."""

import pytest
import torch

from mulligan.layers.minibatch import Deviation, Discrimination, beside


def test_deviation_is_the_mean_of_the_features_deviations() -> None:
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    layer = Deviation()
    joined = layer(x)
    torch.testing.assert_close(joined[:, :3], x)
    torch.testing.assert_close(joined[:, 3], x.std(0, correction=0).mean().expand(50))
    assert float(Deviation()(torch.ones(5, 3))[0, 3]) < 1e-3  # all alike


def test_discrimination_equals_the_sum_over_the_others() -> None:
    torch.manual_seed(0)
    layer, x = Discrimination(4, kernels=3, size=2), torch.randn(5, 4)
    matrix = (x @ layer.weight).view(5, 3, 2)
    for one in range(5):
        expected = torch.stack([(-(matrix[one] - matrix[other]).abs().sum(1)).exp() for other in range(5) if other != one]).sum(0)
        torch.testing.assert_close(layer(x)[one, 4:], expected)


def test_discrimination_of_samples_that_are_all_alike() -> None:
    torch.manual_seed(0)
    layer = Discrimination(4, kernels=3, size=2)
    torch.testing.assert_close(layer(torch.ones(5, 4))[:, 4:], torch.full((5, 3), 4.0))


@pytest.mark.parametrize("name", ["deviation", "discrimination"])
def test_in_inference_the_mean_of_training_stands_in(name) -> None:
    torch.manual_seed(0)
    layer = beside(name, 4, 3, 2)
    assert layer is not None
    x = torch.randn(6, 4)
    told = layer(x)[:, 4:].mean(0)
    for _ in range(200):
        layer(x)
    torch.testing.assert_close(layer.eval()(x)[:, 4:], told.expand(6, -1), rtol=1e-4, atol=1e-5)


def test_none_is_none() -> None:
    assert beside("none", 4, 3, 2) is None
