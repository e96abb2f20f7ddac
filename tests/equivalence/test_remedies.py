"""Each remedy, and all of them together: gradients taken in both ways, resumed in pieces, turn by turn, and compiled."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from mulligan.randomness import seed_operators
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.testing import check_task
from mulligan.training import gradients
from mulligan.training.compiling import compiler, stepper
from mulligan.training.game import Tensors
from mulligan.training.session import Session
from mulligan.training.state import named
from mulligan.verbs import new_session

TINY = ("generator.network.widths=[8,8]", "discriminator.network.widths=[8,8]")
SMALL = ("generator.network.width=2", "discriminator.network.width=2")
QUICK = ("batch=8", "horizon=80", "keeping.reports=2", "machine.device=cpu", "machine.threads=1", "machine.precision=float32")


class Remedy(NamedTuple):
    """A recipe, its data, and the settings that turn a remedy on."""

    recipe: str
    source: str
    settings: tuple[str, ...]

    def resolved(self, compile: str) -> Recipe:
        sizes = SMALL if self.recipe == "conv" else TINY
        return resolve(self.source, self.recipe, [*QUICK, *sizes, f"machine.compile={compile}", *self.settings])[0]


BOTH = ("augmentations.translation.weight=0.9", "augmentations.cutout.weight=0.5")
MATCHING = "loss.name=feature-matching"
TOGETHER = (
    "turns.pack=2",
    "turns.unroll=1",
    "augmentations.instance-noise.weight=0.1",
    "augmentations.instance-noise.final=0",
    "generator.network.normalisation=virtual",
    "generator.network.reference=8",
    "discriminator.network.spectral=true",
    "discriminator.network.minibatch=discrimination",
    "generator.history.weight=0.01",
    "generator.lookahead.every=2",
    "discriminator.lookahead.every=2",
)
LIGHT = ("turns.pack=2", *TOGETHER[2:])  # without gradients of gradients, which take a compiler long
REMEDIES = {
    "feature matching": Remedy("modern", "ring", (MATCHING,)),
    "feature matching on three turns": Remedy("shallow", "digits", (MATCHING, "loss.smoothing=0.1")),
    "minibatch discrimination": Remedy("modern", "ring", ("discriminator.network.minibatch=discrimination",)),
    "minibatch deviation": Remedy("modern", "ring", ("discriminator.network.minibatch=deviation",)),
    "historical averaging": Remedy("modern", "ring", ("generator.history.weight=0.01", "discriminator.history.weight=0.01")),
    "virtual normalisation": Remedy("modern", "ring", ("generator.network.normalisation=virtual",)),
    "spectral normalisation": Remedy("modern", "ring", ("discriminator.network.spectral=true", "loss.name=hinge")),
    "packing": Remedy("modern", "ring", ("turns.pack=4", "penalties.one-centred.weight=1")),
    "instance noise": Remedy("modern", "ring", ("augmentations.instance-noise.weight=0.3", "augmentations.instance-noise.final=0")),
    "translation and cutout": Remedy("modern", "digits", BOTH),
    "noise on three turns": Remedy("shallow", "digits", ("augmentations.instance-noise.weight=0.3",)),
    "lookahead": Remedy("modern", "ring", ("generator.lookahead.every=3", "discriminator.lookahead.every=3", "turns.critic=2")),
    "unrolling": Remedy("modern", "ring", ("turns.unroll=2",)),
    "unrolling with cross-entropy": Remedy("points", "ring", ("turns.unroll=2",)),
    "two time scales": Remedy("points", "ring", ("discriminator.optimiser.rate=4e-3",)),
    "together, light": Remedy("points", "ring", LIGHT),
    "together": Remedy("modern", "ring", TOGETHER),
    "together on maps": Remedy("conv", "digits", (*TOGETHER[2:], *BOTH, "discriminator.network.normalisation=batch", MATCHING)),
}


def opened(remedy: Remedy, folder: Path, compile: str = "off") -> Session:
    recipe = remedy.resolved(compile)
    return new_session(Run(folder).prepare(), recipe, resolve(remedy.source, remedy.recipe)[1])


def played(session: Session, steps: int) -> Tensors:
    """Play up to a step; all tensors then, by player and name."""
    step = stepper(session.game, session.recipe)
    while session.step < steps:
        seed_operators(0, session.step, 0)
        _, finite = step(session.state, *session.inputs())
        assert finite
        session.step += 1
    return {f"{player}.{key}": tensor.clone() for player, part in named(session.state).items() for key, tensor in part.items()}


@pytest.mark.parametrize("name", REMEDIES)
def test_tape_equals_transform(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = played(opened(REMEDIES[name], tmp_path), 3)
    monkeypatch.setattr(gradients, "by_tape", gradients.by_transform)
    torch.testing.assert_close(played(opened(REMEDIES[name], tmp_path), 3), one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", REMEDIES)
def test_turn_by_turn(name: str) -> None:
    """Each turn moves its players and no others, by a pure objective."""
    check_task("generate", REMEDIES[name].resolved("off"))


@pytest.mark.parametrize("name", REMEDIES)
def test_f06_resumed_is_uninterrupted(name: str, tmp_path: Path) -> None:
    """Every tensor, from a checkpoint on disk and in a new session, to the last bit."""
    session = opened(REMEDIES[name], tmp_path)
    played(session, 2)
    session.save()
    whole = played(session, 5)
    again = opened(REMEDIES[name], tmp_path)
    saved = checkpoints.newest(again.run)
    assert saved is not None
    again.restore(saved)
    pieces = played(again, 5)
    assert pieces.keys() == whole.keys()
    assert all(torch.equal(whole[key], tensor) for key, tensor in pieces.items())


@pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours
@pytest.mark.slow
@pytest.mark.parametrize("name", list(REMEDIES))
def test_compiled_equals_eager(name: str, tmp_path: Path) -> None:
    """Within rounding; and bit by bit when it is played again from a checkpoint."""
    assert compiler() is not None
    eager = played(opened(REMEDIES[name], tmp_path / "eager"), 5)
    session = opened(REMEDIES[name], tmp_path / "compiled", "on")
    played(session, 2)
    session.save()
    compiled = played(session, 5)
    saved = checkpoints.newest(session.run)
    assert saved is not None
    session.restore(saved)
    again = played(session, 5)
    assert all(torch.equal(compiled[key], again[key]) for key in compiled)
    for key, tensor in eager.items():
        if not key.partition(".")[2].startswith(("first/", "second/")):  # a moment jumps where a unit of a kinked activation tips over
            torch.testing.assert_close(compiled[key], tensor, rtol=1e-3, atol=2e-4, msg=lambda text, key=key: f"{key}: {text}")
