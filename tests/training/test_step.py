"""One step: who moves, what is averaged, which statistics are kept, and that nothing is kept of a step that is not finite."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch

from mulligan.randomness import seed_operators
from mulligan.training.compiling import stepper
from mulligan.training.game import Batch, Cast, Tensors, Told, Turn
from mulligan.training.schedules import ema_decay
from mulligan.training.session import Session
from mulligan.training.state import looked_at, named, parameters

Open = Callable[..., Session]
Changed = Callable[[Told, Tensors], Told]


def copied(session: Session) -> dict[str, Tensors]:
    return {player: {key: tensor.clone() for key, tensor in tensors.items()} for player, tensors in named(session.state).items()}


def same(one: Tensors, other: Tensors, part: str = "") -> bool:
    return all(torch.equal(one[key], other[key]) for key in one if key.startswith(part))


def play(session: Session, places: Sequence[int] | None = None, change: Changed | None = None) -> tuple[Tensors, bool]:
    """One step of all turns or of some; change: of what each objective tells, given the parameters of D."""
    turns = session.game.turns
    chosen = range(len(turns)) if places is None else places

    def changed(turn: Turn) -> Turn:
        def objective(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
            told = turn.objective(cast, batch, drawn, knobs)
            return change(told, cast.parameters[turn.players[0]]) if change else told

        return replace(turn, objective=objective)

    game = replace(session.game, turns=tuple(changed(turns[place]) for place in chosen))
    batches, draws, knobs = session.inputs()
    seed_operators(0, session.step, 0)
    step = stepper(game, session.recipe)
    figures, finite = step(session.state, [batches[place] for place in chosen], [draws[place] for place in chosen], knobs)
    session.step += 1
    return figures, bool(finite)


@pytest.mark.parametrize("recipe", ["shallow", "dense-dropout", "dense-batchnorm", "conv"])
def test_a_turn_moves_its_players_alone(recipe: str, small: Open) -> None:
    session = small(recipe)
    for place, turn in enumerate(session.game.turns):
        before = copied(session)
        play(session, [place])
        after = copied(session)
        for player in session.game.actors:
            moved = player in turn.players
            assert same(before[player], after[player], "parameters/") != moved
            assert same(before[player], after[player], "first/") != moved
            assert same(before[player], after[player], "updates") != moved


def test_moving_statistics_are_kept(small: Open) -> None:
    """Of G in training mode: in its own turn, and where it makes fakes for D; never of one that makes them in inference mode."""
    for fakes, moves in (("training", True), ("inference", False)):
        session = small("dense-batchnorm", "digits", f"turns.fakes={fakes}")
        before = copied(session)["generator"]
        play(session, [0])
        assert same(before, copied(session)["generator"], "buffers/") != moves
        play(session, [1])
        assert not same(before, copied(session)["generator"], "buffers/")
        assert all(bool(tensor.isfinite().all()) for tensor in session.state["generator"].buffers.values())


def test_moving_statistics_take_the_published_step(small: Open) -> None:
    """mean <- momentum * mean + (1 - momentum) * mean of the batch, once for each turn that G takes part in."""
    session = small("dense-batchnorm", "digits")
    _, draws, _ = session.inputs()
    module = session.recipe.players["generator"].network.build(session.recipe.signature())
    expected = torch.zeros(256)
    for place in (0, 1):
        module.load_state_dict({**parameters(session.state["generator"]), **session.state["generator"].buffers})
        first = module.body[0]
        with torch.no_grad():
            expected = 0.99 * expected + 0.01 * first[1](first[0](draws[place]["z"])).mean(0)
    play(session)
    torch.testing.assert_close(session.state["generator"].buffers["body.0.2.mean"], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("critic", [1, 3])
def test_ema(small: Open, critic: int) -> None:
    """average <- decay * average + (1 - decay) * weights, after each update of its player; it is what is looked at."""
    session = small("modern", "ring", f"turns.critic={critic}")
    settings = session.recipe.players["generator"].ema
    assert settings is not None
    average = session.state["generator"].parameters.clone()
    for _ in range(5):
        decay = ema_decay(settings, session.images + 8 * critic, 8 * critic)
        play(session)
        average = decay * average + (1 - decay) * session.state["generator"].parameters
    assert session.state["generator"].ema is not None
    torch.testing.assert_close(session.state["generator"].ema, average, rtol=1e-5, atol=1e-7)
    seen, _ = looked_at(session.state["generator"])
    average_by_name = session.state["generator"].layout.views(session.state["generator"].ema)
    assert all(torch.equal(seen[name], tensor) for name, tensor in average_by_name.items())
    assert session.state["discriminator"].ema is None


def times(factor: float) -> Changed:
    return lambda told, own: Told({name: term * factor for name, term in told.terms.items()}, told.figures)


def gradient_alone(told: Told, own: Tensors) -> Told:
    """A loss that is finite, with a gradient that is not: the slope of a root at zero."""
    trap = (next(iter(own.values())) * 0).abs().sum().sqrt()
    return Told({name: term + trap for name, term in told.terms.items()}, told.figures)


def figure_alone(told: Told, own: Tensors) -> Told:
    return Told(told.terms, {name: figure + float("nan") for name, figure in told.figures.items()})


@pytest.mark.parametrize("recipe", ["points", "modern", "dense-batchnorm"])
@pytest.mark.parametrize(
    "change",
    [times(float("nan")), times(float("inf")), times(-float("inf")), gradient_alone, figure_alone, times(1e30)],
    ids=["nan", "inf", "-inf", "gradient", "figure", "square overflows"],
)
def test_f19_nothing_is_kept_of_a_turn_that_is_not_finite(recipe: str, change: Changed, small: Open) -> None:
    session = small(recipe, "digits" if recipe == "dense-batchnorm" else "ring")
    play(session)
    before = copied(session)
    _, finite = play(session, change=change)
    assert not finite
    assert all(same(before[player], tensors) for player, tensors in copied(session).items())


def test_f19_later_turns_keep_nothing_either(small: Open) -> None:
    """What D's turn kept before G's turn failed is undone by the rollback; after the failure, nothing changes."""
    session = small("shallow")
    calls = []

    def second(told: Told, own: Tensors) -> Told:
        calls.append(1)
        return times(float("nan"))(told, own) if len(calls) == 2 else told

    before = copied(session)
    _, finite = play(session, change=second)
    assert not finite
    assert len(calls) == 3
    assert same(before["generator"], copied(session)["generator"])
    assert float(session.state["discriminator"].updates) == 1


def test_initial_weights_belong_to_seed_and_player(small: Open) -> None:
    first, again, other = small("points", "ring"), small("points", "ring"), small("points", "ring", "seed=1")
    for player in first.game.actors:
        assert same(copied(first)[player], copied(again)[player])
        assert not same(copied(first)[player], copied(other)[player], "parameters/")


def test_each_turn_draws_its_own_numbers(small: Open) -> None:
    """Also the five turns of a critic; other steps and attempts draw others."""
    session = small("points", "ring", "turns.critic=5")
    _, draws, _ = session.inputs()
    session.step = 1
    _, later, _ = session.inputs()
    session.controls = session.controls.model_copy(update={"attempt": 1})
    _, retried, _ = session.inputs()
    seen = [draw["z"] for draw in (*draws, *later, *retried)]
    assert len(seen) == 18
    assert len({tuple(z.flatten().tolist()) for z in seen}) == 18


def test_images_count_what_the_critic_reads(small: Open) -> None:
    session = small("points", "ring", "turns.critic=5")
    session.step = 3
    assert session.images == 3 * 5 * 8
    assert session.schedule.step_at(session.source, 3 * 5 * 8) == 3
    assert session.schedule.step_at(session.source, 3 * 5 * 8 + 1) == 4


def test_short_batches_with_several_critic_turns(small: Open) -> None:
    """Where an epoch ends between two critic turns, each turn draws as many numbers as it reads samples."""
    session = small("shallow", "digits", "turns.critic=3", "turns.separate=false", "order.short_batch=true", "batch=3000")
    batches, draws, _ = session.inputs()
    assert [len(batch.target) for batch in batches if batch is not None] == [3000, 3000, 2000]
    assert [len(draw["z"]) for draw in draws] == [3000, 3000, 2000, 2000]
    assert play(session)[1]
