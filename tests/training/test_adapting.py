"""Strengths that follow how well D knows its training samples by heart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mulligan.errors import UsageError
from mulligan.resolve import resolve
from mulligan.runs import history
from mulligan.runs.folder import Run
from mulligan.testing.games import EAGER
from mulligan.testing.pieces import train_in_pieces
from mulligan.training import adapting
from mulligan.training.compiling import stepper
from mulligan.training.controls import Controls
from mulligan.training.schedules import knobs
from mulligan.training.session import Session
from mulligan.training.state import sampled
from mulligan.training.together import Together
from mulligan.verbs import made_game, new_session

Open = Callable[..., Session]
SHIFT = "augmentations.translation.adaptive=true"
SIDE = 8
NARROW = ("generator.network.widths=[16]", "discriminator.network.widths=[64]")


def test_a_tenth_is_withheld_from_every_batch(small: Open) -> None:
    """And all others come, each once per epoch."""
    session = small("modern", "digits", SHIFT, "data.limit=200", "seed=3", *NARROW)
    withheld = session.source.withheld
    assert withheld is not None
    assert len(withheld) == 20
    shown = np.concatenate([session.source.batch_of("check", number, 0).places.numpy() for number in range(45)])  # two epochs of 180
    assert sorted(np.bincount(shown, minlength=200)) == [0] * 20 + [2] * 180
    assert not set(shown) & set(withheld.tolist())


@pytest.mark.parametrize(("settings", "count"), [((), None), ((SHIFT,), 256)])
def test_how_many_are_withheld(settings: tuple[str, ...], count: int | None, small: Open) -> None:
    """None where nothing adapts; of 8,000 as many as are ever needed."""
    withheld = small("modern", "digits", *settings, *NARROW).source.withheld
    assert (withheld if withheld is None else len(withheld)) == count


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("ring", ("augmentations.instance-noise.adaptive=true",), "instance-noise is adaptive, and nothing of ring, which never ends"),
        ("digits", (SHIFT, "data.limit=30"), "30 are too few"),
        ("digits", (SHIFT, "data.limit=60", "turns.pack=8"), "60 are too few"),
    ],
)
def test_what_cannot_adapt_is_refused(source: str, settings: tuple[str, ...], message: str, small: Open) -> None:
    with pytest.raises(UsageError, match=message):
        small("modern", source, *settings)


def test_strengths_move_by_a_fixed_amount_for_each_image() -> None:
    """Up above the target, down at or below it, between 0 and 1; each augmentation by its own target."""
    settings = ("rise=1000", "target=0.5"), ("rise=500", "target=0.2")
    names = "translation", "cutout"
    keys = [f"augmentations.{name}.{key}" for name, own in zip(names, settings, strict=True) for key in (*own, "adaptive=true")]
    recipe, _ = resolve("digits", "modern", [*keys, "augmentations.colour.weight=0.3"])
    controls = Controls(horizon=1)
    seen = []
    for found in (0.4, 0.6, 0.6, 0.5, 0.1, 0.1):
        controls = adapting.adapted(recipe, controls, found, 300)
        seen.append(tuple(round(controls.strengths[name], 6) for name in names))
    assert seen == [(0.0, 0.6), (0.3, 1.0), (0.6, 1.0), (0.3, 1.0), (0.0, 0.4), (0.0, 0.0)]
    assert controls.known == 0.1
    assert "colour" not in controls.strengths


def test_a_strength_begins_at_nothing_and_is_a_share_of_its_weight() -> None:
    keys = ["augmentations.cutout.adaptive=true", "augmentations.instance-noise.adaptive=true", "augmentations.instance-noise.weight=0.2"]
    recipe, _ = resolve("digits", "modern", [*keys, "augmentations.instance-noise.final=0", "horizon=1000", "machine.device=cpu"])
    names = "augmentation.cutout", "augmentation.instance-noise"
    strengths = {"cutout": 0.25, "instance-noise": 0.5}
    for given, images, expected in (({}, 0, (0, 0)), (strengths, 0, (0.25, 0.1)), (strengths, 1000, (0.25, 0))):
        now = knobs(recipe, Controls(horizon=1000, strengths=given), images, 10)
        assert tuple(float(now[name]) for name in names) == pytest.approx(expected, abs=1e-7)


def known_by(session: Session, steps: int) -> float:
    play = stepper(session.game, session.recipe)
    for _ in range(steps):
        play(session.state, *session.inputs())
        session.step += 1
    asked = session.recipe, session.game, session.source, session.state
    return float(np.mean([adapting.measured(*asked, place, 0, session.knobs()) for place in range(8)]))


def imitated(folder: Path, count: int, small: Open, *settings: str) -> Session:
    """Points that a frozen G has made itself: there is nothing that tells real from generated but to know each by heart."""
    path = folder / "points.npy"
    np.save(path, np.zeros((count, SIDE), np.float32))
    keys = ("penalties={}", *settings, "scaling=none", f"latent.size={SIDE}", "batch=50", "horizon=100000")
    keys = (*keys, "generator.optimiser=null", "discriminator.optimiser.rate=3e-3")
    first = small("points", str(path), *keys)
    z = torch.randn(count, SIDE, generator=torch.Generator().manual_seed(1))
    made = first.game.sample(sampled(first.game.actors, first.state), z, None, first.source.batch_of("check", 0, 0))
    np.save(path, made.numpy())
    return small("points", str(path), *keys)


@pytest.mark.parametrize("loss", ["pairing", "hinge", "wasserstein", "non-saturating", "least-squares"])
def test_what_is_known_by_heart_is_measured_for_every_loss(loss: str, tmp_path: Path, small: Open) -> None:
    """Nothing at first; most of 90 samples after many rounds; nothing where the same steps see thousands of others."""
    bounded = ("penalties.one-centred.weight=1",) if loss == "wasserstein" else ()
    settings = (f"loss.name={loss}", *bounded, "augmentations.instance-noise.adaptive=true", "discriminator.network.widths=[256]")
    few, many = (imitated(tmp_path, count, small, *settings) for count in (100, 4000))
    assert abs(known_by(few, 0)) < 0.2  # ten samples are withheld
    assert known_by(few, 150) > 0.3
    assert abs(known_by(many, 150)) < 0.15


def test_it_is_measured_on_what_d_is_shown(small: Open) -> None:
    """Augmented as in a turn, in packs, with labels."""
    session = small("shallow-conditional", "digits", "augmentations.instance-noise.adaptive=true", *NARROW)
    asked = session.recipe, session.game, session.source, session.state
    found = [adapting.measured(*asked, 0, 0, {**session.knobs(), "augmentation.instance-noise": torch.tensor(s)}) for s in (0.0, 5.0, 5.0)]
    assert found[0] != found[1] == found[2]
    packed = small("modern", "digits", SHIFT, "turns.pack=2", *NARROW)
    assert -1 <= known_by(packed, 1) <= 1


def test_seeds_that_train_together_adapt_each_for_itself() -> None:
    """As each does alone, within rounding."""
    keys = ["batch=8", "horizon=8000", "data.limit=100", SHIFT, "augmentations.translation.target=0.01", *NARROW, *EAGER]
    recipe, dataset = resolve("digits", "modern", [*keys, "augmentations.translation.rise=400"])
    seeds = (2, 3, 4)
    company = Together.of(recipe, seeds, dataset, made_game, Run(Path("unused")))
    ways: list[list[float]] = [[] for _ in seeds]
    for _ in range(50):
        company.once()
        for way, session in zip(ways, company.sessions, strict=True):
            way.append(session.controls.strengths.get("translation", 0.0))
    for seed, session, way in zip(seeds, company.sessions, ways, strict=True):
        alone = new_session(Run(Path("unused")), recipe.model_copy(update={"seed": seed}), dataset)
        play = stepper(alone.game, alone.recipe)
        for strength in way:
            play(alone.state, *alone.inputs())
            alone.step += 1
            alone.adapt()
            assert alone.controls.strengths.get("translation", 0.0) == strength
        torch.testing.assert_close(session.state["generator"].parameters, alone.state["generator"].parameters, rtol=1e-2, atol=1e-4)
    assert len(set(map(tuple, ways))) > 1


def test_f06_a_run_that_adapts_is_resumed_exactly(tmp_path: Path) -> None:
    """Strengths stand in the checkpoint and in the history; stops fall on a measurement, before and after one."""
    keys = ("batch=8", "horizon=640", "keeping.reports=4", "data.limit=100", SHIFT, "augmentations.translation.target=0.01")
    recipe, dataset = resolve("digits", "modern", [*keys, *EAGER, *NARROW, "augmentations.translation.rise=400", "seed=5"])
    whole = train_in_pieces(tmp_path / "whole", recipe, dataset, None)
    assert whole.facts["controls"]["strengths"]["translation"] > 0
    train_in_pieces(tmp_path / "pieces", recipe, dataset, 15, 16, 17, 48, None).demand_equal(whole)
    lines = history.read(Run(tmp_path / "whole"))
    assert lines[0]["augmentation.translation"] == 0
    assert lines[-1]["augmentation.translation"] == pytest.approx(whole.facts["controls"]["strengths"]["translation"])
    assert "discriminator.known" in lines[-1]
