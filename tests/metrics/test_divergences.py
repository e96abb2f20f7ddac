from math import log

import numpy as np
import pytest
import torch

from mulligan.errors import DataError
from mulligan.metrics.divergences import CELLS, EVEN, Plane


def normal(count: int, seed: int, mean: float = 0.0, deviation: float = 0.5) -> torch.Tensor:
    return mean + deviation * torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))


def test_a_density_is_one() -> None:
    plane = Plane(normal(500, 0), side=3.0)
    for points in (normal(300, 1), normal(10, 2, mean=2.9), normal(10, 3, mean=50.0)):
        density = plane.density(points)
        assert density.shape == (CELLS**2 + 1,)
        assert float(density.sum()) == pytest.approx(1)
        assert float(density.min()) >= EVEN / (CELLS**2 + 1) * 0.999


def test_two_gaussians_are_as_far_apart_as_their_formula_says() -> None:
    """KL of round Gaussians of one deviation s: the squared distance of their means over 2 s^2; smoothing by a cell widens both."""
    plane = Plane(normal(200_000, 0), side=4.0)
    found = plane.compare(normal(200_000, 1, mean=0.4))
    width = 0.5**2 + (8 / CELLS) ** 2 * (1 + 1 / 12)
    assert found.kl == pytest.approx(2 * 0.4**2 / (2 * width), rel=0.05)
    assert 0 < found.js < found.kl


def test_what_never_meets_is_as_far_as_can_be() -> None:
    plane = Plane(normal(2000, 0, mean=-1.5, deviation=0.1), side=3.0)
    found = plane.compare(normal(2000, 1, mean=1.5, deviation=0.1))
    assert found.js == pytest.approx(log(2), abs=0.01)
    assert found.missed > 0.98
    assert found.stray > 0.98
    assert 5 < found.kl < 20


def test_a_lost_mode_is_missed_and_a_stray_sample_is_not() -> None:
    two = torch.cat([normal(2000, 0, mean=-1.5, deviation=0.1), normal(2000, 1, mean=1.5, deviation=0.1)])
    plane = Plane(two, side=3.0)
    lost = plane.compare(normal(2000, 2, mean=1.5, deviation=0.1))
    assert lost.missed == pytest.approx(0.5, abs=0.02)
    assert lost.stray < 0.02
    more = plane.compare(torch.cat([two, normal(1000, 3, mean=0.0, deviation=0.1)]))
    assert more.missed < 0.02
    assert more.stray == pytest.approx(0.2, abs=0.02)


def test_samples_of_the_data_score_about_the_floor() -> None:
    plane = Plane(normal(20_000, 0), side=3.0)
    floor = plane.floor(normal(2000, seed) for seed in range(1, 9))
    other = plane.compare(normal(2000, 9))
    assert 0 < floor.js < floor.kl < 0.2
    assert other.kl == pytest.approx(floor.kl, rel=0.25)
    assert other.js == pytest.approx(floor.js, rel=0.25)


def test_the_floor_falls_with_the_number_of_samples() -> None:
    plane = Plane(normal(20_000, 0), side=3.0)
    assert plane.floor([normal(8000, 1)]).js < plane.floor([normal(500, 1)]).js / 4


@pytest.mark.parametrize("points", [np.zeros((3, 3)), np.zeros((0, 2)), np.array([[0.0, np.nan]])])
def test_other_points_are_refused(points: np.ndarray) -> None:
    with pytest.raises(DataError):
        Plane(points, side=3.0)
