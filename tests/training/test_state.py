"""The state of a game: named, and put back from a checkpoint that fits."""

from collections.abc import Callable

import pytest
import torch

from mulligan.errors import CheckpointError
from mulligan.training.session import Session
from mulligan.training.state import named, put_back

Open = Callable[..., Session]


def test_there_and_back(small: Open) -> None:
    session = small("dense-batchnorm", "digits", 'generator.ema={"share":0.1}')
    saved = {
        player: {key: torch.randn(tensor.shape) for key, tensor in tensors.items()} for player, tensors in named(session.state).items()
    }
    put_back(session.state, saved)
    for player, tensors in named(session.state).items():
        assert all(torch.equal(tensor, saved[player][key]) for key, tensor in tensors.items())
    parts = {key.partition("/")[0] for key in named(session.state)["generator"]}
    assert parts == {"parameters", "first", "second", "ema", "buffers", "ema_buffers", "updates"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.pop("generator"), "the players discriminator, and the recipe"),
        (lambda saved: saved["generator"].pop("updates"), "generator: tensor updates is in only one"),
        (lambda saved: saved["generator"].update(strange=torch.zeros(1)), "generator: tensor strange is in only one"),
        (lambda saved: saved["generator"].update(updates=torch.zeros(2)), r"updates is torch.float32 \(2,\) in the checkpoint"),
        (lambda saved: saved["generator"].update(updates=torch.zeros((), dtype=torch.float64)), "updates is torch.float64"),
    ],
)
def test_a_checkpoint_that_does_not_fit(change: Callable[[dict[str, dict[str, torch.Tensor]]], None], message: str, small: Open) -> None:
    session = small("points", "ring")
    saved = {player: dict(tensors) for player, tensors in named(session.state).items()}
    change(saved)
    with pytest.raises(CheckpointError, match=message):
        put_back(session.state, saved)
