"""The random network: its published weights, its indifference to company, and what its features see."""

import numpy as np
import pytest
import torch

from mulligan.errors import DataError
from mulligan.metrics.distances import frechet
from mulligan.metrics.random_network import FEATURES, PUBLISHED, feature_hash, random_depths, random_features, random_network


def images(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_are_the_published_ones(channels: int) -> None:
    assert feature_hash(channels) == PUBLISHED[channels]


def test_the_random_network_keeps_the_scale_of_what_passes() -> None:
    for channels in (1, 3):
        network = random_network(channels)
        for weight in network.convolutions:
            fan_in = weight[0].numel()
            assert float(weight.std()) == pytest.approx((2 / (fan_in * 1.04)) ** 0.5, rel=0.05)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (64, 64), (37, 28), (4, 4, 3)])
def test_features_have_one_shape_for_any_size(shape: tuple[int, ...]) -> None:
    features = random_features(images(3, *shape))
    assert features.shape == (3, FEATURES)
    assert features.dtype == torch.float32
    assert bool(features.isfinite().all())


def test_features_do_not_depend_on_company() -> None:
    given = images(150, 20, 20)
    together = random_features(given)
    for part in (slice(0, 1), slice(64, 70), slice(0, 149)):
        # bit for bit in the same place of a block; elsewhere kernels may round edges differently
        assert torch.equal(random_features(given[part]), together[part])
    assert torch.allclose(random_features(given[37:90]), together[37:90], rtol=1e-5, atol=1e-5)


def test_early_features_are_others_of_the_same_images() -> None:
    given = images(70, 28, 28)
    depths = random_depths(given)
    assert torch.equal(depths["late"], random_features(given))
    assert depths["early"].shape == (70, 256)
    assert int(depths["early"].std(0).gt(0).sum()) == 256
    assert torch.equal(random_depths(given[:65])["early"], depths["early"][:65])


def test_an_array_and_a_tensor_have_the_same_features() -> None:
    given = images(3, 16, 16, 3)
    assert torch.equal(random_features(given), random_features(torch.from_numpy(given)))


def test_no_images_have_no_features() -> None:
    assert random_features(images(0, 28, 28)).shape == (0, FEATURES)


def test_the_distance_grows_with_noise_and_with_lost_classes() -> None:
    """Ordered corruptions of one set get ordered distances."""
    generator = np.random.default_rng(1)
    centres = generator.integers(6, 22, (400, 2))
    rows, columns = np.mgrid[:28, :28]
    blobs = np.exp(-((rows - centres[:, :1, None]) ** 2 + (columns - centres[:, 1:, None]) ** 2) / 12) * 255
    noise = generator.normal(size=blobs.shape)
    reference = random_features(blobs[:200].astype(np.uint8))
    noisy = [
        frechet(random_features(np.clip(blobs[200:] + level * noise[200:], 0, 255).astype(np.uint8)), reference) for level in (0, 20, 60)
    ]
    fewer = [
        frechet(random_features(np.resize(blobs[200 : 200 + kept], (200, 28, 28)).astype(np.uint8)), reference) for kept in (200, 10, 1)
    ]
    assert noisy == sorted(noisy)
    assert fewer == sorted(fewer)
    assert fewer[2] > 5 * fewer[0]


@pytest.mark.parametrize("given", [np.zeros((2, 28, 28)), images(2, 28, 28, 4), images(2, 3, 28), images(5), images(2, 2, 28, 28, 3)])
def test_what_is_no_image_is_refused(given: np.ndarray) -> None:
    with pytest.raises(DataError, match="have no features"):
        random_features(given)
