"""The projection against singular values, and where data have few rows, few columns or no variance."""

import numpy as np
import pytest
import torch

from mulligan.errors import DataError
from mulligan.metrics import projection as module
from mulligan.metrics.projection import Projection


def data(count: int, columns: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, columns, generator=generator) * torch.linspace(3, 0.1, columns) + torch.arange(columns)


@pytest.mark.parametrize(("count", "columns"), [(200, 12), (12, 200), (30, 30)])
def test_directions_are_those_of_the_largest_singular_values(count: int, columns: int) -> None:
    rows = data(count, columns)
    found = Projection.fit(rows, dimensions=5)
    centred = rows.double() - rows.double().mean(0)
    values, vectors = torch.linalg.svd(centred, full_matrices=False)[1:]
    assert torch.allclose((found.directions.double().T @ vectors[:5].T).abs(), torch.eye(5, dtype=torch.float64), atol=1e-4)
    assert torch.allclose(found.directions.T @ found.directions, torch.eye(5), atol=1e-5)
    assert found.explained == pytest.approx(float(values[:5].square().sum() / values.square().sum()), rel=1e-5)
    assert torch.allclose(found.apply(rows).double().norm(dim=0), values[:5], rtol=1e-4)


def test_with_all_directions_distances_stay() -> None:
    rows = data(40, 6)
    assert torch.allclose(torch.pdist(Projection.fit(rows).apply(rows)), torch.pdist(rows), rtol=1e-4)
    few = data(5, 300)
    projected = Projection.fit(few).apply(few)
    assert projected.shape == (5, 4)
    assert torch.allclose(torch.pdist(projected), torch.pdist(few), rtol=1e-4)


def test_samples_are_projected_one_by_one_and_images_as_shares_of_the_range() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 9, 9), dtype=np.uint8)
    found = Projection.fit(images, dimensions=8)
    assert torch.allclose(found.apply(images)[3:5], found.apply(images[3:5]), atol=1e-6)
    assert torch.allclose(found.apply(images), found.apply(images.reshape(60, 81) / np.float32(255)), atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_f22_constant_data_have_one_direction_and_no_variance(count: int) -> None:
    constant = torch.full((count, 4), 3.0)
    found = Projection.fit(constant)
    assert found.explained == 1
    assert float(found.apply(constant).abs().max()) == 0
    assert bool(found.apply(constant + 1).isfinite().all())


def test_a_choice_of_many_rows_finds_the_same_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = data(4000, 10)
    whole = Projection.fit(rows, dimensions=3)
    monkeypatch.setattr(module, "_ROWS", 1500)
    part = Projection.fit(rows, dimensions=3)
    assert float(torch.linalg.matrix_norm(whole.directions.T @ part.directions, ord=-2)) > 0.95  # cosine of the largest angle
    assert torch.equal(part.directions, Projection.fit(rows, dimensions=3).directions)


def test_other_rows_do_not_fit() -> None:
    with pytest.raises(DataError, match="do not fit a projection of 6"):
        Projection.fit(data(20, 6)).apply(torch.zeros(3, 7))
