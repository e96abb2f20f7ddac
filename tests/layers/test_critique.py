"""One number per sample, however many logits there are."""

import torch

from mulligan.layers.critique import Critique, reduce_logits


def test_one_logit_stays_as_it_is() -> None:
    logits = torch.randn(4)
    assert torch.equal(reduce_logits(logits), logits)


def test_many_logits_become_their_mean() -> None:
    patches = torch.arange(24.0).view(2, 3, 2, 2)
    torch.testing.assert_close(reduce_logits(patches), torch.tensor([5.5, 17.5]))


def test_features_are_empty_unless_given() -> None:
    assert Critique(torch.zeros(1)).features == ()
