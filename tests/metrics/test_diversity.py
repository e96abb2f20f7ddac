"""Diversity in closed form: spread of Gaussians, Vendi of separate modes, effective rank of known covariances."""

import math

import pytest
import torch

from mulligan.data.ring import MODES
from mulligan.metrics import nearest as nearest_module
from mulligan.metrics.diversity import duplicates, effective_rank, kernel_width, spread, vendi


def normal(count: int, dimensions: int, seed: int) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))


def test_spread_is_the_mean_of_all_pairs_and_of_a_gaussian_that_of_chi() -> None:
    rows = normal(150, 3, 0)
    assert spread(rows) == pytest.approx(float(torch.pdist(rows.double()).mean()))
    chi = 2 * math.gamma(2) / math.gamma(1.5)  # mean length of N(0, 2 I) in three dimensions
    assert spread(normal(6000, 3, 1)) == pytest.approx(chi, rel=0.03)


def test_vendi_counts_modes_that_lie_apart() -> None:
    ring = torch.from_numpy(MODES).float().repeat(100, 1) + 0.01 * normal(800, 2, 0)
    width = kernel_width(ring)
    assert vendi(ring, width) == pytest.approx(8, rel=0.02)
    some = ring.reshape(100, 8, 2)[:, :5].reshape(-1, 2)
    assert vendi(some, width) == pytest.approx(5, rel=0.02)
    modes = ring.reshape(100, 8, 2)
    uneven = torch.cat([modes[:, 0], modes[:50, 2], modes[:50, 5]])  # shares of 1/2, 1/4 and 1/4: an entropy of 1.5 log 2
    assert vendi(uneven, width) == pytest.approx(2**1.5, rel=0.02)


def test_vendi_is_n_for_samples_unlike_each_other_and_one_for_equal_ones() -> None:
    assert vendi(torch.eye(40) * 100, width=1.0) == pytest.approx(40)
    assert vendi(torch.ones(40, 3), width=1.0) == pytest.approx(1)
    pairs = torch.eye(20).repeat(2, 1) * 100
    assert vendi(pairs, width=1.0) == pytest.approx(20)


def test_vendi_sees_collapse_within_what_is_kept() -> None:
    real = normal(600, 20, 0)
    width = kernel_width(real)
    scores = [vendi(rows, width) for rows in (normal(600, 20, 1), real * 0.7, real[:60].repeat(10, 1))]
    assert scores[0] == pytest.approx(vendi(real, width), rel=0.03)
    assert scores[0] > 1.1 * scores[1] > 2 * scores[2]
    assert scores[2] <= 60


def test_effective_rank_of_known_covariances() -> None:
    assert effective_rank(normal(20_000, 6, 0)) == pytest.approx(6, rel=0.01)
    assert effective_rank(normal(50, 1, 1) * torch.ones(9)) == pytest.approx(1)
    shares = torch.tensor([4.0, 1.0]) / 5
    expected = math.exp(-float((shares * shares.log()).sum()))
    assert effective_rank(normal(20_000, 2, 2) * torch.tensor([2.0, 1.0])) == pytest.approx(expected, rel=0.02)
    assert effective_rank(normal(5, 300, 3)) == pytest.approx(4, rel=0.02)  # five rows span four directions


def test_duplicates_are_counted_in_the_radius() -> None:
    rows = torch.cat([normal(50, 5, 0) * 10, normal(25, 5, 1) * 10])
    rows[:25] = rows[25:50] + 1e-4
    assert duplicates(rows, radius=0.01) == pytest.approx(50 / 75)
    assert duplicates(rows, radius=1e-6) == 0


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = normal(200, 4, 0)
    before = spread(rows), kernel_width(rows), vendi(rows, 1.0), duplicates(rows, 0.2)
    monkeypatch.setattr(nearest_module, "BLOCK", 900)
    assert (spread(rows), kernel_width(rows), vendi(rows, 1.0), duplicates(rows, 0.2)) == pytest.approx(before)


@pytest.mark.parametrize("count", [1, 4])
def test_f22_one_sample_and_constant_samples_have_no_diversity(count: int) -> None:
    constant = torch.full((count, 3), 5.0)
    assert spread(constant) == 0
    assert effective_rank(constant) == 0
    assert kernel_width(constant) == 1
    assert vendi(constant, kernel_width(constant)) == pytest.approx(1)
    assert duplicates(constant, 0.0) == (count > 1)
