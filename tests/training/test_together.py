"""Seeds that train together: each is what it is alone, whatever its company, and one that breaks spoils no other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mulligan.errors import DivergedError, UsageError
from mulligan.resolve import resolve
from mulligan.runs.folder import Run
from mulligan.training.budget import Budget
from mulligan.training.compiling import compiler, stepper
from mulligan.training.loop import Tick
from mulligan.training.session import Session
from mulligan.training.state import named
from mulligan.training.together import Together
from mulligan.verbs import made_game, new_session

SMALL = ("batch=8", "horizon=8000", "machine.threads=1", "machine.device=cpu", "machine.precision=float32", "latent.size=4")
NETS = (
    "generator.network.widths=[8,8]",
    "discriminator.network.widths=[8,8]",
    "generator.network.components=4",
    "discriminator.network.waves=3",
    "discriminator.network.frequencies=[1,4]",
    # Without a first moment an update is a sign; these keep one that is nearly zero from tipping over by rounding.
    "generator.optimiser.rate=5e-4",
    "discriminator.optimiser.rate=5e-4",
    "generator.optimiser.epsilon=1e-2",
    "discriminator.optimiser.epsilon=1e-2",
)


class Notes:
    """An audience that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ticks: list[Tick] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def tick(self, tick: Tick) -> None:
        self.ticks.append(tick)


def together(seeds: Sequence[int], recipe: str = "modern", source: str = "ring", *settings: str) -> Together:
    resolved, dataset = resolve(source, recipe, (*SMALL, "machine.compile=off", *settings))
    return Together.of(resolved, seeds, dataset, made_game, Run(Path("unused")))


def alone(seed: int, steps: int, recipe: str = "modern", source: str = "ring", *settings: str) -> Session:
    session = new_session(Run(Path("unused")), *resolve(source, recipe, (*SMALL, "machine.compile=off", *settings), seed))
    step = stepper(session.game, session.recipe)
    for _ in range(steps):
        assert step(session.state, *session.inputs())[1]
        session.step += 1
    return session


def assert_follows(found: Session, expected: Session, tolerance: float = 1e-4) -> None:
    for player, tensors in named(expected.state).items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(named(found.state)[player][name], tensor, rtol=tolerance, atol=tolerance, msg=f"{player}/{name}")


@pytest.mark.parametrize(
    ("recipe", "source", "settings"),
    [
        ("modern", "ring", NETS),
        ("modern", "digits", ("generator.network.widths=[8]", "discriminator.network.widths=[8]")),
        ("points", "parabola", ()),
        (
            "dense-batchnorm",
            "digits",
            ("generator.network.widths=[8]", "discriminator.network.widths=[8]", "discriminator.network.dropout=0"),
        ),
        ("shallow-conditional", "digits", ("generator.network.widths=[8]", "discriminator.network.widths=[8]")),
    ],
)
def test_a_seed_follows_its_single_run(recipe: str, source: str, settings: tuple[str, ...]) -> None:
    both = together((3, 8), recipe, source, *settings)
    for _ in range(5):
        both.once()
    assert not both.lost
    for session in both.sessions:
        assert_follows(session, alone(session.recipe.seed, 5, recipe, source, *settings))


def test_a_seed_is_the_same_in_any_company() -> None:
    one, other = together((5, 1), "modern", "grid", *NETS), together((2, 7, 5), "modern", "grid", *NETS)
    for _ in range(5):
        one.once()
        other.once()
    assert_follows(one.sessions[0], other.sessions[2])
    with pytest.raises(AssertionError):
        assert_follows(one.sessions[1], other.sessions[1])


def test_a_seed_that_breaks_is_noted_and_spoils_no_other() -> None:
    seeds = together((0, 1, 2), "modern", "ring", *NETS)
    seeds.once()
    seeds.sessions[1].state["discriminator"].parameters.fill_(float("nan"))
    before = seeds.sessions[1].state["generator"].parameters.clone()
    for _ in range(4):
        figures = seeds.once()
    assert seeds.lost == {1: 1}
    assert all(value == value for value in figures.values())  # means over the others
    assert torch.equal(seeds.sessions[1].state["generator"].parameters, before)
    for place in (0, 2):
        assert_follows(seeds.sessions[place], alone(place, 5, "modern", "ring", *NETS))
    seeds.run(Budget(steps=6), Notes())
    assert seeds.lost == {1: 1}


def test_strange_weights_are_found_where_losses_stay_finite() -> None:
    seeds = together((0, 1), "modern", "ring", *NETS)
    seeds.once()
    ema = seeds.sessions[0].state["generator"].ema
    assert ema is not None
    ema[0] = float("inf")
    seeds.run(Budget(steps=1), Notes())
    assert seeds.lost == {0: 1}


def test_no_seed_left() -> None:
    seeds = together((0, 1), "modern", "ring", *NETS)
    for session in seeds.sessions:
        session.state["generator"].parameters.fill_(float("inf"))
    with pytest.raises(DivergedError, match="every seed"):
        seeds.once()


@pytest.mark.slow
def test_budgets() -> None:
    seeds, notes = together((0, 1), "modern", "ring", *NETS), Notes()
    seeds.run(Budget(images=40), notes)
    assert (seeds.step, seeds.images) == (5, 40)
    assert notes.ticks[0].last_step == 5
    seeds.run(Budget(), notes)
    assert seeds.images == seeds.horizon == 8000


def test_a_time_sets_the_horizon() -> None:
    seeds = together((0, 1), "modern", "ring", *NETS, "horizon=1000000000")
    seeds.run(Budget(seconds=4.0), Notes())
    assert seeds.horizon < 1_000_000
    assert seeds.images > 0.5 * seeds.horizon
    assert {session.controls.horizon for session in seeds.sessions} == {seeds.horizon}


def test_dropout_is_refused() -> None:
    with pytest.raises(UsageError, match="has dropout"):
        together((0, 1), "dense-dropout", "digits")


def test_what_vmap_cannot_play_is_refused() -> None:
    seeds = together((0, 1), "modern", "ring", *NETS)
    game = seeds.sessions[0].game
    turn = game.turns[0]

    def random(cast, batch, drawn, knobs):  # type: ignore[no-untyped-def]
        told = turn.objective(cast, batch, drawn, knobs)
        return told._replace(terms={name: values * torch.rand(()) for name, values in told.terms.items()})

    broken = Together(
        [replace(each, game=replace(game, turns=(replace(turn, objective=random), *game.turns[1:]))) for each in seeds.sessions]
    )
    with pytest.raises(UsageError, match="cannot be trained for several seeds at once"):
        broken.run(Budget(steps=1), Notes())


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours
def test_compiled() -> None:
    assert compiler() is not None
    resolved, dataset = resolve("ring", "modern", (*SMALL, *NETS, "machine.compile=on"))
    seeds, notes = Together.of(resolved, (0, 4), dataset, made_game, Run(Path("unused"))), Notes()
    seeds.run(Budget(steps=5), notes)
    assert not notes.said
    for session in seeds.sessions:
        assert_follows(session, alone(session.recipe.seed, 5, "modern", "ring", *NETS), 1e-3)
