"""Penalties against closed forms, and inside a compiled step."""

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad
from torch import Tensor

from mulligan.networks.mlp import Discriminator
from mulligan.penalties import one_centred, weight_clipping, zero_centred_fake, zero_centred_real
from mulligan.recipe import Signature

GENERATOR = torch.Generator().manual_seed(0)
REAL = torch.randn((5, 1, 2, 2), generator=GENERATOR, dtype=torch.float64)
FAKE = torch.randn((5, 1, 2, 2), generator=GENERATOR, dtype=torch.float64)
MIX = torch.rand(5, generator=GENERATOR, dtype=torch.float64)
W = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
MATRIX = torch.randn((4, 4), generator=GENERATOR, dtype=torch.float64)


def linear(x: Tensor) -> Tensor:
    return x.flatten(1) @ W + 7


def quadratic(x: Tensor, matrix: Tensor = MATRIX) -> Tensor:
    """Logits x A x, whose gradient is (A + A^T) x."""
    return ((x.flatten(1) @ matrix) * x.flatten(1)).sum(1)


@pytest.mark.parametrize(("penalty", "samples"), [(zero_centred_real, REAL), (zero_centred_fake, FAKE)])
def test_zero_centred_value(penalty: object, samples: Tensor) -> None:
    """Half the squared norm of the gradient, at the samples that it sees and at no others."""
    function = penalty.penalty  # type: ignore[attr-defined]  # a module
    torch.testing.assert_close(function(linear, REAL, FAKE, None), (0.5 * W @ W).expand(5))
    expected = 0.5 * (samples.flatten(1) @ (MATRIX + MATRIX.T)).square().sum(1)
    torch.testing.assert_close(function(quadratic, REAL, FAKE, None), expected)


def test_zero_centred_gradient() -> None:
    """For logits x A x, the penalty's gradient for A is the outer products g x^T + x g^T with g = (A + A^T) x."""
    gradient = torch.func.grad(lambda a: zero_centred_real.penalty(lambda x: quadratic(x, a), REAL, None, None).sum())(MATRIX)
    x = REAL.flatten(1)
    slope = x @ (MATRIX + MATRIX.T)
    torch.testing.assert_close(gradient, slope.T @ x + x.T @ slope)


def test_one_centred_value() -> None:
    torch.testing.assert_close(one_centred.penalty(linear, REAL, FAKE, MIX), (W.norm() - 1).square().expand(5))
    unit = W / W.norm()
    at_rest = one_centred.penalty(lambda x: x.flatten(1) @ unit, REAL, FAKE, MIX)
    torch.testing.assert_close(at_rest, torch.zeros(5, dtype=torch.float64))
    between = (MIX[:, None] * REAL.flatten(1) + (1 - MIX[:, None]) * FAKE.flatten(1)) @ (MATRIX + MATRIX.T)
    torch.testing.assert_close(one_centred.penalty(quadratic, REAL, FAKE, MIX), (between.norm(dim=1) - 1).square())


def test_one_centred_ends_of_the_line() -> None:
    """mix = 1 is the real sample and mix = 0 the fake."""
    real = one_centred.penalty(quadratic, REAL, FAKE, torch.ones_like(MIX))
    torch.testing.assert_close(real, one_centred.penalty(quadratic, REAL, REAL, MIX))


def test_one_centred_has_a_gradient_where_the_critic_is_flat() -> None:
    """The norm has no slope at zero: a plain square root would give nan there, and nothing would ever train again."""
    gradient = torch.func.grad(lambda w: one_centred.penalty(lambda x: x.flatten(1) @ w, REAL, FAKE, MIX).sum())(torch.zeros_like(W))
    assert bool((gradient == 0).all())


@pytest.mark.parametrize("penalty", [zero_centred_real, zero_centred_fake, one_centred])
def test_gradient_for_the_weights_of_a_network(penalty: object) -> None:
    """SciPy's finite differences, through a critic with two layers."""
    first = torch.randn((4, 3), generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def value(weights: Tensor) -> Tensor:
        def critic(x: Tensor) -> Tensor:
            return (x.flatten(1) @ weights.view(4, 3)).tanh().square().sum(1)

        return penalty.penalty(critic, REAL, FAKE, MIX).mean()  # type: ignore[attr-defined,no-any-return]  # a module

    def slope(weights: np.ndarray) -> np.ndarray:
        return torch.func.grad(value)(torch.from_numpy(weights)).numpy()

    assert check_grad(lambda weights: float(value(torch.from_numpy(weights))), slope, first.flatten().numpy()) < 1e-5


@pytest.mark.parametrize("penalty", [zero_centred_real, zero_centred_fake, one_centred])
def test_missing_samples_are_named(penalty: object) -> None:
    with pytest.raises(ValueError, match=r"looks at (real samples|fakes), and got none"):
        penalty.penalty(linear, None, None, MIX)  # type: ignore[attr-defined]  # a module


@pytest.mark.parametrize("limit", [0.01, torch.tensor(0.01)])
def test_weight_clipping(limit: float | Tensor) -> None:
    parameters = {"weight": torch.tensor([[-3.0, 0.004], [0.5, -0.009]]), "bias": torch.tensor([0.0])}
    clipped = weight_clipping.constraint(parameters, limit)
    torch.testing.assert_close(clipped["weight"], torch.tensor([[-0.01, 0.004], [0.01, -0.009]]))
    torch.testing.assert_close(clipped["bias"], parameters["bias"])
    assert float(parameters["weight"][0, 0]) == -3.0


@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")  # the compiler's own
def test_penalties_compile_as_one_graph_and_equal_eager() -> None:
    """A dense D with both zero-centred penalties, differentiated again, inside torch.compile(fullgraph=True)."""
    torch.manual_seed(0)
    module = Discriminator.tiny().build(Signature(sample=(6,), latent=2, scaling="none"))
    parameters = {name: tensor.detach() for name, tensor in module.named_parameters()}
    real, fake = torch.randn(2, 4, 6)

    def objective(parameters: dict[str, Tensor], real: Tensor, fake: Tensor) -> Tensor:
        def critic(x: Tensor) -> Tensor:
            logits: Tensor = torch.func.functional_call(module, parameters, (x,)).logits
            return logits

        both = zero_centred_real.penalty(critic, real, None, None) + zero_centred_fake.penalty(critic, None, fake, None)
        return (both + torch.nn.functional.softplus(critic(fake) - critic(real))).mean()

    step = torch.func.grad_and_value(objective)
    gradient, value = step(parameters, real, fake)
    compiled_gradient, compiled_value = torch.compile(step, fullgraph=True)(parameters, real, fake)
    torch.testing.assert_close(compiled_value, value, rtol=1e-6, atol=0)
    torch.testing.assert_close(compiled_gradient, gradient, rtol=1e-4, atol=1e-7)
