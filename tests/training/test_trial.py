"""Steps that are played to measure them, and thrown away."""

import time
from pathlib import Path

import pytest
import torch

from mulligan.recipe import Machine, Recipe
from mulligan.resolve import resolve
from mulligan.runs.folder import Run
from mulligan.training import trial
from mulligan.training.machine import Pace
from mulligan.training.state import initial
from mulligan.verbs import made_game

ONE = Machine(device="cpu", threads=1, compile="on", precision="float32")  # that the run compiles changes nothing for its trial


def always(pace: Pace) -> bool:
    """The share of products is of interest, however long a step takes."""
    return True


ALONE = ("machine.device=cpu", "machine.threads=1")


def test_a_trial_measures_a_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    recipe, dataset = resolve("ring", "points", ALONE)
    game, run = made_game(recipe, dataset), Run(tmp_path / "run")
    before, threads = initial(game.actors, "cpu")["generator"].parameters.clone(), torch.get_num_threads()
    alone = trial.of_one(run, recipe, dataset, game)(ONE, (1,), 10**6, None, always)
    together = trial.of_several(run, recipe, dataset, range(4), made_game)(ONE, (1, 2), 10**6, None, always)
    assert alone is not None
    assert together is not None
    assert set(alone.seconds) == {1}
    assert set(together.seconds) == {1, 2}
    assert 0 < alone.seconds[1] < together.seconds[1] < trial.SECONDS
    for pace in (alone, together):
        assert pace.products is not None
        assert 0 < pace.products < 1
    assert not run.path.exists()
    assert initial(game.actors, "cpu")["generator"].parameters.equal(before)
    assert torch.get_num_threads() == threads


def test_products_are_looked_at_where_they_are_of_interest() -> None:
    recipe, dataset = resolve("ring", "points", ALONE)
    look = trial.of_one(Run(Path("unused")), recipe, dataset, made_game(recipe, dataset))
    asked: list[Pace] = []
    found = look(ONE, (1,), 10**6, None, lambda pace: bool(asked.append(pace)))
    assert found is not None
    assert found.products is None
    assert asked == [found]


def test_products_are_more_of_a_step_of_large_networks() -> None:
    shares = []
    for width, batch in ((16, 16), (384, 256)):
        wide = [f"{player}.network.widths=[{width},{width}]" for player in ("generator", "discriminator")]
        recipe, dataset = resolve("digits", "modern", [*ALONE, *wide, f"batch={batch}"])
        pace = trial.of_one(Run(Path("unused")), recipe, dataset, made_game(recipe, dataset))(ONE, (1,), 10**6, None, always)
        assert pace is not None
        assert pace.products is not None
        shares.append(pace.products)
    assert shares[0] < shares[1]


class Played:
    """Steps that take a given time with each number of threads, on a clock that they alone move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], first: float = 0.0) -> None:
        self.seconds, self.first, self.now, self.steps = seconds, first, 0.0, 0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(trial, "stepper", lambda game, recipe: self)

    def __call__(self, *_: object) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        self.now += self.seconds[torch.get_num_threads()] + (self.first if self.steps == 0 else 0.0)
        self.steps += 1
        return {}, torch.ones(())

    def pace(self, recipe_and_data: tuple[Recipe, object], steps: int = 10**6, seconds: float | None = None) -> Pace:
        recipe, dataset = recipe_and_data
        game = made_game(recipe, dataset)  # type: ignore[arg-type]
        found = trial.of_one(Run(Path("unused")), recipe, dataset, game)(ONE, (1, 2), steps, seconds, always)  # type: ignore[arg-type]
        assert found is not None
        return found


@pytest.mark.parametrize("a_step", [1e-4, 1e-2, 0.3, 0.6])
@pytest.mark.parametrize("of_all", [0.5, 1.0, 4.0])
def test_a_trial_ends_in_time(a_step: float, of_all: float, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, {1: a_step, 2: a_step * of_all}, first=1.0)
    pace = played.pace(resolve("ring", "points", ALONE))
    assert played.now <= 5.0 + a_step
    first = 1.0 if 3 * a_step * of_all >= trial.SECONDS else 0.0  # then the first step is what all cores are held against
    assert pace.seconds == pytest.approx({1: a_step + first, 2: a_step * of_all})
    assert pace.threads == (2 if of_all < 1 else 1)


def test_a_step_that_takes_longer_than_a_trial_is_played_with_each_number_once(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, {1: 30.0, 2: 16.0})
    pace = played.pace(resolve("ring", "points", ALONE))
    assert (played.steps, pace.seconds, pace.threads, pace.products) == (2, {1: 30.0, 2: 16.0}, 2, None)


def test_a_first_step_that_prepares_much_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, {1: 0.02, 2: 0.3}, first=9.0)
    assert played.pace(resolve("ring", "points", ALONE)).threads == 1


@pytest.mark.parametrize("run", [(200, None), (10**6, 20.0)])
def test_a_short_run_has_a_short_trial(run: tuple[int, float | None], monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, {1: 0.02, 2: 0.02})
    played.pace(resolve("ring", "points", ALONE), *run)
    whole = 0.02 * run[0] if run[1] is None else run[1]
    assert played.now <= trial.SHARE * whole + 3 * 0.02


def test_a_step_that_does_not_fit_into_memory_is_not_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def too_large(*_: object) -> None:
        raise MemoryError

    recipe, dataset = resolve("ring", "points", ALONE)
    monkeypatch.setattr(trial, "stepper", lambda game, recipe: too_large)
    assert trial.of_one(Run(tmp_path / "run"), recipe, dataset, made_game(recipe, dataset))(ONE, (1,), 10**6, None, always) is None


def test_a_trial_is_over_when_the_answer_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, {1: 0.14, 2: 0.08})
    assert played.pace(resolve("ring", "points", ALONE)).threads == 2
    assert played.now < 1.5


def test_what_watching_costs_is_no_part_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, {1: 0.1, 2: 0.1})

    class Watch:
        seconds = 0.04  # of the 0.1

        def __enter__(self) -> "Watch":
            played.now += 1.0  # such as an import
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(trial, "_Watch", Watch)
    assert played.pace(resolve("ring", "points", ALONE)).products == pytest.approx(0.4)


class Stalled(Played):
    """All cores wait for one of them until a moment."""

    def __call__(self, *given: object) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        self.seconds = {**self.seconds, 2: 0.5 if self.now < 1.5 else 0.08}
        return super().__call__(*given)


@pytest.mark.parametrize(("expected", "threads"), [(2, 2), (1, 1)])
def test_a_core_that_stands_still_for_a_moment_does_not_decide(expected: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, dataset = resolve("ring", "points", ALONE)
    played = Stalled(monkeypatch, {1: 0.14, 2: 0.08})
    look = trial.of_one(Run(Path("unused")), recipe, dataset, made_game(recipe, dataset))
    pace = look(ONE.model_copy(update={"threads": expected}), (1, 2), 10**6, 30.0, always)
    assert pace is not None
    assert pace.threads == threads
    assert played.now < (trial.SECONDS + 0.14 if expected == 2 else 2.2)


class Narrow:
    """Steps in bfloat16, on the clock of those in float32."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, played: Played, seconds: float, first: float = 0.0) -> None:
        self.played, self.seconds, self.first, self.steps = played, seconds, first, 0
        ways = {"float32": played, "bfloat16": self}
        monkeypatch.setattr(trial, "stepper", lambda game, recipe: ways[recipe.machine.precision])

    def __call__(self, *_: object) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        self.played.now += self.seconds + (self.first if self.steps == 0 else 0.0)
        self.steps += 1
        return {}, torch.ones(())


AUTO = ONE.model_copy(update={"precision": "auto"})


@pytest.mark.parametrize(("a_step", "narrow"), [(0.02, True), (0.017, True), (0.025, False)])
def test_bfloat16_takes_turns_with_float32(a_step: float, narrow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, dataset = resolve("ring", "points", ALONE)
    played = Played(monkeypatch, {1: 0.05, 2: 0.024})
    other = Narrow(monkeypatch, played, a_step, first=0.3)
    pace = trial.of_one(Run(Path("unused")), recipe, dataset, made_game(recipe, dataset))(AUTO, (1, 2), 10**6, None, always)
    assert pace is not None
    assert (pace.threads, pace.bfloat16, pace.narrow) == (2, pytest.approx(a_step), narrow)
    assert pace.step == pytest.approx(a_step if narrow else 0.024)
    assert 1 < other.steps < 12
    assert played.now < trial.SECONDS


def test_a_step_in_bfloat16_for_which_there_is_no_time_is_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, dataset = resolve("ring", "points", ALONE)
    played = Played(monkeypatch, {1: 3.0, 2: 1.6})
    other = Narrow(monkeypatch, played, 0.5)
    pace = trial.of_one(Run(Path("unused")), recipe, dataset, made_game(recipe, dataset))(AUTO, (1, 2), 10**6, None, always)
    assert pace is not None
    assert (pace.bfloat16, pace.narrow, other.steps) == (None, False, 0)


def test_a_real_step_is_played_in_both(tmp_path: Path) -> None:
    recipe, dataset = resolve("digits", "shallow", ALONE)
    pace = trial.of_one(Run(tmp_path), recipe, dataset, made_game(recipe, dataset))(AUTO, (1,), 10**6, None, always)
    assert pace is not None
    assert pace.bfloat16 is not None
    assert pace.bfloat16 > 0
