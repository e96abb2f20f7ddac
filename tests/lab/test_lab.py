import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mulligan import find
from mulligan.errors import UsageError
from mulligan.lab import FRAME, NAMES, Lab, LabSettings, sentences
from mulligan.lab.lab import made
from mulligan.lab.points import opened
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.training.budget import Budget
from mulligan.training.state import State, named, sampled
from mulligan.verbs.training import train

SMALL = LabSettings(width=8, batch=16)


def weights(lab: Lab) -> dict[str, torch.Tensor]:
    return {name: player.parameters.clone() for name, player in lab._session.state.items()}


def tensors(state: State) -> dict[str, torch.Tensor]:
    return {f"{player}/{name}": tensor.clone() for player, group in named(state).items() for name, tensor in group.items()}


def some_points(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, 2)).astype(np.float32)


@pytest.mark.parametrize("changes", [{}, {"loss": "pairing", "penalties": ()}, {"discriminator_updates": 3, "prior": "normal"}])
def test_the_numbers_are_those_of_an_ordinary_training(changes: dict[str, object], tmp_path: Path) -> None:
    """The lab's recipe, trained as any other for five steps, and its checkpoint: equal to the last bit."""
    lab = Lab("moons", SMALL.model_copy(update=changes))
    lab.step(count=5)
    train(lab._session.recipe, run=tmp_path / "run", budget=Budget(steps=5))
    newest = checkpoints.newest(Run(tmp_path / "run"))
    assert newest is not None
    assert newest.step == 5
    mine = tensors(lab._session.state)
    theirs = {f"{player}/{name}": tensor for player, group in newest.groups.items() for name, tensor in group.items()}
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize(("side", "other"), [("discriminator", "generator"), ("generator", "discriminator")])
@pytest.mark.parametrize("loss", ["non-saturating", "pairing", "feature-matching"])
def test_a_step_of_one_side_moves_that_side_alone(side: str, other: str, loss: str) -> None:
    lab = Lab("ring", SMALL.model_copy(update={"loss": loss}))
    before = weights(lab)
    lab.step(side, 2)
    assert not torch.equal(weights(lab)[side], before[side])
    assert torch.equal(weights(lab)[other], before[other])
    view = lab.view()
    assert (view.step, view.moved) == (2, side)
    assert np.isnan(view.losses[other])
    assert np.isfinite(view.losses[side])


def test_the_sides_one_after_the_other_are_both_where_g_reads_nothing() -> None:
    """What a turn draws hangs on the step alone, so D alone and then G alone in the same step is the whole step."""
    whole, halves = Lab("ring", SMALL), Lab("ring", SMALL)
    whole.step()
    halves.step("discriminator")
    halves._session.step = 0
    halves.step("generator")
    assert all(torch.equal(a, b) for a, b in zip(weights(whole).values(), weights(halves).values(), strict=True))


@pytest.mark.parametrize(
    "change",
    [
        {"loss": "hinge"},
        {"loss": "feature-matching"},
        {"penalties": ()},
        {"penalties": ("weight-clipping",)},
        {"weight": 1.0},
        {"discriminator_rate": 1e-4},
        {"generator_rate": 1e-4},
        {"discriminator_updates": 4},
        {"generator_updates": 3},
        {"batch": 32},
    ],
)
def test_a_change_carries_weights_and_moments_over(change: dict[str, object]) -> None:
    lab = Lab("ring", SMALL)
    lab.step(count=3)
    before = tensors(lab._session.state)
    changed = lab.change(SMALL.model_copy(update=change))
    assert changed.names == tuple(change)
    assert changed.restarted == ()
    after = tensors(lab._session.state)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert lab.step() == 1
    view = lab.view()
    assert (view.step, view.changes) == (4, (3,))
    updates = {player: int(state.updates) for player, state in lab._session.state.items()}
    assert updates == {"discriminator": 3 + lab.settings.discriminator_updates, "generator": 3 + lab.settings.generator_updates}


@pytest.mark.parametrize("change", [{"width": 4}, {"depth": 1}, {"prior": "normal"}, {"seed": 1}])
def test_what_weights_hang_on_begins_anew(change: dict[str, object]) -> None:
    lab = Lab("ring", SMALL)
    lab.step(count=3)
    changed = lab.change(SMALL.model_copy(update=change))
    assert changed.restarted == tuple(change)
    assert lab.view().step == 0


def test_other_points_begin_anew_and_a_restart_repeats() -> None:
    lab = Lab("ring", SMALL)
    lab.step(count=3)
    assert lab.change(SMALL, "spiral").restarted == ("points",)
    lab.step(count=3)
    first = weights(lab)
    lab.restart()
    assert lab.view().step == 0
    lab.step(count=3)
    assert all(torch.equal(a, b) for a, b in zip(first.values(), weights(lab).values(), strict=True))


def test_what_is_refused_changes_nothing() -> None:
    lab = Lab("ring", SMALL)
    lab.step()
    before = weights(lab)
    with pytest.raises(UsageError, match="Did you mean ring"):
        lab.change(LabSettings(width=4), "rings")
    assert lab.settings == SMALL
    assert all(torch.equal(a, b) for a, b in zip(before.values(), weights(lab).values(), strict=True))
    with pytest.raises(ValueError, match="Did you mean hinge"):
        LabSettings(loss="hing")
    with pytest.raises(ValueError, match="no such name in losses"):
        LabSettings(loss="mine.py:loss")
    with pytest.raises(ValueError, match="named twice"):
        LabSettings(penalties=("one-centred", "one-centred"))


@pytest.mark.parametrize("loss", find.names("losses"))
@pytest.mark.parametrize("points", ["grid", "drawn"])
def test_a_view_of_every_loss_is_whole(loss: str, points: str) -> None:
    lab = Lab(some_points() if points == "drawn" else points, SMALL.model_copy(update={"loss": loss}))
    lab.step(count=2)
    view = lab.view()
    for name in ("real", "fake", "lattice", "starts", "pushes"):
        array = getattr(view, name)
        assert array.dtype == np.float32
        assert array.shape[-1] == 2
        assert np.isfinite(array).all()
    assert np.abs(view.real).max() <= FRAME
    assert view.landscape.values.shape == (48, 48)
    assert view.landscape.span > 0
    if view.reading == "probability":
        assert view.landscape.values.min() >= 0
        assert view.landscape.values.max() <= 1
    assert len(view.starts) == len(view.pushes) == SMALL.batch
    assert np.array_equal(view.starts, view.fake[: SMALL.batch])
    assert view.loss_course.shape == (2, 2)
    assert view.divergence_course.shape == (1, 2)
    assert sentences(view, lab.settings)


def test_drawn_points_are_shown_where_they_were_drawn() -> None:
    drawn = some_points()
    assert np.array_equal(Lab(drawn, SMALL).view().real, drawn)


def test_arrows_are_minus_the_gradient_of_the_loss_of_g() -> None:
    """Of the non-saturating loss, softplus(-D(x)): a step against the arrow raises it by the square of its length."""
    lab = Lab("ring", SMALL)
    lab.step(count=20)
    view = lab.view()
    session = lab._session

    def loss(places: np.ndarray) -> np.ndarray:
        cast = sampled(session.game.actors, session.state)
        logits = session.game.opinion.ask(cast, torch.from_numpy(places), None, {}, session.knobs())
        return torch.nn.functional.softplus(-logits).detach().numpy()

    small = 1e-3
    risen = (loss(view.starts - small * view.pushes) - loss(view.starts + small * view.pushes)) / (2 * small)
    assert np.allclose(risen, (view.pushes**2).sum(1), rtol=0.05, atol=1e-3)


def test_divergence_is_told_and_stops() -> None:
    """A rate of 1 and no penalty: Wasserstein scores run away."""
    lab = Lab("ring", SMALL.model_copy(update={"loss": "wasserstein", "penalties": (), "discriminator_rate": 1.0, "generator_rate": 1.0}))
    played = lab.step(count=3000)
    assert played < 3000
    view = lab.view()
    assert "diverged" in view.trouble
    assert "rate" in view.trouble
    assert sentences(view, lab.settings) == (view.trouble,)
    assert all(np.isfinite(array).all() for array in (view.fake, view.lattice, view.pushes, view.landscape.values))
    assert lab.step() == 0
    assert all(bool(tensor.isfinite().all()) for tensor in weights(lab).values())
    lab.change(lab.settings.model_copy(update={"loss": "non-saturating", "discriminator_rate": 1e-4, "generator_rate": 1e-4}))
    assert lab.view().trouble == ""
    assert lab.step() == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_set_lies_in_the_frame_and_its_floor_is_low(name: str) -> None:
    view = Lab(name, SMALL).view()
    assert np.abs(view.real).max() < FRAME
    assert view.floor.kl < 0.02
    assert view.floor.js < 0.01
    assert view.floor.missed < 0.02


def test_it_learns() -> None:
    lab = Lab("parabola", LabSettings())
    before = lab.view().divergences.js
    lab.step(count=300)
    assert lab.view().divergences.js < before / 3


def test_a_view_cannot_be_changed() -> None:
    view = Lab("ring", SMALL).view()
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.step = 1  # type: ignore[misc]


def test_more_updates_of_g_draw_their_own_numbers() -> None:
    session = made(SMALL.model_copy(update={"generator_updates": 3, "loss": "pairing"}), opened("ring"))
    assert [turn.name for turn in session.game.turns] == ["discriminator", "generator", "generator.1", "generator.2"]
    batches, draws, _ = session.inputs()
    assert len({float(drawn["z"].sum()) for drawn in draws}) == 4
    assert len({float(batch.target.sum()) for batch in batches if batch is not None}) == 4
