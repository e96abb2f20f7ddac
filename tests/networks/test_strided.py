"""Strided convolutional networks at every size that they are for."""

import pytest
import torch
from torch.nn.functional import conv2d, leaky_relu

from mulligan.errors import UsageError
from mulligan.layers.table import table
from mulligan.networks import strided
from mulligan.recipe import Signature


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("side", [4, 8, 9, 28, 31, 32, 33, 45, 64])
def test_shapes(side: int, colours: int, classes: int) -> None:
    signature = Signature(sample=(colours, side, side), latent=7, classes=classes, scaling="symmetric")
    label = (torch.tensor([0, 2]),) if classes else ()
    samples = strided.Generator.tiny().build(signature)(torch.randn(2, 7), *label)
    assert samples.shape == (2, colours, side, side)
    assert float(samples.detach().abs().max()) <= 1
    assert strided.Discriminator.tiny().build(signature)(samples, *label).logits.shape == (2,)


def test_most_of_the_work_is_done_at_the_smallest_maps() -> None:
    """Sides and channels of the maps, from the layers of both."""
    signature = Signature(sample=(1, 28, 28), latent=64, scaling="symmetric")
    rows = table(strided.Generator().build(signature), torch.zeros(1, 64))
    assert [row.shape for row in rows] == [(256,), (64, 7, 7), (64, 7, 7), (32, 14, 14), (1, 28, 28)]
    rows = table(strided.Discriminator(depth=1).build(signature), torch.zeros(1, 1, 28, 28))
    assert [row.shape for row in rows if row.layer in ("Conv", "Dense")] == [(32, 14, 14), (64, 7, 7), (64, 7, 7), (128,), (1,)]


def test_width_halves_but_not_below_the_least() -> None:
    signature = Signature(sample=(3, 64, 64), latent=8, scaling="symmetric")
    rows = table(strided.Discriminator(width=40, least=16).build(signature), torch.zeros(1, 3, 64, 64))
    assert [row.shape for row in rows if row.layer == "Conv"] == [(16, 32, 32), (20, 16, 16), (40, 8, 8)]


def test_first_convolution_is_the_textbook_one() -> None:
    """4x4, stride 2, one zero around, then leaky ReLU; an odd side gets a row and a column of zeros behind it."""
    for side in (10, 11):
        module = strided.Discriminator.tiny().build(Signature(sample=(1, side, side), latent=7, scaling="symmetric"))
        x = torch.randn(2, 1, side, side)
        padded = torch.nn.functional.pad(x, (0, side % 2, 0, side % 2))
        weights = dict(module.named_parameters())
        kernel = next(name for name, value in weights.items() if value.ndim == 4)
        expected = leaky_relu(conv2d(padded, weights[kernel], weights[kernel.replace("weight", "bias")], stride=2, padding=1), 0.2)
        torch.testing.assert_close(module(x, features=True).features[0], expected)


def test_label_is_projected() -> None:
    """A logit changes with the label by the product of the last block's numbers and the difference of the vectors."""
    signature = Signature(sample=(1, 8, 8), latent=7, classes=3, scaling="symmetric")
    module = strided.Discriminator.tiny().build(signature)
    x = torch.randn(2, 1, 8, 8)
    first, second = (module(x, torch.full((2,), label), features=True) for label in (0, 2))
    apart = module.embedding.weight[2] - module.embedding.weight[0]
    torch.testing.assert_close(second.logits - first.logits, first.features[-1] @ apart)


@pytest.mark.parametrize("sample", [(2,), (1, 28, 32)])
@pytest.mark.parametrize("role", [strided.Generator, strided.Discriminator])
def test_what_is_no_square_image_is_refused(role: type[strided.Strided], sample: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="square images"):
        role.tiny().build(Signature(sample=sample, latent=7, scaling="none"))
