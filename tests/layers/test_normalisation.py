"""BatchNorm against its definition and against torch's."""

import numpy as np
import pytest
import torch
from torch import nn

from mulligan.layers.normalisation import BatchNorm


@pytest.mark.parametrize("shape", [(16, 3), (4, 3, 5, 5)])
def test_equals_its_definition(shape: tuple[int, ...]) -> None:
    """Training: by the batch, while the moving statistics go 1 - momentum of the way; inference: by the moving statistics."""
    x = np.random.default_rng(0).normal(2, 3, shape).astype(np.float32)
    norm = BatchNorm(3, momentum=0.9, epsilon=1e-3)
    axes = (0, *range(2, len(shape)))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    np.testing.assert_allclose(norm(torch.from_numpy(x)).detach().numpy(), (x - mean) / np.sqrt(variance + 1e-3), atol=1e-5)
    np.testing.assert_allclose(norm.mean.numpy(), 0.1 * mean.ravel(), rtol=1e-5)
    np.testing.assert_allclose(norm.variance.numpy(), 0.9 + 0.1 * x.var(axes, ddof=1), rtol=1e-5)
    moving_mean, moving_variance = (moving.numpy().reshape(mean.shape) for moving in (norm.mean, norm.variance))
    expected = (x - moving_mean) / np.sqrt(moving_variance + 1e-3)
    np.testing.assert_allclose(norm.eval()(torch.from_numpy(x)).detach().numpy(), expected, atol=1e-5)


def test_equals_torch_over_several_batches() -> None:
    own, theirs = BatchNorm(4, momentum=0.9, epsilon=1e-5), nn.BatchNorm1d(4, momentum=0.1, eps=1e-5)
    for batch in torch.randn(5, 8, 4, generator=torch.Generator().manual_seed(0)):
        torch.testing.assert_close(own(batch), theirs(batch))
    assert theirs.running_mean is not None
    torch.testing.assert_close(own.mean, theirs.running_mean)


def test_batch_statistics_belong_to_the_clones_that_are_handed_in() -> None:
    norm = BatchNorm(2)
    parameters = {name: tensor.detach() for name, tensor in norm.named_parameters()}
    x = torch.tensor([[0.0, 4.0], [2.0, 4.0]])

    def objective(parameters: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        buffers = {name: tensor.clone() for name, tensor in norm.named_buffers()}
        return torch.func.functional_call(norm, (parameters, buffers), (x,)).square().sum(), buffers

    _, buffers = torch.func.grad(objective, has_aux=True)(parameters)
    torch.testing.assert_close(buffers["mean"], torch.tensor([0.01, 0.04]))
    assert not norm.mean.any()


def test_f22_one_value_per_channel_is_normalised_by_the_moving_statistics() -> None:
    """A last batch of one has no variance: no division by zero, and moving statistics as they were."""
    norm = BatchNorm(2, epsilon=1e-3)
    torch.testing.assert_close(norm(torch.tensor([[3.0, -1.0]])), torch.tensor([[3.0, -1.0]]) / 1.001**0.5)
    assert torch.equal(norm.mean, torch.zeros(2))
    assert torch.equal(norm.variance, torch.ones(2))
