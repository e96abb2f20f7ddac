"""Intervals: they hold what they are for in about 95 of 100 draws, and shrink as samples grow."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from mulligan.metrics.distances import frechet, frechet_estimate, sliced_estimate, sliced_wasserstein
from mulligan.metrics.estimates import RESAMPLES, Estimate, of_deviations, of_mean, of_percentiles, of_statistic, resample_counts
from mulligan.metrics.kernel import kernel_distance, kernel_estimate

DRAWS = 24
SLICED = partial(sliced_wasserstein, directions=32), partial(sliced_estimate, directions=32)
DISTANCES = [(frechet, frechet_estimate), SLICED, (kernel_distance, kernel_estimate)]


def normal(count: int, dimensions: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.parametrize("shift", [0.0, 0.8])
@pytest.mark.parametrize(("distance", "estimate"), DISTANCES)
def test_intervals_hold_the_mean_of_the_distance_at_that_size(
    distance: Callable[..., float], estimate: Callable[..., Estimate], shift: float
) -> None:
    """Equal distributions, where distances are nothing but noise, and shifted ones. One seed: another one takes other directions."""
    truth = np.mean([distance(normal(80, 4, 2 * seed, shift), normal(80, 4, 2 * seed + 1)) for seed in range(1000, 1200)])
    found = [estimate(normal(80, 4, 2 * seed, shift), normal(80, 4, 2 * seed + 1)) for seed in range(DRAWS)]
    assert np.mean([result.low <= truth <= result.high for result in found]) >= 0.85
    assert all(result.low <= result.value <= result.high for result in found)
    if shift:  # neither all there is: no interval may hold twice the distance, and those of a real distance do not hold 0
        assert np.mean([result.low > 0 and result.high < 2 * truth for result in found]) > 0.9


@pytest.mark.parametrize(("distance", "estimate"), DISTANCES)
def test_the_value_of_an_estimate_is_the_distance(distance: Callable[..., float], estimate: Callable[..., Estimate]) -> None:
    a, b = normal(90, 5, 0, shift=1.0), normal(60, 5, 1)
    assert estimate(a, b).value == distance(a, b)
    assert estimate(a, b, seed=3) == estimate(a, b, seed=3) != estimate(a, b, seed=4)


@pytest.mark.parametrize("estimate", [pair[1] for pair in DISTANCES])
def test_intervals_shrink_with_more_samples(estimate: Callable[..., Estimate]) -> None:
    few, many = (estimate(normal(count, 5, 0, shift=1.0), normal(count, 5, 1)) for count in (100, 2500))
    assert 2.5 < (few.high - few.low) / (many.high - many.low) < 10  # the root of 25 is 5


@pytest.mark.parametrize("estimate", [frechet_estimate, sliced_estimate, kernel_estimate])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_f22_few_and_constant_samples_have_intervals(estimate: Callable[..., Estimate], count: int) -> None:
    constant = torch.full((count, 3), 2.0)
    found = estimate(constant, constant)
    moved = estimate(constant, normal(9, 3, 0))
    assert found.value == pytest.approx(0, abs=1e-6)
    assert moved.value > 0
    if estimate is frechet_estimate and count < 2 * 3:  # a covariance of fewer than twice as many samples as features is mostly noise
        assert np.isnan([found.low, found.high, moved.low, moved.high]).all()
    else:
        assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-6)
        assert np.isfinite([moved.low, moved.high]).all()


def test_blocks_of_samples_give_the_interval_of_single_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorted data: blocks are drawn at random, so that none is all of one kind."""
    a, b = normal(3000, 3, 0, shift=0.5).sort(dim=0).values, normal(3000, 3, 1)
    monkeypatch.setattr("mulligan.metrics.distances._BLOCKS", 3000)
    single = frechet_estimate(a, b)
    monkeypatch.setattr("mulligan.metrics.distances._BLOCKS", 250)
    blocks = frechet_estimate(a, b)
    assert blocks.high - blocks.low == pytest.approx(single.high - single.low, rel=0.3)


def test_fewer_directions_are_scaled_to_what_more_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = normal(300, 40, 0, shift=0.2), normal(300, 40, 1)
    all_of_them = sliced_estimate(a, b)
    monkeypatch.setattr("mulligan.metrics.distances._ALONG", 0)
    few = sliced_estimate(a, b)
    assert few.high - few.low == pytest.approx(all_of_them.high - all_of_them.low, rel=0.5)


def test_the_interval_of_a_mean_holds_it_and_has_the_width_of_its_error() -> None:
    found = [of_mean((normal(200, 1, seed, shift=3.0)).squeeze(1), seed) for seed in range(100)]
    assert 0.88 <= np.mean([result.low <= 3 <= result.high for result in found]) <= 1
    assert np.mean([result.high - result.low for result in found]) == pytest.approx(2 * 1.96 / 200**0.5, rel=0.06)
    share = of_mean(torch.arange(100) < 30)
    assert share.value == pytest.approx(0.3)
    assert (share.low, share.high) == (pytest.approx(0.21, abs=0.03), pytest.approx(0.39, abs=0.03))


def test_a_statistic_is_resampled_as_a_mean_is() -> None:
    values = normal(300, 1, 0).squeeze(1).double()
    as_mean, as_statistic = of_mean(values), of_statistic(lambda places: values[places].mean(1), len(values))
    assert as_statistic.value == pytest.approx(as_mean.value)
    assert as_statistic.high - as_statistic.low == pytest.approx(as_mean.high - as_mean.low, rel=0.25)


def test_counts_of_a_resample_sum_to_its_size() -> None:
    counts = resample_counts(50, seed=0, stream="test")
    assert counts.shape == (RESAMPLES, 50)
    assert counts.sum(1).unique().tolist() == [50]
    assert float(counts.double().var(0).mean()) == pytest.approx(1 - 1 / 50, rel=0.1)  # that of a multinomial


def test_deviations_are_laid_round_the_value_the_other_way_round_and_never_below_the_least() -> None:
    resampled = torch.cat([torch.zeros(100), torch.full((100,), 10.0)]) + 50  # far above the value: that is their bias
    assert of_deviations(7.0, resampled) == Estimate(7.0, 2.0, 12.0)
    assert of_deviations(1.0, resampled) == Estimate(1.0, 0.0, 6.0)
    assert of_percentiles(7.0, resampled) == Estimate(7.0, 50.0, 60.0)
