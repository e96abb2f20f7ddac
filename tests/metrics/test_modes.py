"""Modes of a mixture: a perfect sample is at its ceilings, and what is missing, narrow or between shows."""

import pytest
import torch

from mulligan.data import grid, ring
from mulligan.metrics.modes import mixture_modes
from mulligan.randomness import numpy_generator


@pytest.mark.parametrize("data", [ring, grid])
def test_real_points_are_perfect(data) -> None:
    points = torch.from_numpy(data.draw(100_000, numpy_generator(0, "test")))
    found = mixture_modes(points, torch.as_tensor(data.MODES, dtype=torch.float32), data.DEVIATION)
    assert found.modes == found.of == len(data.MODES)
    assert found.high_quality == pytest.approx(0.9889, abs=0.002)
    assert found.kl < 5 * found.kl_floor
    assert found.width == pytest.approx(1, abs=0.05)


def test_what_is_wrong_shows() -> None:
    centres = torch.as_tensor(ring.MODES, dtype=torch.float32)
    points = torch.from_numpy(ring.draw(10_000, numpy_generator(0, "test")))
    narrow = centres[torch.arange(10_000) % 8] + 0.3 * (points - centres[torch.cdist(points, centres).argmin(1)])
    found = mixture_modes(narrow, centres, ring.DEVIATION)
    assert found.width is not None
    assert found.width < 0.4
    half = mixture_modes(points[points[:, 0] > 0.1], centres, ring.DEVIATION)
    assert half.modes < 8
    assert half.kl > 0.3
    nothing = mixture_modes(points + 0.5, centres, ring.DEVIATION)
    assert nothing.off_mode > 0.9
