"""Resampling and transposed convolutions against torch's, and sides that fit each other."""

from itertools import pairwise

import pytest
import torch

from mulligan.layers.convolution import Double, Upsample, channels_last, convolution, sides


@pytest.mark.parametrize("resampling", ["bilinear", "nearest"])
def test_upsampling_equals_interpolation(resampling: str) -> None:
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    options = {"align_corners": False} if resampling == "bilinear" else {}
    expected = torch.nn.functional.interpolate(x, scale_factor=2, mode=resampling, **options)
    torch.testing.assert_close(Upsample(10, resampling)(x), expected)
    torch.testing.assert_close(Upsample(9, resampling)(x), expected[:, :, :9, :9])


def test_upsampling_keeps_the_mean() -> None:
    x = torch.randn(1, 1, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(Upsample(8, "bilinear")(x).mean(), x.mean())


@pytest.mark.parametrize("side", range(28, 65))
def test_halving_and_strided_convolutions_agree(side: int) -> None:
    """D's maps have the sides that the plan says, at every size that images may have, and G's doubling leads back to them."""
    layer = convolution(1, 1, gain=1.0, stride=2)
    planned = sides(side)
    assert 5 <= planned[-1] <= 8
    for larger, smaller in pairwise(planned):
        assert layer(torch.zeros(1, 1, larger, larger)).shape[2:] == (smaller, smaller)
        assert 2 * smaller >= larger


@pytest.mark.parametrize("outputs", [1, 3, 4, 5])
@pytest.mark.parametrize("side", [10, 9])
def test_doubling_is_a_transposed_convolution(outputs: int, side: int) -> None:
    """Few outputs are computed in another way, which no user of the layer may notice: not in maps, and not in gradients of any order."""
    layer = Double(6, outputs, side, gain=1.0).double()
    assert layer.layer.bias is not None
    torch.nn.init.normal_(layer.layer.bias)
    x = torch.randn(2, 6, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    both = [layer(x), layer.layer(x)[:, :, :side, :side]]
    torch.testing.assert_close(*both)
    first = [torch.autograd.grad(maps.square().sum(), (x, *layer.parameters()), create_graph=True) for maps in both]
    torch.testing.assert_close(*first)
    second = [torch.autograd.grad(found[0].square().sum(), (x, *layer.parameters())) for found in first]
    torch.testing.assert_close(*second)


def test_channels_last() -> None:
    maps = torch.arange(24.0).view(1, 2, 3, 4)
    assert channels_last(maps).equal(maps)
    assert channels_last(maps).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(torch.vmap(channels_last)(maps[None]), maps[None])
