"""Directions of latent space along which samples change most."""

import torch

from mulligan.sampling.directions import directions
from mulligan.sampling.model import Model


def test_they_are_orthonormal_and_the_first_moves_samples_most(model: Model) -> None:
    found = directions(model, 3)
    assert found.shape == (3, 4)
    torch.testing.assert_close(found @ found.T, torch.eye(3), atol=1e-5, rtol=0)
    z = torch.randn(64, 4, generator=torch.Generator().manual_seed(5))
    here = torch.from_numpy(model.generate(z)).double()
    moved = [(torch.from_numpy(model.generate(z + 0.5 * step)).double() - here).square().mean().item() for step in found]
    assert moved[0] == max(moved)


def test_there_are_no_more_than_numbers_in_a_latent(conditional: Model, points: Model) -> None:
    assert directions(conditional, 8, label=1).shape == (4, 4)
    assert directions(points, 8).shape == (2, 5), "as many as a sample has numbers"
    torch.testing.assert_close(directions(points, 2), directions(points, 2), atol=0, rtol=0)
