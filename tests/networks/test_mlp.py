"""What the published descriptions say of the dense networks, layer by layer."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from mulligan.errors import UsageError
from mulligan.layers.table import table
from mulligan.networks import mlp
from mulligan.recipe import Player, Signature

DIGIT = Signature(sample=(1, 28, 28), latent=100, scaling="symmetric")


def _dense(module: nn.Module) -> list[nn.Linear]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def test_order_in_a_hidden_layer() -> None:
    """Dense, activation, BatchNorm, Dropout."""
    module = mlp.Generator(widths=(8, 4), normalisation="batch", dropout=0.3).build(DIGIT)
    rows = [(row.layer, row.activation) for row in table(module, torch.zeros(1, 100))]
    hidden = [("Dense", "leaky-relu"), ("BatchNorm", ""), ("Dropout", "")]
    assert rows == [*hidden, *hidden, ("Dense", "tanh")]


def test_he_in_hidden_layers_and_glorot_in_the_last() -> None:
    torch.manual_seed(0)
    first, last = _dense(mlp.Discriminator(widths=(2000,), activation="relu", initialisation="he").build(DIGIT))
    assert float(first.weight.detach().abs().max()) == pytest.approx(math.sqrt(6 / 784), rel=1e-3)
    assert float(last.weight.detach().abs().max()) == pytest.approx(math.sqrt(6 / 2001), rel=1e-2)


def test_normal_and_glorot_everywhere() -> None:
    torch.manual_seed(0)
    for layer in _dense(mlp.Generator(widths=(300,), initialisation="normal").build(DIGIT)):
        assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    for layer in _dense(mlp.Discriminator(widths=(300, 300), initialisation="glorot").build(DIGIT)):
        assert float(layer.weight.detach().abs().max()) == pytest.approx(math.sqrt(6 / sum(layer.weight.shape)), rel=2e-2)


@pytest.mark.parametrize(("scaling", "low", "high"), [("symmetric", -1, 1), ("unit", 0, 1)])
def test_samples_lie_where_the_scaling_says(scaling: str, low: float, high: float) -> None:
    module = mlp.Generator(widths=(64,)).build(DIGIT.model_copy(update={"scaling": scaling}))
    samples = module(100 * torch.randn(50, 100)).detach()
    assert low <= float(samples.min()) < low + 0.1
    assert high - 0.1 < float(samples.max()) <= high


def test_dropout_is_active_in_training_alone() -> None:
    module = mlp.Discriminator(widths=(64,), dropout=0.3).build(DIGIT)
    x = torch.randn(4, 1, 28, 28)
    assert not torch.equal(module(x).logits, module(x).logits)
    module.eval()
    assert torch.equal(module(x).logits, module(x).logits)


def test_features_are_what_the_hidden_layers_give() -> None:
    module = mlp.Discriminator(widths=(16, 8)).build(DIGIT)
    critique = module(torch.randn(3, 1, 28, 28), features=True)
    assert [feature.shape for feature in critique.features] == [(3, 16), (3, 8)]
    torch.testing.assert_close(module.head(critique.features[-1]).squeeze(1), critique.logits)


def test_label_is_joined_to_the_input() -> None:
    """The columns behind z are the label's: an output differs by their difference."""
    module = mlp.Generator(widths=(), output="linear").build(Signature(sample=(2,), latent=3, classes=4, scaling="none"))
    z = torch.randn(1, 3)
    (layer,) = _dense(module)
    difference = module(z, torch.tensor([2])) - module(z, torch.tensor([0]))
    torch.testing.assert_close(difference[0], layer.weight[:, 3 + 2] - layer.weight[:, 3])


def test_autoencoder_of_two_networks() -> None:
    """784-256-32 and 32-256-784."""
    signature = Signature(sample=(1, 28, 28), latent=32, scaling="unit")
    encoder, decoder = mlp.Encoder(widths=(256,)).build(signature), mlp.Generator(widths=(256,)).build(signature)
    images = torch.rand(5, 1, 28, 28)
    assert encoder(images).shape == (5, 32)
    assert decoder(encoder(images)).shape == images.shape


@pytest.mark.parametrize("wrong", [{"widths": (0,)}, {"dropout": 1.0}, {"activation": "gelu"}, {"width": 3}])
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        mlp.Generator.model_validate(wrong)


def test_a_recipe_reads_them_by_name_and_role() -> None:
    player = Player.model_validate({"network": {"name": "mlp", "role": "Encoder", "widths": [3]}})
    assert player.network == mlp.Encoder(widths=(3,))


def test_mixture_and_waves_are_refused_where_they_make_no_sense() -> None:
    signature = Signature(sample=(2,), latent=1, scaling="standard")
    with pytest.raises(UsageError, match="a number to choose by"):
        mlp.Generator(widths=(8,), components=4).build(signature)
    with pytest.raises(ValidationError, match="the lower one first"):
        mlp.Discriminator(widths=(8,), waves=4, frequencies=(3.0, 1.0))


def test_waves_widen_the_first_layer_alone() -> None:
    signature = Signature(sample=(2,), latent=5, scaling="standard", classes=3)
    plain, wavy = (mlp.Discriminator(widths=(8,), waves=waves).build(signature) for waves in (0, 6))
    assert sum(p.numel() for p in wavy.parameters()) - sum(p.numel() for p in plain.parameters()) == 12 * 8
    assert wavy(torch.randn(4, 2), torch.arange(4) % 3).logits.shape == (4,)
    mixed = mlp.Generator(widths=(8,), components=7).build(signature)
    assert mixed(torch.randn(4, 5), torch.arange(4) % 3).shape == (4, 2)
