"""Modes: perfect samplers reach their ceilings and floors; collapsed, narrow, wide and misplaced ones are told apart."""

from math import exp, log

import numpy as np
import pytest
import torch

from mulligan.data import grid, ring
from mulligan.errors import DataError
from mulligan.metrics.modes import cell_modes, mixture_modes

CEILING = 1 - exp(-4.5)
MIXTURES = [(ring.MODES, ring.DEVIATION, ring.draw), (grid.MODES, grid.DEVIATION, grid.draw)]


def blurred(modes: np.ndarray, deviation: float, count: int, seed: int) -> torch.Tensor:
    generator = np.random.default_rng(seed)
    return torch.from_numpy(modes[generator.integers(len(modes), size=count)] + deviation * generator.standard_normal((count, 2)))


@pytest.mark.parametrize(("modes", "deviation", "draw"), MIXTURES)
def test_a_perfect_sampler_reaches_ceiling_floor_and_width(modes: np.ndarray, deviation: float, draw) -> None:  # type: ignore[no-untyped-def]
    results = [mixture_modes(draw(2500, np.random.default_rng(seed)), modes, deviation) for seed in range(12)]
    assert all(result.modes == result.strict_modes == result.of == len(modes) for result in results)
    assert np.mean([result.high_quality for result in results]) == pytest.approx(CEILING, abs=0.002)
    assert results[0].ceiling == pytest.approx(0.9889, abs=5e-5)
    assert np.mean([result.width for result in results]) == pytest.approx(1, abs=0.01)
    assert all(result.width == pytest.approx(1, abs=0.06) for result in results)
    assert np.mean([result.kl for result in results]) == pytest.approx(results[0].kl_floor, rel=0.3)
    assert all(result.off_mode == pytest.approx(1 - result.high_quality) for result in results)


@pytest.mark.parametrize("scale", [0.25, 0.7, 1.5, 2.5])
def test_width_is_told_though_samples_beyond_six_deviations_are_not_counted(scale: float) -> None:
    found = mixture_modes(blurred(ring.MODES, scale * ring.DEVIATION, 20_000, 0), ring.MODES, ring.DEVIATION)
    assert found.width == pytest.approx(scale, rel=0.05)
    assert found.high_quality == pytest.approx(1 - exp(-4.5 / scale**2), abs=0.01)


def test_eight_points_have_all_modes_and_no_width() -> None:
    for shift in (0.0, 0.02):  # exactly at the centres, and beside them
        found = mixture_modes(np.repeat(ring.MODES, 50, axis=0) + shift, ring.MODES, ring.DEVIATION)
        assert (found.modes, found.high_quality, found.kl) == (8, 1, pytest.approx(0, abs=1e-9))
        assert found.width == pytest.approx(0, abs=1e-5)
        assert found.high_quality > CEILING


def test_collapse_to_one_mode_is_log_k() -> None:
    points = ring.MODES[2] + ring.DEVIATION * np.random.default_rng(0).standard_normal((1000, 2))
    found = mixture_modes(points, ring.MODES, ring.DEVIATION)
    assert (found.modes, found.strict_modes) == (1, 1)
    assert found.kl == pytest.approx(log(8))
    assert found.width == pytest.approx(1, abs=0.1)


def test_kl_of_a_known_histogram_and_modes_with_a_stray_sample() -> None:
    """Shares 6/8 and 2/8 of two modes: log 2 minus their entropy. A third mode of one sample is a mode, but not strictly."""
    centres = torch.tensor([[0.0, 0], [9, 0], [0, 9]])
    found = mixture_modes(centres[torch.tensor([0] * 6 + [1] * 2)], centres[:2], 1.0)
    assert found.kl == pytest.approx(log(2) + 0.75 * log(0.75) + 0.25 * log(0.25))
    stray = mixture_modes(centres[torch.tensor([0] * 50 + [1] * 49 + [2])], centres, 1.0)
    assert (stray.modes, stray.strict_modes) == (3, 2)


def test_samples_between_the_modes_are_off_mode_and_no_width() -> None:
    generator = np.random.default_rng(0)
    noise = generator.uniform(-1.5, 1.5, (1250, 2))
    found = mixture_modes(np.concatenate([ring.draw(1250, generator), noise]), ring.MODES, ring.DEVIATION)
    assert found.off_mode == pytest.approx(0.5 + 0.5 * (1 - CEILING), abs=0.01)
    assert found.width == pytest.approx(1, abs=0.06)


def test_the_border_is_three_deviations() -> None:
    points = torch.tensor([[0.0, 2.99], [0.0, 3.01], [2.2, 2.2]])
    assert mixture_modes(points, torch.zeros(1, 2), 1.0).high_quality == pytest.approx(1 / 3)
    assert mixture_modes(torch.zeros(4, 1), torch.zeros(1, 1), 1.0).ceiling == pytest.approx(0.9973, abs=5e-5)


def test_perfect_cells_score_about_their_floor() -> None:
    generator = torch.Generator().manual_seed(0)
    found = [cell_modes(torch.randint(1000, (26_000,), generator=generator), of=1000) for _ in range(5)]
    assert all(result.modes == 1000 for result in found)
    assert found[0].kl_floor == pytest.approx(999 / 52_000)
    assert np.mean([result.kl for result in found]) == pytest.approx(found[0].kl_floor, rel=0.05)
    assert found[0].strict_kl == found[0].kl


def test_cells_that_are_missing_and_cells_that_are_unsure() -> None:
    cells = torch.arange(1000).repeat(4)
    found = cell_modes(cells[cells < 500], of=1000)
    assert (found.modes, found.kl) == (500, pytest.approx(log(2)))
    unsure = cell_modes(cells, of=1000, confident=cells < 250)
    assert (unsure.modes, unsure.kl, unsure.strict_modes) == (1000, pytest.approx(0, abs=1e-9), 250)
    assert unsure.strict_kl == pytest.approx(log(4))
    assert (unsure.high_quality, unsure.off_mode) == (0.25, 0.75)


@pytest.mark.parametrize("count", [1, 2])
def test_f22_few_samples_and_none_of_quality_have_figures(count: int) -> None:
    found = mixture_modes(torch.full((count, 2), 50.0), ring.MODES, ring.DEVIATION)
    assert (found.modes, found.high_quality, found.off_mode, found.width) == (0, 0, 1, None)
    assert found.kl == found.kl_floor == log(8)
    single = mixture_modes(torch.zeros(count, 2), torch.zeros(1, 2), 1.0)
    assert (single.modes, single.kl, single.kl_floor) == (1, 0, 0)
    none = cell_modes(torch.zeros(count, dtype=torch.int64), of=10, confident=torch.zeros(count, dtype=torch.bool))
    assert (none.modes, none.strict_modes, none.strict_kl) == (1, 0, log(10))


def test_what_cannot_be_counted_is_named() -> None:
    with pytest.raises(DataError, match="places among 3"):
        cell_modes(torch.tensor([0, 3]), of=3)
    with pytest.raises(DataError, match="places among 3"):
        cell_modes(torch.zeros(0, dtype=torch.int64), of=3)
    with pytest.raises(DataError, match="confidences"):
        cell_modes(torch.tensor([0, 1]), of=3, confident=torch.tensor([True]))
    with pytest.raises(DataError, match="deviation of 0"):
        mixture_modes(torch.zeros(3, 2), torch.zeros(2, 2), 0)
    with pytest.raises(DataError, match="cannot be compared"):
        mixture_modes(torch.zeros(3, 3), torch.zeros(2, 2), 1.0)
