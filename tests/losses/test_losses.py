"""Values and gradients of every loss against closed forms that SciPy computes in its own way."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad, minimize_scalar
from scipy.special import expit, log_expit

from mulligan import find
from mulligan.losses import hinge, least_squares, minimax, non_saturating, pairing, wasserstein

Closed = Callable[[np.ndarray], np.ndarray]
D = np.random.default_rng(0).normal(0, 3, 50)

SINGLE = [
    # function of logits, its value, its derivative
    (minimax.real_loss, lambda d: -log_expit(d), lambda d: expit(d) - 1),
    (minimax.fake_loss, lambda d: -log_expit(-d), expit),
    (minimax.generator_loss, lambda d: np.log(1 - expit(d)), lambda d: -expit(d)),
    (non_saturating.real_loss, lambda d: -log_expit(d), lambda d: expit(d) - 1),
    (non_saturating.fake_loss, lambda d: -log_expit(-d), expit),
    (non_saturating.generator_loss, lambda d: -log_expit(d), lambda d: expit(d) - 1),
    (least_squares.real_loss, lambda d: (d - 1) ** 2 / 2, lambda d: d - 1),
    (least_squares.fake_loss, lambda d: d**2 / 2, lambda d: d),
    (least_squares.generator_loss, lambda d: (d - 1) ** 2 / 2, lambda d: d - 1),
    (hinge.real_loss, lambda d: np.maximum(0, 1 - d), lambda d: -1.0 * (d < 1)),
    (hinge.fake_loss, lambda d: np.maximum(0, 1 + d), lambda d: 1.0 * (d > -1)),
    (hinge.generator_loss, lambda d: -d, lambda d: -np.ones_like(d)),
    (wasserstein.real_loss, lambda d: -d, lambda d: -np.ones_like(d)),
    (wasserstein.fake_loss, lambda d: d, np.ones_like),
    (wasserstein.generator_loss, lambda d: -d, lambda d: -np.ones_like(d)),
]
NAMES = [f"{function.__module__.rpartition('.')[2]}.{function.__name__}" for function, _, _ in SINGLE]


def _gradient(function: Callable[[torch.Tensor], torch.Tensor], d: np.ndarray) -> np.ndarray:
    return torch.func.grad(lambda scores: function(scores).sum())(torch.from_numpy(d)).numpy()


@pytest.mark.parametrize(("function", "value", "slope"), SINGLE, ids=NAMES)
def test_values_and_gradients(function: Callable[[torch.Tensor], torch.Tensor], value: Closed, slope: Closed) -> None:
    np.testing.assert_allclose(function(torch.from_numpy(D)).numpy(), value(D), rtol=1e-9)
    np.testing.assert_allclose(_gradient(function, D), slope(D), rtol=1e-9)

    def total(d: np.ndarray) -> float:
        return float(function(torch.from_numpy(d)).sum())

    assert check_grad(total, lambda d: _gradient(function, d), D) < 1e-4


def test_pairing_values_and_gradients() -> None:
    real, fake = torch.from_numpy(D), torch.from_numpy(D[::-1].copy())
    difference = D - D[::-1]
    np.testing.assert_allclose(pairing.discriminator_loss(real, fake).numpy(), -log_expit(difference), rtol=1e-9)
    np.testing.assert_allclose(pairing.generator_loss(real, fake).numpy(), -log_expit(-difference), rtol=1e-9)
    for_real, for_fake = torch.func.grad(lambda r, f: pairing.discriminator_loss(r, f).sum(), argnums=(0, 1))(real, fake)
    np.testing.assert_allclose(for_real.numpy(), expit(difference) - 1, rtol=1e-9)
    np.testing.assert_allclose(for_fake.numpy(), 1 - expit(difference), rtol=1e-9)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("loss", [minimax, non_saturating])
def test_smoothing_is_cross_entropy_with_a_lower_target(loss: object, smoothing: float) -> None:
    """And the most real that a real sample may look is the logit of that target (Salimans et al. 2016, section 3.4)."""
    target = torch.full((50,), 1 - smoothing, dtype=torch.float64)
    d = torch.from_numpy(D)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(d, target, reduction="none")
    torch.testing.assert_close(loss.real_loss(d, smoothing=smoothing), expected)  # type: ignore[attr-defined]  # a module
    if smoothing:
        best = minimize_scalar(lambda d: float(loss.real_loss(torch.tensor(d), smoothing=smoothing)), bounds=(-9, 9))  # type: ignore[attr-defined]  # as above
        assert best.x == pytest.approx(np.log((1 - smoothing) / smoothing), abs=1e-2)


def test_game_of_goodfellow_at_its_optimum() -> None:
    """With D(x) = p / (p + q), V(D, G) is -log 4 plus twice the Jensen-Shannon divergence (Goodfellow et al. 2014, theorem 1)."""
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    logits = torch.from_numpy(np.log(p / q))
    value = -(p @ minimax.real_loss(logits).numpy() + q @ minimax.fake_loss(logits).numpy())
    middle = (p + q) / 2
    divergence = (p @ np.log(p / middle) + q @ np.log(q / middle)) / 2
    assert value == pytest.approx(-np.log(4) + 2 * divergence)


def test_only_the_minimax_generator_saturates() -> None:
    """Where D is sure of a fake, minimax has almost no slope left and the non-saturating loss the steepest."""
    sure = np.array([-10.0])
    assert abs(_gradient(minimax.generator_loss, sure)[0]) < 1e-4
    assert abs(_gradient(non_saturating.generator_loss, sure)[0]) > 0.9999


@pytest.mark.parametrize("name", find.names("losses"))
def test_everywhere_finite_in_float32(name: str) -> None:
    """No overflow at any logit that training may meet, where log(sigmoid) written out would give -inf."""
    loss = find.load("losses", name)
    d = torch.tensor([-1e6, -100.0, 0.0, 100.0, 1e6])
    pairs = [loss.discriminator_loss, loss.generator_loss] if loss.needs_pairs else []
    features = getattr(loss, "needs_features", False)  # its generator is told by features, which check_loss looks at
    single = [] if loss.needs_pairs else [loss.real_loss, loss.fake_loss, *([] if features else [loss.generator_loss])]
    assert all(function(d, -d).isfinite().all() for function in pairs)
    assert all(function(d).isfinite().all() for function in single)
