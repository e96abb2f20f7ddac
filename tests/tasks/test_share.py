"""A penalty that is taken at a share of each batch."""

from collections.abc import Callable

import pytest
import torch

from mulligan.recipe import Penalty
from mulligan.tasks.critic import penalties_of, penalty_terms
from mulligan.training.session import Session
from mulligan.training.step import play

NAME = "zero-centred-real"


@pytest.mark.parametrize(("share", "count"), [(1.0, 8), (0.5, 4), (0.125, 1), (0.01, 1)])
def test_the_first_samples_are_looked_at(small: Callable[..., Session], share: float, count: int) -> None:
    recipe = small("modern").recipe
    samples = torch.randn(8, 3)
    asked = []

    def critic(given: torch.Tensor, side: str) -> torch.Tensor:
        asked.append((side, len(given)))
        return given.square().sum(1)

    knobs = {f"penalty.{name}": torch.tensor(2.0) for name in recipe.penalties}
    found, said = penalty_terms(penalties_of(recipe), {NAME: share}, critic, samples, -samples, {}, knobs)
    term = found[f"discriminator.penalty.{NAME}"]
    torch.testing.assert_close(term, 2.0 * 0.5 * (2 * samples[:count]).square().sum(1))
    assert asked == [("real", count), ("fake", 8)]  # the other penalty has no share
    assert said.keys() == ({"real", "fake"} if count == 8 else {"fake"})
    torch.testing.assert_close(said["fake"], samples.square().sum(1))


@pytest.mark.parametrize(("share", "calls"), [(1.0, 4), (0.5, 6)])
def test_what_the_penalty_looked_at_is_judged_once(small: Callable[..., Session], share: float, calls: int) -> None:
    """A step asks D about real samples and fakes in its own turn and in G's, and about the share of them anew where that is not all."""
    settings = [f"penalties.{name}.share={share}" for name in small("modern").recipe.penalties]
    session = small("modern", "digits", "size=small", *settings)
    asked = []
    hook = session.game.actors["discriminator"].training.register_forward_hook(lambda *seen: asked.append(len(seen[1][0])))
    play(session.game, session.state, *session.inputs(), torch.float32)
    hook.remove()
    assert len(asked) == calls


def test_the_whole_is_what_it_was(small: Callable[..., Session]) -> None:
    """share=1 in words is the default: the same step to the bit; a smaller share is another step."""
    moved = []
    for settings in ((), (f"penalties.{NAME}.share=1",), (f"penalties.{NAME}.share=0.5",)):
        session = small("modern", "digits", "size=small", *settings)
        play(session.game, session.state, *session.inputs(), torch.float32)
        moved.append(session.state["discriminator"].parameters.clone())
    assert torch.equal(moved[0], moved[1])
    assert not torch.equal(moved[0], moved[2])


def test_labels_and_augmentations_go_with_their_samples(small: Callable[..., Session]) -> None:
    """A step of the conditional default with what D sees shifted, at a share of one sample."""
    session = small("fast", "digits", "augmentations.translation.weight=1")
    assert session.recipe.conditional
    assert session.recipe.penalties[NAME] == Penalty(weight=3.06, final=1 / 3, share=1 / 16)
    figures, finite = play(session.game, session.state, *session.inputs(), torch.float32)
    assert bool(finite)
    assert float(figures[f"discriminator.penalty.{NAME}"]) > 0
