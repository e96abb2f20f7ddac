"""Moments against arrays, and what blur and noise do to sharpness."""

import numpy as np
import pytest
import torch

from mulligan.data.digits import load
from mulligan.errors import DataError
from mulligan.metrics.moments import moments
from mulligan.recipe import Data


def test_columns_of_points_have_their_own_moments() -> None:
    points = np.random.default_rng(0).normal(size=(500, 3)) * [1, 2, 3] + [0, 5, -5]
    found = moments(points)
    assert found.mean == pytest.approx(points.mean(0).tolist(), abs=1e-5)
    assert found.std == pytest.approx(points.std(0).tolist(), rel=1e-5)
    assert found.sharpness is None


def test_channels_of_images_have_their_own_moments() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    found = moments(images)
    assert found.mean == pytest.approx((images / 255).mean((0, 1, 2)).tolist(), rel=1e-5)
    assert found.std == pytest.approx((images / 255).std((0, 1, 2)).tolist(), rel=1e-4)
    assert len(moments(images[..., 0]).mean) == 1


def test_sharpness_of_a_checkerboard_and_of_a_slope() -> None:
    """On a checkerboard a pixel differs from all its neighbours by the full range; on a slope it is their mean."""
    rows, columns = np.mgrid[:10, :10]
    board = ((rows + columns) % 2 * 255).astype(np.uint8)[None]
    slope = (rows * 10 + columns * 3).astype(np.uint8)[None]
    assert moments(board).sharpness == pytest.approx(1)
    assert moments(slope).sharpness == pytest.approx(0, abs=1e-6)


def test_blur_and_noise_show_in_the_sharpness_of_digits() -> None:
    digits = torch.from_numpy(load(Data(source="digits")).test.target)[:300, 0]
    shares = digits.float()[:, None]
    blurred = torch.nn.functional.avg_pool2d(shares, 3, stride=1, padding=1)[:, 0].to(torch.uint8)
    noise = torch.randint(-40, 41, digits.shape, generator=torch.Generator().manual_seed(0))
    noisy = (digits.long() + noise).clamp(0, 255).to(torch.uint8)
    sharp = moments(digits).sharpness
    assert moments(blurred).sharpness < 0.6 * sharp
    assert moments(noisy).sharpness > 1.3 * sharp


def test_f22_one_and_constant_samples_have_moments() -> None:
    found = moments(torch.full((1, 2, 2), 51, dtype=torch.uint8))
    assert found.mean == pytest.approx((0.2,))
    assert found.std == (0,)
    assert found.sharpness is None


def test_other_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="do not end in their channels"):
        moments(torch.zeros(2, 1, 8, 8))
