"""The two ways of taking gradients give the same numbers."""

from collections.abc import Callable

import pytest
import torch

from mulligan.training import gradients
from mulligan.training.session import Session
from mulligan.training.step import play


@pytest.mark.parametrize(
    ("recipe", "source"),
    [("dense-dropout", "digits"), ("dense-batchnorm", "digits"), ("modern", "ring"), ("autoencoder", "digits"), ("points", "parabola")],
)
def test_tape_equals_transform(recipe: str, source: str, small: Callable[..., Session], monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout, BatchNorm's buffers, penalties (gradients of gradients) and a turn of two players, to the last bit."""
    states, figures = [], []
    for way in (gradients.by_tape, gradients.by_transform):
        monkeypatch.setattr(gradients, "by_tape", way)
        session = small(recipe, source)
        batches, draws, knobs = session.inputs()
        torch.manual_seed(0)
        told, finite = play(session.game, session.state, batches, draws, knobs, torch.float32)
        assert bool(finite)
        states.append(session.state)
        figures.append(told)
    for player in states[0]:
        torch.testing.assert_close(states[0][player].parameters, states[1][player].parameters, rtol=0, atol=0)
        for name, buffer in states[0][player].buffers.items():
            torch.testing.assert_close(buffer, states[1][player].buffers[name], rtol=0, atol=0)
    torch.testing.assert_close(figures[0], figures[1], rtol=0, atol=0)
