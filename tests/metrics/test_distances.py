"""Distances against closed forms, against a general solver and against the same formula in torchmetrics."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance
from torchmetrics.image.fid import _compute_fid

from mulligan.errors import DataError
from mulligan.metrics.distances import Slices, flat, frechet, sliced_wasserstein
from mulligan.metrics.features import random_features


def gaussian(count: int, mean: list[float], std: list[float], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, len(mean), generator=generator) * torch.tensor(std) + torch.tensor(mean)


def test_sliced_wasserstein_of_a_shift_is_its_length_over_the_root_of_the_dimension() -> None:
    points = gaussian(500, [0.0] * 20, [1.0] * 20, seed=0)
    shift = torch.randn(20, generator=torch.Generator().manual_seed(1))
    found = sliced_wasserstein(points + shift, points, directions=4000)
    assert found == pytest.approx(float(shift.norm()) / math.sqrt(20), rel=0.05)


def test_sliced_wasserstein_of_gaussians_of_two_widths_is_the_difference_of_their_widths() -> None:
    """On every line W2 of N(0, s^2) and N(0, t^2) is |s - t|."""
    found = sliced_wasserstein(gaussian(8_000, [0.0] * 3, [2.0] * 3, seed=0), gaussian(6_000, [0.0] * 3, [0.5] * 3, seed=1))
    assert found == pytest.approx(1.5, rel=0.03)


def test_sliced_wasserstein_on_a_line_is_exact_for_two_sizes() -> None:
    """{0, 2} against {0, 1, 2}: the quantiles differ by 1 on (1/3, 2/3) alone."""
    found = sliced_wasserstein(torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0], [0.0], [2.0]]))
    assert found == pytest.approx(math.sqrt(1 / 3))


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (5, 3), (64, 64), (90, 60)])
def test_one_line_dominates_the_general_first_order_distance(n: int, m: int) -> None:
    """W1 <= W2 on a line, with equality where all gaps are equal (SciPy knows W1 alone)."""
    generator = np.random.default_rng(n * m)
    a, b = generator.normal(size=n), generator.normal(size=m)
    ours = sliced_wasserstein(torch.tensor(a)[:, None], torch.tensor(b)[:, None])
    assert ours >= wasserstein_distance(a, b) - 1e-6
    assert sliced_wasserstein(torch.tensor(a)[:, None] + 3, torch.tensor(a)[:, None]) == pytest.approx(3, rel=1e-6)


def test_two_sizes_agree_with_repeating_samples() -> None:
    a, b = gaussian(6, [0.0, 1.0], [1.0, 2.0], seed=2), gaussian(4, [1.0, 0.0], [1.0, 1.0], seed=3)
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(a.repeat(2, 1), b.repeat(3, 1)), rel=1e-6)


def test_distances_are_zero_for_equal_sets_symmetric_and_blind_to_order() -> None:
    a, b = gaussian(50, [0.0] * 4, [1.0] * 4, seed=4), gaussian(70, [1.0] * 4, [2.0] * 4, seed=5)
    for distance in (sliced_wasserstein, frechet):
        assert distance(a, a) == pytest.approx(0, abs=1e-6)
        assert distance(a, b) == pytest.approx(distance(b, a), rel=1e-9)
        assert distance(a.flip(0), b) == pytest.approx(distance(a, b), rel=1e-6)


def test_slices_prepared_once_give_the_same_distance() -> None:
    reference = gaussian(40, [0.0] * 5, [1.0] * 5, seed=6)
    slices = Slices(reference, directions=16, seed=3)
    for seed in (7, 8):
        samples = gaussian(30, [1.0] * 5, [1.0] * 5, seed=seed)
        assert slices.distance(samples) == sliced_wasserstein(samples, reference, directions=16, seed=3)
    assert slices.distance(reference) != Slices(reference, directions=16, seed=4).distance(reference + 1)


def test_frechet_of_exact_moments_is_the_closed_form() -> None:
    """Sets built to have exactly a given mean and diagonal covariance: |m|^2 + sum (s - t)^2."""
    base = gaussian(200, [0.0] * 3, [1.0] * 3, seed=9).double()
    base = base - base.mean(0)
    white = base @ torch.linalg.inv(torch.linalg.cholesky(base.T @ base / 199)).T
    a = white * torch.tensor([1.0, 2.0, 3.0])
    b = white.flip(0) * torch.tensor([2.0, 2.0, 0.5]) + torch.tensor([1.0, 0.0, -2.0])
    assert frechet(a, b) == pytest.approx(1 + 0 + 6.25 + 5, rel=1e-5)


@pytest.mark.parametrize("count", [200, 1000])
def test_frechet_is_what_torchmetrics_computes_on_the_same_features(count: int) -> None:
    generator = torch.Generator().manual_seed(10)
    images = torch.randint(0, 256, (2, count, 12, 12), generator=generator, dtype=torch.uint8)
    images[1, :, :6] //= 2
    a, b = (random_features(part).double() for part in images)
    theirs = float(_compute_fid(a.mean(0), a.T.cov(), b.mean(0), b.T.cov()))
    assert frechet(a, b) == pytest.approx(theirs, rel=1e-4)


def test_frechet_of_fewer_samples_than_features_is_finite_and_right() -> None:
    """Five samples of 40 features: the root's trace is the nuclear norm of the product of the centred sets."""
    a, b = gaussian(5, [0.0] * 40, [1.0] * 40, seed=11).double(), gaussian(6, [0.5] * 40, [1.0] * 40, seed=12).double()
    centred_a, centred_b = (a - a.mean(0)) / 2, (b - b.mean(0)) / math.sqrt(5)
    overlap = torch.linalg.svdvals(centred_a @ centred_b.T).sum()
    expected = (a.mean(0) - b.mean(0)).square().sum() + centred_a.square().sum() + centred_b.square().sum() - 2 * overlap
    assert frechet(a, b) == pytest.approx(float(expected), rel=1e-5)


def test_f22_one_sample_and_constant_samples_have_a_distance() -> None:
    one, same = torch.zeros(1, 3), torch.full((9, 3), 2.0)
    assert frechet(one, same) == pytest.approx(12)
    assert frechet(one, one) == 0
    assert sliced_wasserstein(one, same, directions=5000) == pytest.approx(2, rel=0.05)


def test_flat_scales_images_and_leaves_points() -> None:
    assert flat(np.full((2, 4, 4, 3), 51, np.uint8)).tolist() == [[pytest.approx(0.2)] * 48] * 2
    assert flat(np.array([[1.5, -2.0]])).tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize(
    "samples", [torch.tensor([[math.nan]]), torch.tensor([[math.inf]]), torch.zeros(0, 3), torch.tensor(1.0), torch.zeros(4)]
)
def test_what_cannot_be_compared_is_named(samples: torch.Tensor) -> None:
    with pytest.raises(DataError):
        flat(samples)


def test_sets_of_different_widths_are_refused() -> None:
    for distance in (sliced_wasserstein, frechet):
        with pytest.raises(DataError, match="cannot be compared"):
            distance(torch.zeros(3, 2), torch.zeros(3, 4))
