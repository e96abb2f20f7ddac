"""Convolutional networks at every size that they are for."""

import pytest
import torch

from mulligan.errors import UsageError
from mulligan.layers.table import table
from mulligan.networks import conv
from mulligan.recipe import Signature


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("side", [28, 31, 32, 33, 45, 63, 64])
def test_shapes(side: int, colours: int, classes: int) -> None:
    signature = Signature(sample=(colours, side, side), latent=7, classes=classes, scaling="symmetric")
    label = (torch.tensor([0, 2]),) if classes else ()
    samples = conv.Generator.tiny().build(signature)(torch.randn(2, 7), *label)
    assert samples.shape == (2, colours, side, side)
    assert conv.Discriminator.tiny().build(signature)(samples, *label).logits.shape == (2,)


@pytest.mark.parametrize(("settings", "most"), [(conv.Generator(), 2.5e6), (conv.Discriminator(), 2.5e6)])
def test_light_enough_for_two_cores(settings: conv.Convolutional, most: float) -> None:
    """Multiplications and additions of one sample at 28 x 28: weights times the places where they are used."""
    generator = settings.role == "Generator"
    rows = table(
        settings.build(Signature(sample=(1, 28, 28), latent=100, scaling="symmetric")),
        torch.zeros(1, 100) if generator else torch.zeros(1, 1, 28, 28),
    )
    places = [row.shape[1] * row.shape[2] if row.layer == "Conv" else 1 for row in rows]
    assert 1e6 < sum(row.parameters * count for row, count in zip(rows, places, strict=True)) < most


@pytest.mark.parametrize("sample", [(2,), (1, 28, 32)])
@pytest.mark.parametrize("role", [conv.Generator, conv.Discriminator])
def test_what_is_no_square_image_is_refused(role: type[conv.Convolutional], sample: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="square images"):
        role.tiny().build(Signature(sample=sample, latent=7, scaling="none"))


def test_normalisation_and_dropout_stand_where_they_are_set() -> None:
    """BatchNorm between convolution and activation, but not behind D's first layer; dropout behind each halving."""
    signature = Signature(sample=(1, 28, 28), latent=7, scaling="symmetric")
    module = conv.Discriminator(width=2, normalisation="batch", dropout=0.2).build(signature)
    rows = [row.layer for row in table(module, torch.zeros(1, 1, 28, 28))]
    halving = ["Conv", "BatchNorm", "Dropout"]
    assert rows == ["Conv", *halving, *halving, "Dense"]
    biased = [layer.bias is not None for layer in module.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert biased == [True, False, False]  # BatchNorm takes away what a bias in front of it adds
    plain = conv.Generator(width=2).build(signature)
    assert "BatchNorm" not in [row.layer for row in table(plain, torch.zeros(1, 7))]


def test_label_is_projected() -> None:
    """A logit changes with the label by the product of the mean of the small map and the difference of the vectors."""
    signature = Signature(sample=(1, 28, 28), latent=7, classes=3, scaling="symmetric")
    module = conv.Discriminator.tiny().build(signature)
    x = torch.randn(2, 1, 28, 28)
    first, second = (module(x, torch.full((2,), label), features=True) for label in (0, 2))
    pooled = first.features[-1].mean((2, 3))
    expected = pooled @ (module.embedding.weight[0] - module.embedding.weight[2])
    torch.testing.assert_close(first.logits - second.logits, expected)


def test_first_weights_keep_the_size_of_what_flows() -> None:
    """At the start, D's features neither fade nor explode with depth, whatever the side."""
    torch.manual_seed(0)
    module = conv.Discriminator().build(Signature(sample=(1, 64, 64), latent=7, scaling="symmetric"))
    sizes = [float(feature.detach().square().mean().sqrt()) for feature in module(torch.randn(8, 1, 64, 64), features=True).features]
    assert all(0.4 < size < 2 for size in sizes)
