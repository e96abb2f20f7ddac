"""The kernel distance against torchmetrics, against the definition written out, and its freedom from bias."""

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import poly_mmd

from mulligan.errors import DataError
from mulligan.metrics import kernel as module
from mulligan.metrics.kernel import kernel_distance


def normal(count: int, dimensions: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.parametrize(("count", "dimensions"), [(2, 1), (50, 8), (300, 64)])
def test_it_is_what_torchmetrics_computes_on_the_same_features(count: int, dimensions: int) -> None:
    a, b = normal(count, dimensions, 0, shift=0.3), normal(count, dimensions, 1)
    assert kernel_distance(a, b) == pytest.approx(float(poly_mmd(a.double(), b.double())), rel=1e-9)


def test_sets_of_two_sizes_follow_the_definition() -> None:
    a, b = normal(7, 3, 0).double(), normal(4, 3, 1, shift=1.0).double()

    def kernel(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x @ y.T / 3 + 1) ** 3

    within = [(kernel(x, x).sum() - kernel(x, x).trace()) / (len(x) * (len(x) - 1)) for x in (a, b)]
    assert kernel_distance(a, b) == pytest.approx(float(within[0] + within[1] - 2 * kernel(a, b).mean()))
    assert kernel_distance(a, b) == pytest.approx(kernel_distance(b, a))


def test_it_is_unbiased_at_any_size() -> None:
    for count in (5, 60):
        found = np.array([kernel_distance(normal(count, 4, 2 * seed), normal(2 * count, 4, 2 * seed + 1)) for seed in range(300)])
        assert abs(found.mean()) < 3 * found.std() / len(found) ** 0.5
        assert (found < 0).any()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = normal(60, 5, 0, shift=0.5), normal(41, 5, 1)
    before = kernel_distance(a, b)
    monkeypatch.setattr(module, "_BLOCK", 130)
    assert kernel_distance(a, b) == pytest.approx(before, rel=1e-12)


def test_f22_a_single_sample_is_at_distance_zero_from_itself() -> None:
    one = torch.full((1, 3), 4.0)
    assert kernel_distance(one, one) == 0
    assert kernel_distance(one, one.repeat(5, 1)) == pytest.approx(0, abs=1e-9)


def test_sets_of_different_widths_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be compared"):
        kernel_distance(torch.zeros(3, 2), torch.zeros(3, 4))
