"""The update equals torch's own Adam."""

import pytest
import torch

from mulligan.recipe import Adam
from mulligan.training.update import adam, adam_in_place


@pytest.mark.parametrize(
    "settings",
    [
        Adam(rate=2e-4),
        Adam(rate=1e-3, beta1=0.9, epsilon=1e-7),
        Adam(rate=5e-4, beta1=0.0, beta2=0.99),
        Adam(rate=0.1, beta1=0.99, beta2=0.9, epsilon=1e-2),
    ],
)
def test_adam_equals_torch(settings: Adam) -> None:
    generator = torch.Generator().manual_seed(0)
    parameter = torch.randn(40, generator=generator)
    theirs = parameter.clone().requires_grad_()
    optimiser = torch.optim.Adam([theirs], lr=settings.rate, betas=(settings.beta1, settings.beta2), eps=settings.epsilon)
    first, second = torch.zeros(40), torch.zeros(40)
    for updates in range(1, 101):
        gradient = torch.randn(40, generator=generator) * 10.0 ** float(torch.randint(-4, 3, (), generator=generator))
        theirs.grad = gradient.clone()
        optimiser.step()
        parameter, first, second = adam(
            parameter, gradient, first, second, torch.tensor(float(updates)), torch.tensor(settings.rate), settings
        )
        torch.testing.assert_close(parameter, theirs.detach(), rtol=1e-5, atol=100 * settings.rate * 1e-5)
    torch.testing.assert_close(first, optimiser.state[theirs]["exp_avg"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(second, optimiser.state[theirs]["exp_avg_sq"], rtol=1e-4, atol=1e-6)


def test_arguments_stay() -> None:
    tensors = [torch.ones(3) for _ in range(4)]
    adam(*tensors, torch.tensor(1.0), torch.tensor(0.1), Adam())
    assert all(torch.equal(tensor, torch.ones(3)) for tensor in tensors)


def test_a_zero_gradient_moves_nothing() -> None:
    zero = torch.zeros(3)
    assert torch.equal(adam(torch.ones(3), zero, zero, zero, torch.tensor(1.0), torch.tensor(0.1), Adam()).parameter, torch.ones(3))


def test_in_place_is_the_same() -> None:
    """The eager step's kernel; and where something was not finite, it leaves all as it is."""
    generator = torch.Generator().manual_seed(0)
    settings = Adam(rate=1e-3, beta1=0.9)
    parameter, gradient, first = torch.randn((3, 40), generator=generator)
    second = torch.rand(40, generator=generator)
    updates, rate = torch.tensor(7.0), torch.tensor(settings.rate)
    expected = adam(parameter, gradient, first, second, updates, rate, settings)
    before = [tensor.clone() for tensor in (parameter, first, second)]
    adam_in_place(parameter, gradient, first, second, updates, rate, settings, torch.tensor(False))
    assert all(torch.equal(tensor, old) for tensor, old in zip((parameter, first, second), before, strict=True))
    adam_in_place(parameter, gradient, first, second, updates, rate, settings, torch.tensor(True))
    for ours, theirs in zip((parameter, first, second), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)
    assert float(updates) == 7
