"""Virtual batch normalisation, and that a sample does not depend on those beside it."""

import pytest
import torch

from mulligan.layers.virtual import Reference, VirtualBatchNorm
from mulligan.networks import conv, mlp
from mulligan.recipe import Network, Signature

SIGNATURE = Signature(sample=(1, 12, 12), latent=5, classes=3, scaling="symmetric")


@pytest.mark.parametrize("shape", [(3,), (3, 4, 4)])
def test_moments(shape: tuple[int, ...]) -> None:
    """The reference batch by its own moments; another sample by those of the reference batch and itself, as one of count + 1."""
    x = torch.randn(9, *shape, generator=torch.Generator().manual_seed(0)) * 3 + 1
    norm = VirtualBatchNorm(3, count=8, epsilon=1e-5)
    made = norm(x)
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    torch.testing.assert_close(made[:8].mean(axes), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(made[:8].var(axes, correction=0), torch.ones(3), rtol=1e-3, atol=0)
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, correction=0, keepdim=True)  # of all nine
    torch.testing.assert_close(made[8:], ((x - mean) / (variance + 1e-5).sqrt())[8:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", [mlp.Generator(widths=(8, 8)), conv.Generator(width=2)], ids=["mlp", "conv"])
def test_a_sample_does_not_depend_on_its_batch(network: Network) -> None:
    """In training mode too, where a sample of BatchNorm does."""
    z, label = torch.randn(6, 5, generator=torch.Generator().manual_seed(1)), torch.arange(6) % 3
    for normalisation, alike in (("virtual", True), ("batch", False)):
        torch.manual_seed(0)
        module = network.model_copy(update={"normalisation": normalisation, "reference": 7}).build(SIGNATURE).train()
        together = module(z, label)
        apart = torch.cat([module(z[:2], label[:2]), module(z[2:], label[2:])])
        assert torch.allclose(together, apart, atol=1e-5) == alike


def test_the_reference_batch_comes_from_the_prior() -> None:
    torch.manual_seed(0)
    uniform, normal = Reference(500, 4, 3, "uniform"), Reference(500, 4, 0, "normal")
    assert float(uniform.latents.abs().max()) <= 1 < float(normal.latents.abs().max())
    z, label = uniform(torch.zeros(2, 4), torch.tensor([2, 2]))
    assert torch.equal(z[:500], uniform.latents)
    assert label is not None
    assert label.tolist()[498:] == [0, 1, 2, 2]
    assert normal(torch.zeros(2, 4), None)[1] is None
