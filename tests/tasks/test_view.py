"""What D is shown: settings that do not fit are refused with words, and strengths are read at each step."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mulligan.errors import UsageError
from mulligan.randomness import seed_operators
from mulligan.resolve import resolve
from mulligan.runs.describing import descriptions
from mulligan.runs.folder import Run, find_unfinished, identity
from mulligan.training.compiling import stepper
from mulligan.training.controls import Controls
from mulligan.training.schedules import knobs
from mulligan.training.session import Session
from mulligan.verbs.scoring import judged

Open = Callable[..., Session]
NOISE = ("augmentations.instance-noise.weight=0.4", "augmentations.instance-noise.final=0")


@pytest.mark.parametrize(
    ("recipe", "source", "settings", "message"),
    [
        ("modern", "ring", ("augmentations.translation.weight=0.5",), r"translation changes images, and a sample is \(2,\)"),
        ("modern", "digits", ("augmentations.cutout.weight=1.5",), "cutout: weight 1.5 is above 1"),
        ("modern", "ring", ("augmentations.cutouts.weight=1",), "cutouts: no such name in augmentations"),
        ("modern", "ring", ("turns.pack=3",), "a batch of 8 does not divide into packs of 3"),
        ("shallow-conditional", "digits", ("turns.pack=2",), "joined samples have no label in common"),
        ("modern", "ring", ("turns.unroll=1", "discriminator.optimiser=null"), "the discriminator does not move"),
        ("modern", "ring", ("loss.smoothing=0.1",), "no labels that could be smoothed"),
    ],
)
def test_what_does_not_fit_is_refused(recipe: str, source: str, settings: tuple[str, ...], message: str, small: Open) -> None:
    with pytest.raises(UsageError, match=message):
        small(recipe, source, *settings)


def test_a_last_batch_that_does_not_divide(small: Open) -> None:
    """8000 digits in batches of 60 leave 20."""
    with pytest.raises(UsageError, match="the last batch of an epoch has 20 samples, which do not divide into packs of 3"):
        small("shallow", "digits", "turns.pack=3", "batch=60", "order.short_batch=true")
    small("shallow", "digits", "turns.pack=3", "batch=60", "order.short_batch=false")


def test_packs_are_judged_together(small: Open) -> None:
    """D is built for joined samples, and has no opinion of one."""
    session = small("modern", "digits", "turns.pack=2", "generator.network.widths=[8]", "discriminator.network.widths=[8]")
    assert session.game.inputs["discriminator"] == (2, 28, 28)
    assert session.state["discriminator"].layout.shapes[0] == (8, 2 * 784)
    with pytest.raises(UsageError, match="judges 2 samples together"):
        judged(session, session.source.batch_of("check", 0, 0).target.numpy(), None, 4)


def test_strengths_are_knobs() -> None:
    """Along one cosine, as those of penalties; no name but those of the recipe."""
    settings = ("generator.history.weight=0.2", "generator.history.final=0.5", "discriminator.lookahead.share=0.3", *NOISE)
    recipe, _ = resolve("ring", "modern", [*settings, "horizon=1000", "machine.device=cpu"])
    start, end = (knobs(recipe, Controls(horizon=1000), images, 10) for images in (0, 1000))
    for name, first, last in (
        ("augmentation.instance-noise", 0.4, 0.0),
        ("generator.history", 0.2, 0.1),
        ("discriminator.lookahead", 0.3, 0.3),
    ):
        assert float(start[name]) == pytest.approx(first)
        assert float(end[name]) == pytest.approx(last, abs=1e-7)
    assert not start.keys() & {"discriminator.history", "generator.lookahead", "augmentation.cutout"}


@pytest.mark.parametrize("knob", ["augmentation.instance-noise", "augmentation.cutout", "generator.history", "generator.lookahead"])
def test_a_knob_that_is_changed_on_the_way_changes_the_step(knob: str, small: Open) -> None:
    """The step reads it: nothing is taken from the recipe that is not given anew."""
    settings = ("generator.history.weight=0.2", "generator.lookahead.every=1", "augmentations.cutout.weight=0.5", *NOISE)
    ends = []
    for factor in (1.0, 0.5):
        session = small("modern", "digits", *settings, "generator.network.widths=[8]", "discriminator.network.widths=[8]")
        step = stepper(session.game, session.recipe)
        for session.step in range(2):
            batches, draws, now = session.inputs()
            seed_operators(0, session.step, 0)
            step(session.state, batches, draws, now | {knob: now[knob] * factor})
        ends.append(session.state["generator"].parameters.clone())
    assert not torch.equal(*ends)


def test_lookahead_leaves_the_average_alone(small: Open) -> None:
    """EMA goes on from the weights before they go back."""
    session = small("modern", "ring", "generator.lookahead.every=1", 'generator.ema={"share":0.5}')
    plain = small("modern", "ring", 'generator.ema={"share":0.5}')
    for one in (session, plain):
        stepper(one.game, one.recipe)(one.state, *one.inputs())
    own, other = session.state["generator"], plain.state["generator"]
    assert own.ema is not None
    assert other.ema is not None
    assert torch.equal(own.ema, other.ema)
    assert not torch.equal(own.parameters, other.parameters)
    assert torch.equal(own.parameters, own.slow if own.slow is not None else own.ema)


# Weights that run far in a step are ahead of vectors that turn once
SLOW = ("generator.optimiser.rate=5e-4", "discriminator.optimiser.rate=5e-4")


def test_singular_vectors_follow_the_weights_once_a_turn(small: Open) -> None:
    """In D's turns alone, and so near that the largest singular value stays at 1."""
    session = small(
        "modern", "ring", "discriminator.network.spectral=true", "loss.name=hinge", "discriminator.network.widths=[16,16]", *SLOW
    )
    state, places = session.state["discriminator"], range(len(session.game.turns))
    for place in places:
        before = {key: tensor.clone() for key, tensor in state.buffers.items()}
        batches, draws, now = session.inputs()
        step = stepper(replace(session.game, turns=session.game.turns[place : place + 1]), session.recipe)
        step(session.state, batches[place : place + 1], draws[place : place + 1], now)
        moved = not all(torch.equal(before[key], tensor) for key, tensor in state.buffers.items())
        assert moved == ("discriminator" in session.game.turns[place].players)
    step = stepper(session.game, session.recipe)
    for session.step in range(1, 40):
        step(session.state, *session.inputs())
    weights = state.layout.views(state.parameters)
    for name in ("blocks.0.0", "blocks.1.0", "head"):
        value = state.buffers[f"{name}.left"] @ weights[f"{name}.weight"] @ state.buffers[f"{name}.right"]
        assert float(value) == pytest.approx(float(torch.linalg.matrix_norm(weights[f"{name}.weight"], 2)), rel=0.02)


def test_unrolling_changes_what_the_generator_learns(small: Open) -> None:
    ends = []
    for unroll in (0, 1, 3):
        session = small("points", "ring", f"turns.unroll={unroll}", "discriminator.optimiser.rate=0.05")
        batches, draws, now = session.inputs()
        if not ends:
            draws_of_g = draws[1]["z"]
        assert torch.equal(draws[1]["z"], draws_of_g)
        stepper(session.game, session.recipe)(session.state, batches, draws, now)
        first = session.state["generator"].first
        assert first is not None
        ends.append(first.clone())
    assert all(float((one - other).norm()) > 1e-3 * float(one.norm()) for one, other in ((ends[0], ends[1]), (ends[1], ends[2])))


def test_settings_are_described_and_added_one_by_one() -> None:
    settings = ("generator.lookahead.every=3", "generator.lookahead.share=0.2", "discriminator.history.weight=1", *NOISE)
    recipe, _ = resolve("ring", "modern", settings)
    lookahead = recipe.players["generator"].lookahead
    assert lookahead is not None
    assert (lookahead.every, lookahead.share) == (3, 0.2)
    told = descriptions(recipe.model_dump(mode="json"))
    for place in (
        ("players", "generator", "lookahead", "every"),
        ("players", "discriminator", "history", "weight"),
        ("augmentations", "instance-noise", "weight"),
        ("players", "discriminator", "network", "spectral"),
        ("turns", "pack"),
    ):
        assert told[place]
    with pytest.raises(UsageError, match=r"generator.lookahead.shares: no such setting"):
        resolve("ring", "modern", ["generator.lookahead.every=3", "generator.lookahead.shares=0.2"])


def test_a_run_of_a_version_without_these_settings_is_continued(tmp_path: Path) -> None:
    """What its recipe.json does not name is at its default."""
    import json

    recipe, _ = resolve("ring", "modern", ["machine.device=cpu"])
    run = Run(tmp_path / "001-modern-ring").prepare()
    old = recipe.model_dump(mode="json")
    del old["augmentations"], old["turns"]["pack"], old["turns"]["unroll"]
    for player in old["players"].values():
        del player["history"], player["lookahead"]
    for name in ("spectral", "minibatch", "kernels", "kernel_size"):
        del old["players"]["discriminator"]["network"][name]
    run.recipe_file.write_text(json.dumps(old))
    assert run.read_recipe() == recipe
    assert find_unfinished(tmp_path, identity(recipe)) == run
