"""Neighbours against the definitions written out, closed forms, and what each figure must say of collapse, noise and swapped sides."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mulligan.errors import DataError
from mulligan.metrics import nearest as nearest_module
from mulligan.metrics.nearest import nearest, nearest_others
from mulligan.metrics.neighbours import K, Manifold, expected_coverage, neighbours


def normal(count: int, dimensions: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)) * scale


def written_out(real: torch.Tensor, fake: torch.Tensor, k: int) -> tuple[float, float, float, float]:
    """The definitions, with whole tables of distances."""
    real, fake = real.double(), fake.double()
    across = torch.cdist(fake, real, compute_mode="donot_use_mm_for_euclid_dist")
    balls = [
        torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").sort(dim=1).values[:, min(k, len(rows) - 1)]
        for rows in (real, fake)
    ]
    hits = (across <= balls[0]).double()
    return (
        float(hits.amax(1).mean()),
        float((across <= balls[1][:, None]).double().amax(0).mean()),
        float(hits.sum(1).mean() / k),
        float(hits.amax(0).mean()),
    )


@given(st.integers(7, 40), st.integers(7, 40), st.integers(1, 6), st.sampled_from([1, 2, 9]), st.floats(0.1, 4), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_the_four_figures_are_their_definitions(m: int, n: int, k: int, dimensions: int, scale: float, seed: int) -> None:
    real, fake = normal(m, dimensions, seed), normal(n, dimensions, seed + 1, scale)
    found = neighbours(real=real, fake=fake, k=k)
    values = (found.precision.value, found.recall.value, found.density.value, found.coverage.value)
    assert values == pytest.approx(written_out(real, fake, k))


def test_swapping_the_sides_swaps_precision_and_recall_and_nothing_goes_by_place() -> None:
    a, b = normal(300, 4, 0), normal(200, 4, 1, scale=0.5)
    one, other = neighbours(real=a, fake=b), neighbours(real=b, fake=a)
    assert one.precision.value == other.recall.value
    assert one.recall.value == other.precision.value
    assert one.precision.value > 0.95 > one.recall.value  # too narrow: all samples are good, and half the data are missed
    with pytest.raises(TypeError):
        neighbours(a, b)  # type: ignore[misc]


@pytest.mark.parametrize(("m", "n"), [(1500, 1500), (1500, 500), (400, 2000)])
def test_equal_distributions_have_density_and_calibrated_coverage_of_one(m: int, n: int) -> None:
    found = [neighbours(real=normal(m, 8, 2 * seed), fake=normal(n, 8, 2 * seed + 1)) for seed in range(4)]
    assert np.mean([result.density.value for result in found]) == pytest.approx(1, abs=0.06)
    assert np.mean([result.calibrated_coverage for result in found]) == pytest.approx(1, abs=0.012)


def test_the_constant_of_coverage() -> None:
    assert expected_coverage(real=10**7, fake=10**7) == pytest.approx(1 - 2**-K, abs=1e-6)
    assert expected_coverage(real=2, fake=1, k=1) == pytest.approx(1 / 2)  # of two others, one fake, each is as likely the nearest
    assert expected_coverage(real=1, fake=5, k=0) == 0


def test_collapse_noise_and_a_missing_half() -> None:
    real = normal(600, 3, 0)
    collapsed = neighbours(real=real, fake=real[:1].expand(600, 3) + normal(600, 3, 1, scale=1e-3))
    assert collapsed.precision.value == 1
    assert collapsed.coverage.value < 0.05
    assert collapsed.recall.value < 0.05
    noise = neighbours(real=real, fake=normal(600, 3, 2, scale=30))
    assert noise.precision.value < 0.05
    assert noise.density.value < 0.05
    apart = torch.cat([real, real + 100])
    half = neighbours(real=apart, fake=normal(600, 3, 3) + 100)
    assert half.coverage.value == pytest.approx(expected_coverage(real=600, fake=600) / 2, abs=0.02)
    assert half.precision.value > 0.9


def test_intervals_hold_the_values() -> None:
    found = neighbours(real=normal(300, 4, 0), fake=normal(300, 4, 1, scale=0.7))
    for figure in (found.precision, found.recall, found.density, found.coverage):
        assert figure.low <= figure.value <= figure.high
        assert figure.high - figure.low < 0.35


def test_a_manifold_measured_once_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fakes = normal(150, 5, 0), [normal(90, 5, seed) for seed in (1, 2)]
    manifold = Manifold(real)
    whole = [manifold.compare(fake=fake) for fake in fakes]
    assert whole == [neighbours(real=real, fake=fake) for fake in fakes]
    monkeypatch.setattr(nearest_module, "BLOCK", 7 * 150)  # blocks of seven rows
    assert [Manifold(real).compare(fake=fake) for fake in fakes] == whole


@pytest.mark.parametrize("count", [1, 2, 5])
def test_f22_few_and_constant_samples_have_figures(count: int) -> None:
    constant, elsewhere = torch.full((count, 3), 7.0), torch.zeros(count, 3)
    same = neighbours(real=constant, fake=constant)
    assert (same.precision.value, same.recall.value, same.coverage.value) == (1, 1, 1)
    assert same.k == min(K, count - 1)
    apart = neighbours(real=constant, fake=elsewhere)
    assert (apart.precision.value, apart.recall.value, apart.density.value, apart.calibrated_coverage) == (0, 0, 0, 0)


def test_copies_of_real_samples_lie_on_borders_which_belong_to_the_balls() -> None:
    """Each copy is inside its own ball and those whose border it makes, wherever the origin is."""
    real = normal(200, 6, 0)
    near = neighbours(real=real, fake=real)
    far = neighbours(real=real.double() + 512, fake=real.double() + 512)
    assert near.density.value == pytest.approx((K + 1) / K)
    assert far.precision.value == near.precision.value == 1
    assert far.density.value == pytest.approx(near.density.value, abs=0.01)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_search_finds_what_sorting_all_distances_finds(n: int, m: int, k: int, seed: int) -> None:
    rows, among = normal(n, 3, seed), normal(m, 3, seed + 1)
    table = torch.cdist(rows.double(), among.double(), compute_mode="donot_use_mm_for_euclid_dist").sort(dim=1)
    distances, places = nearest(rows, among, k)
    assert distances.shape == (n, min(k, m))
    assert torch.allclose(distances, table.values[:, :k])
    assert torch.equal(places, table.indices[:, :k])
    own = torch.cdist(rows.double(), rows.double(), compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    assert torch.allclose(nearest_others(rows, k)[0], own.sort(dim=1).values[:, : min(k, n - 1)])


def test_near_duplicates_far_from_the_origin_keep_their_order() -> None:
    """Two points 1e-3 apart, a thousand away from the centre: single precision would call their squared distance noise."""
    rows = torch.tensor([[1000.0], [1000.001], [1000.003], [-1000.0]])
    distances, places = nearest_others(rows)
    assert places.squeeze(1).tolist() == [1, 0, 1, 0]
    assert distances[:2].squeeze(1).tolist() == pytest.approx([float(rows[1] - rows[0])] * 2, rel=1e-6)


def test_equal_rows_are_at_distance_zero_wherever_they_lie() -> None:
    rows = normal(50, 40, 0) * 1e3 + 1e5
    assert float(nearest(rows, rows.flip(0))[0].max()) == 0


def test_what_cannot_be_compared_is_named() -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        neighbours(real=torch.zeros(3, 2), fake=torch.zeros(3, 4))
    with pytest.raises(DataError, match="not finite"):
        neighbours(real=torch.zeros(3, 2), fake=torch.full((3, 2), torch.nan))
