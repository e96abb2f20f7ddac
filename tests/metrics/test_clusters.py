"""Clusters: real data miss nothing, what was taken away is found, and the cells are those of k-means."""

import pytest
import torch

from mulligan.data.digits import load
from mulligan.data.ring import MODES
from mulligan.errors import DataError
from mulligan.metrics import nearest as nearest_module
from mulligan.metrics.clusters import Clusters
from mulligan.metrics.projection import Projection
from mulligan.recipe import Data


def ring(count: int, seed: int, modes: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(modes, (count,), generator=generator)
    return torch.from_numpy(MODES).float()[places] + 0.01 * torch.randn(count, 2, generator=generator)


@pytest.mark.parametrize("seed", range(5))
def test_real_against_real_misses_nothing(seed: int) -> None:
    for count in (300, 2000):
        found = Clusters(ring(count, 2 * seed), seed=seed).compare(ring(count, 2 * seed + 1))
        assert found.missing == 0
        assert found.different <= 0.05


@pytest.mark.parametrize("seed", range(3))
def test_three_of_eight_modes_removed_are_three_eighths(seed: int) -> None:
    clusters = Clusters(ring(4000, seed), seed=seed)
    found = clusters.compare(ring(4000, seed + 9, modes=5))
    assert found.missing == pytest.approx(3 / 8, abs=0.03)
    lost = set(MODES[5:].round(6).flatten().tolist())
    middles = ring(4000, seed)[clusters.middles[found.worst[:3]]]
    assert all(min(abs(value - other) for other in lost) < 0.05 for value in middles.flatten().tolist())


def test_classes_of_digits_removed_are_missing_and_fresh_digits_miss_nothing() -> None:
    dataset = load(Data(source="digits"))
    pixels, label = torch.from_numpy(dataset.train.target), torch.from_numpy(dataset.train.label)
    rows = Projection.fit(pixels[:4000]).apply(pixels)
    clusters, fresh = Clusters(rows[:4000]), rows[4000:]
    whole = clusters.compare(fresh)
    assert whole.missing == 0
    assert whole.different <= 0.04
    kept = (label[4000:, None] != torch.tensor([0, 1, 6])).all(1)
    found = clusters.compare(fresh[kept])
    assert 0.15 < found.missing < 0.35
    assert found.different > found.missing / 2
    worst = label[:4000][clusters.middles[found.worst[:5]]]
    assert set(worst.tolist()) <= {0, 1, 6}


def test_cells_are_those_of_k_means() -> None:
    rows = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    clusters = Clusters(rows, k=7)
    assert float(clusters.shares.sum()) == pytest.approx(1)
    distances = torch.cdist(rows.double(), clusters.centres)
    assert torch.equal(distances.argmin(1), clusters.places)
    means = torch.stack([rows[clusters.places == place].double().mean(0) for place in range(7)])
    assert torch.allclose(means, clusters.centres, atol=0.15)  # the iterations may end a little earlier
    assert torch.equal(distances.argmin(0), clusters.middles)


def test_shares_that_differ_a_little_are_different_and_not_missing() -> None:
    generator = torch.Generator().manual_seed(0)
    corners = torch.tensor([[0.0, 0], [9, 0], [0, 9], [9, 9]])
    clusters = Clusters(corners.repeat(250, 1) + torch.rand(1000, 2, generator=generator), k=4)
    uneven = corners[torch.tensor([0, 0, 0, 1, 2, 2, 3, 3])].repeat(125, 1) + torch.rand(1000, 2, generator=generator)
    found = clusters.compare(uneven)
    assert (found.missing, found.different) == (0, 0.5)
    assert torch.equal(clusters.centres[found.worst[0]].round(), torch.tensor([9.0, 0.0], dtype=torch.float64))


def test_the_same_clusters_twice_and_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ring(300, 0)
    one = Clusters(rows, seed=3)
    monkeypatch.setattr(nearest_module, "BLOCK", 64)
    assert torch.equal(one.centres, Clusters(rows, seed=3).centres)
    assert len(one.shares) == 300 // 20


@pytest.mark.parametrize("count", [1, 3, 90])
def test_f22_few_and_constant_samples_are_one_cluster(count: int) -> None:
    clusters = Clusters(torch.full((count, 4), 2.0))
    assert clusters.shares.tolist() == [1]
    found = clusters.compare(torch.zeros(count, 4))
    assert (found.missing, found.different) == (0, 0)


def test_other_rows_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        Clusters(ring(50, 0)).compare(torch.zeros(5, 3))
