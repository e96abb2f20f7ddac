"""The classifier score in closed form, and histograms of classes."""

import math

import numpy as np
import pytest
import torch

from mulligan.errors import DataError
from mulligan.metrics.classes import classifier_score, histogram, histogram_distance


def certain(classes: torch.Tensor, of: int = 10) -> torch.Tensor:
    return 100 * torch.nn.functional.one_hot(classes, of).float()


def test_certain_classes_score_the_exponent_of_their_entropy() -> None:
    assert classifier_score(certain(torch.arange(10).repeat(20))).value == pytest.approx(10)
    assert classifier_score(certain(torch.zeros(50, dtype=torch.int64))).value == pytest.approx(1)
    uneven = certain(torch.tensor([0] * 60 + [1] * 20 + [2] * 20))
    assert classifier_score(uneven).value == pytest.approx(math.exp(-0.6 * math.log(0.6) - 0.4 * math.log(0.2)))


def test_a_classifier_that_knows_nothing_scores_one() -> None:
    found = classifier_score(torch.zeros(30, 10))
    assert (found.low, found.value, found.high) == pytest.approx((1, 1, 1))


def test_the_score_is_the_divergence_written_out() -> None:
    logits = torch.randn(200, 5, generator=torch.Generator().manual_seed(0)).double() * 2
    p = logits.float().double().softmax(1)
    expected = math.exp(float((p * (p / p.mean(0)).log()).sum(1).mean()))
    assert classifier_score(logits).value == pytest.approx(expected)


def test_the_interval_holds_the_score_of_many_samples_and_stays_possible() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = classifier_score(torch.randn(100_000, 6, generator=generator) * 3).value
    found = [classifier_score(torch.randn(300, 6, generator=generator) * 3, seed) for seed in range(60)]
    assert np.mean([result.low <= truth <= result.high for result in found]) >= 0.8
    assert all(1 <= result.low <= result.value <= result.high <= 6 for result in found)
    best = classifier_score(certain(torch.arange(10).repeat(3)))
    assert best.high == 10


def test_histograms_and_their_distance() -> None:
    shares = histogram(certain(torch.tensor([0, 0, 3, 9])))
    assert shares.tolist() == [0.5, 0, 0, 0.25, 0, 0, 0, 0, 0, 0.25]
    even = torch.full((10,), 0.1)
    assert histogram_distance(shares, shares) == 0
    assert histogram_distance(shares, even) == pytest.approx(0.7)
    assert histogram_distance(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])) == 1


def test_f22_a_single_sample_has_a_score() -> None:
    assert classifier_score(torch.tensor([[3.0, 1.0]])).value == pytest.approx(1)
    assert histogram(torch.tensor([[3.0, 1.0]])).tolist() == [1, 0]


def test_what_cannot_be_compared_is_named() -> None:
    with pytest.raises(DataError, match="histograms"):
        histogram_distance(torch.ones(2) / 2, torch.ones(3) / 3)
    with pytest.raises(DataError, match="not finite"):
        classifier_score(torch.full((2, 3), torch.nan))
