"""Waves of coordinates: fixed, of rising frequency, and beside the coordinates themselves."""

import pytest
import torch

from mulligan.layers.waves import Waves


@pytest.mark.parametrize("inputs", [1, 2, 5])
def test_waves(inputs: int) -> None:
    waves = Waves(inputs, 4, 2.0, 16.0)
    torch.testing.assert_close(waves.frequencies.norm(dim=0), torch.tensor([2.0, 4.0, 8.0, 16.0]))
    x = torch.randn(3, inputs)
    seen = waves(x)
    assert seen.shape == (3, inputs + 8)
    torch.testing.assert_close(seen[:, :inputs], x)
    torch.testing.assert_close(seen[:, inputs : inputs + 4].square() + seen[:, inputs + 4 :].square(), torch.ones(3, 4))
    torch.testing.assert_close(seen[:, inputs], (x @ waves.frequencies[:, 0]).sin())
    assert not list(waves.parameters())


def test_directions_in_a_plane_are_spread() -> None:
    directions = Waves(2, 32, 1.0, 1.0).frequencies
    turns = torch.atan2(directions[1], directions[0]).sort().values
    assert float(turns.diff().max()) < 0.4
