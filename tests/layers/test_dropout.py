"""Dropout by random bits."""

import pytest
import torch

from mulligan.layers.dropout import Dropout


@pytest.mark.parametrize("shape", [(3,), (7, 5), (64, 33, 3)])
def test_gradients_pass_where_numbers_do(shape: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    x = torch.rand(shape).add_(1.0).requires_grad_()
    seen = Dropout(0.5)(x)
    (slope,) = torch.autograd.grad(seen.sum(), x)
    torch.testing.assert_close(slope, (seen != 0).float() * 2)


@pytest.mark.parametrize("p", [0.1, 0.3, 0.9])
def test_share_and_mean(p: float) -> None:
    torch.manual_seed(0)
    seen = Dropout(p)(torch.ones(400, 1000))
    assert abs(float((seen == 0).float().mean()) - p) < 0.003
    assert abs(float(seen.mean()) - 1) < 0.01
    rows, columns = (seen != 0).float().mean(1), (seen != 0).float().mean(0)  # no pattern along either side
    assert rows.std() < 1.2 * (p * (1 - p) / 1000) ** 0.5
    assert columns.std() < 1.2 * (p * (1 - p) / 400) ** 0.5


def test_neighbours_are_independent() -> None:
    """Four numbers share one draw of 64 bits."""
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(400_000)) != 0).float()
    for apart in (1, 2, 3, 4):
        assert abs(float((kept[apart:] * kept[:-apart]).mean()) - 0.25) < 0.003


def test_seeded_and_off_in_evaluation() -> None:
    x = torch.rand(50)
    layer = Dropout(0.5)
    found = []
    for _ in range(2):
        torch.manual_seed(1)
        found.append(layer(x))
    assert torch.equal(*found)
    assert layer.eval()(x) is x
