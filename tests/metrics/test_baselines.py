"""Baselines: the Gaussian has the mean and covariance of the data, of any rank; the copier copies."""

import numpy as np
import pytest
import torch

from mulligan.errors import DataError
from mulligan.metrics import baselines as module
from mulligan.metrics.baselines import gaussian, resampled
from mulligan.metrics.distances import frechet


def test_the_gaussian_has_the_mean_and_the_covariance_of_the_data() -> None:
    mixing = torch.tensor([[2.0, 0.5, 0.0], [0.0, 1.0, -0.7], [0.0, 0.0, 0.3]])
    train = torch.rand(400, 3, generator=torch.Generator().manual_seed(0)) @ mixing + torch.tensor([5.0, 0.0, -5.0])
    made = gaussian(train, 40_000)
    assert torch.allclose(made.mean(0), train.mean(0), atol=0.01)
    assert torch.allclose(made.T.cov(), train.T.cov(), atol=0.01)
    assert frechet(made, train) < 1e-3
    kurtosis = ((made - made.mean(0)) / made.std(0)).pow(4).mean(0)
    assert torch.allclose(kurtosis, torch.full((3,), 3.0), atol=0.15)


def test_images_come_out_as_images() -> None:
    train = np.random.default_rng(0).integers(0, 256, (300, 6, 6, 3), dtype=np.uint8)
    made = gaussian(train, 2000)
    assert made.shape == (2000, 6, 6, 3)
    assert made.dtype == torch.uint8
    assert (int(made.min()), int(made.max())) == (0, 255)  # clipped, never wrapped round
    assert float(made.float().mean()) == pytest.approx(train.mean(), abs=2)


def test_of_few_samples_the_gaussian_stays_in_their_span() -> None:
    train = torch.randn(4, 50, generator=torch.Generator().manual_seed(0))
    centred = gaussian(train, 200) - train.mean(0)
    assert int(torch.linalg.matrix_rank(centred.double(), rtol=1e-5)) == 3


def test_the_copier_copies_every_sample() -> None:
    train = torch.arange(30.0).reshape(10, 3)
    made = resampled(train, 500)
    counts = (made[:, None] == train).all(2).sum(0)
    assert int(counts.sum()) == 500
    assert int(counts.min()) > 20


def test_samples_are_those_of_their_seed_however_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    train = torch.rand(20, 4)
    for make in (gaussian, resampled):
        assert torch.equal(make(train, 9, seed=1), make(train, 9, seed=1))
        assert not torch.equal(make(train, 9, seed=1), make(train, 9, seed=2))
    whole = gaussian(train, 64, seed=1)
    monkeypatch.setattr(module, "_BLOCK", 16)
    assert torch.allclose(gaussian(train, 64, seed=1), whole, atol=1e-6)


@pytest.mark.parametrize("count", [1, 5])
def test_f22_one_sample_and_constant_samples_give_themselves(count: int) -> None:
    constant = torch.full((count, 4, 4), 9, dtype=torch.uint8)
    assert torch.equal(gaussian(constant, 3), constant[:1].repeat(3, 1, 1))
    assert torch.equal(resampled(constant, 3), constant[:1].repeat(3, 1, 1))


def test_what_cannot_be_made_is_named() -> None:
    for make in (gaussian, resampled):
        with pytest.raises(DataError, match="1 or more"):
            make(torch.zeros(3, 2), 0)
        with pytest.raises(DataError, match="not finite"):
            make(torch.full((3, 2), torch.inf), 4)
