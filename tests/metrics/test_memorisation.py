"""Memorisation: fresh data raise no alarm, copies of either sort raise theirs, on Gaussians and on digits."""

import numpy as np
import pytest
import torch

from mulligan.data.digits import load
from mulligan.errors import DataError
from mulligan.metrics import nearest as nearest_module
from mulligan.metrics.memorisation import PAIRS, memorisation
from mulligan.metrics.projection import Projection
from mulligan.recipe import Data


def normal(count: int, seed: int, dimensions: int = 8) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("m", "t"), [(1000, 1000), (4000, 700), (500, 2000)])
def test_fresh_draws_have_a_ratio_of_one_and_about_half_are_authentic(m: int, t: int) -> None:
    found = memorisation(normal(1500, 0), normal(m, 1), normal(t, 2))
    assert found.ratio is not None
    assert found.ratio.value == pytest.approx(1, abs=0.03)
    assert found.ratio.low <= found.ratio.value <= found.ratio.high
    assert found.authenticity.value == pytest.approx(found.held_out_authenticity, abs=0.06)
    assert 0.45 < found.authenticity.value < 0.65
    assert found.copies < 0.03
    assert found.duplicates < 0.03


def test_copies_of_training_samples_are_found_and_shown() -> None:
    train, test = normal(800, 1), normal(400, 2)
    places = torch.randint(800, (300,), generator=torch.Generator().manual_seed(0))
    found = memorisation(train[places], train, test)
    assert found.authenticity.value == 0
    assert found.copies == 1
    assert found.ratio is not None
    assert found.ratio.high < 1
    assert torch.equal(places[found.pairs[:, 0]], found.pairs[:, 1])
    assert float(found.distances.max()) == 0
    assert memorisation(train[places], train, normal(800, 3)).ratio == type(found.ratio)(0, 0, 0)


def test_a_share_of_copies_is_that_share() -> None:
    train = normal(1000, 1)
    mixed = torch.cat([normal(300, 0), train[:100] + 1e-4])
    for test in (normal(1000, 2), None):
        found = memorisation(mixed, train, test)
        assert found.copies == pytest.approx(0.25, abs=0.02)
        assert found.duplicates < 0.03
        assert set(found.pairs[:, 0].tolist()) <= set(range(300, 400))
    assert found.ratio is found.held_out_authenticity is None


def test_a_collapsed_set_is_its_own_duplicate_and_copies_nothing() -> None:
    train = normal(1000, 1)
    found = memorisation(normal(20, 0).repeat(50, 1), train, normal(500, 2))
    assert found.duplicates == 1
    assert found.copies < 0.06


def test_sets_of_different_sizes_are_calibrated() -> None:
    """Among ten times as many samples each has a nearer neighbour; that alone is no sign of copying."""
    for n, m in ((4000, 400), (400, 4000)):
        assert memorisation(normal(n, 0), normal(m, 1)).duplicates < 0.035


def test_twenty_training_samples_and_copies_of_them() -> None:
    train = normal(20, 1)
    copied = memorisation(train.repeat(5, 1) + 1e-3 * normal(100, 0), train, normal(10, 2))
    assert copied.copies == 1
    assert copied.authenticity.value == 0
    fresh = np.mean([memorisation(normal(100, 10 + seed), normal(20, 50 + seed), normal(20, 90 + seed)).copies for seed in range(5)])
    assert fresh < 0.2


def test_digits_held_out_are_fresh_and_training_digits_are_copies() -> None:
    dataset = load(Data(source="digits"))
    pixels, held_out = torch.from_numpy(dataset.train.target[:3000]), torch.from_numpy(dataset.test.target)
    projection = Projection.fit(pixels)
    rows, real = projection.apply(pixels), projection.apply(held_out)
    fresh = memorisation(real[:1000], rows[:2000], real[1000:])
    assert fresh.ratio is not None
    assert fresh.ratio.value == pytest.approx(1, abs=0.05)
    assert fresh.authenticity.value == pytest.approx(fresh.held_out_authenticity, abs=0.06)
    assert fresh.copies < 0.03
    copied = memorisation(rows[:1000] + 0.05 * normal(1000, 0, 64), rows[:2000], real[1000:])
    assert copied.copies > 0.95
    assert copied.authenticity.value < 0.05


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = normal(60, 0), normal(90, 1), normal(50, 2)
    before = memorisation(*sets)
    monkeypatch.setattr(nearest_module, "BLOCK", 300)
    after = memorisation(*sets)
    assert (after.ratio, after.authenticity, after.copies, after.duplicates) == (
        before.ratio,
        before.authenticity,
        before.copies,
        before.duplicates,
    )
    assert torch.equal(after.pairs, before.pairs)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_f22_few_and_constant_samples_have_figures(count: int) -> None:
    constant = torch.full((count, 3), 4.0)
    found = memorisation(constant, constant, constant)
    assert found.ratio is None  # every sample equals a test sample: there is nothing to divide by
    assert (found.authenticity.value, found.copies) == (0, 1)
    assert found.pairs.shape == (min(count, PAIRS), 2)
    single = memorisation(normal(count, 0), normal(1, 1), normal(1, 2))
    assert single.authenticity.value == 1
    assert single.ratio is not None


def test_other_rows_are_refused() -> None:
    for sets in ((normal(5, 0), normal(5, 0, 3)), (normal(5, 0), normal(5, 1), normal(5, 2, 3))):
        with pytest.raises(DataError, match="cannot be compared"):
            memorisation(*sets)
