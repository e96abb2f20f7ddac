"""A mixture of latents: each component as likely as any other, its own mean and spread, and learnt."""

import torch

from mulligan.layers.mixture import SPREAD, Mixture


def test_components_are_equally_likely_and_keep_their_mean_and_spread() -> None:
    mixture = Mixture(4, 5)
    codes = mixture(torch.randn(20_000, 4, generator=torch.Generator().manual_seed(0))).detach()
    nearest = torch.cdist(codes, mixture.mean.detach()).argmin(1)
    shares = nearest.bincount(minlength=5) / len(codes)
    assert float((shares - 0.2).abs().max()) < 0.05
    mine = codes[nearest == 0]
    torch.testing.assert_close(mine.mean(0), mixture.mean[0].detach(), atol=0.03, rtol=0)
    torch.testing.assert_close(mine.std(0), torch.full((3,), SPREAD), atol=0.03, rtol=0)


def test_the_first_number_alone_chooses() -> None:
    mixture = Mixture(3, 4)
    z = torch.tensor([[-9.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
    torch.testing.assert_close(mixture(z), mixture.mean[torch.tensor([0, 3, 2])])


def test_only_chosen_components_learn_and_labels_stay() -> None:
    mixture = Mixture(3, 4)
    codes = mixture(torch.tensor([[-9.0, 1.0, 2.0, 7.0]]))
    assert codes.shape == (1, 3)
    assert codes[0, 2] == 7
    codes.sum().backward()
    assert mixture.mean.grad is not None
    assert mixture.spread.grad is not None
    torch.testing.assert_close(mixture.mean.grad, torch.tensor([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]))
    torch.testing.assert_close(mixture.spread.grad[0], torch.tensor([1.0, 2.0]))
