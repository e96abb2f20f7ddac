"""What `auto` stands for."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from mulligan.recipe import Machine
from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.runs.folder import Run
from mulligan.training import compilations, machine
from mulligan.training.budget import Budget
from mulligan.training.machine import COLD, LEAST_SECONDS, LEAST_STEPS, SAVED, Pace, decide_machine, most_steps, pays
from mulligan.verbs import decide, made_game

LONG = 10**6


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two cores that know bfloat16, a compiler that is never called, and nothing compiled yet."""
    monkeypatch.setattr(environment, "cores", lambda: 2)
    monkeypatch.setattr(environment, "has_bfloat16", lambda device: True)
    monkeypatch.setattr(machine, "onednn_is_faster", lambda: True)
    monkeypatch.setenv("CXX", "sh")
    monkeypatch.setenv(compilations.PLACE, str(tmp_path / "compiled"))


def decided(
    *settings: str, steps: int = LONG, seconds: float | None = None, pace: Pace | None = None, asked: list[int] | None = None
) -> Machine:
    recipe, dataset = resolve("ring", "points", ["machine.device=cpu", *settings])

    def trial(machine: Machine, numbers: Sequence[int], steps: int, seconds: float | None, of_interest: Callable[[Pace], bool]) -> Pace:
        if asked is not None:
            asked.extend(numbers)
        return pace or Pace(dict.fromkeys(numbers, 1e-3), 0.5)

    return decide_machine(recipe, made_game(recipe, dataset), steps, seconds, trial)


@pytest.mark.parametrize(("seconds", "threads"), [({1: 1.0, 2: 0.95}, 1), ({1: 1.0, 2: 0.89}, 2), ({1: 1.0, 2: 20.0}, 1)])
def test_all_cores_where_they_are_clearly_faster(seconds: dict[int, float], threads: int) -> None:
    assert decided(pace=Pace(seconds)).threads == threads
    assert decided("machine.threads=3", pace=Pace({3: 1.0})).threads == 3


def test_nothing_is_measured_that_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    decided("machine.threads=3", "machine.compile=off", asked=asked)
    decided("machine.threads=3", "machine.compile=on", asked=asked)
    decided(steps=LEAST_STEPS - 1, asked=asked)
    decided(seconds=LEAST_SECONDS - 1, asked=asked)
    assert asked == []
    decided("machine.compile=on", asked=asked)
    assert asked == [1, 2]
    decided("machine.threads=3", asked=asked)
    assert asked == [1, 2, 3]
    monkeypatch.setattr(environment, "cores", lambda: 1)
    decided("machine.compile=off", asked=asked)
    assert asked == [1, 2, 3]


def test_a_short_run_goes_by_the_size_of_its_networks() -> None:
    for name, source, threads in (("points", "ring", 1), ("shallow", "digits", 2)):
        recipe, dataset = resolve(source, name, ["machine.device=cpu"])
        assert decide_machine(recipe, made_game(recipe, dataset), 1, None, lambda *_: None).threads == threads


@pytest.mark.parametrize("cost", [0.5, 5.0, 40.0])
@pytest.mark.parametrize("products", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("steps", [LEAST_STEPS, 3000, 100_000])
def test_compiled_is_never_longer_than_eager(steps: int, products: float, cost: float) -> None:
    """As long as a compiled step takes no longer than expected, the run takes no longer than without, compilation included."""
    pace = Pace({1: 0.02}, products)
    eager = steps * 0.02
    compiled = cost + eager * (1 - pace.saved)
    assert pays(eager, pace.saved, cost) == (compiled < eager)
    in_time = (eager - cost) / (0.02 * (1 - pace.saved))  # steps that fit into as much time
    assert pays(eager, pace.saved, cost) == (in_time > steps + 1e-6)


def test_a_long_run_is_compiled_where_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace({1: 0.02, 2: 0.02}, 0.5)
    enough = COLD / pace.saved
    for longer, compile in ((0.9, "off"), (1.1, "on")):
        assert decided(steps=int(enough * longer / 0.02), pace=pace).compile == compile
        assert decided(seconds=enough * longer, pace=pace).compile == compile
    assert decided(steps=LEAST_STEPS, seconds=10 * enough, pace=pace).compile == "off"
    assert decided(pace=Pace({1: 0.02, 2: 0.02}, 1.0)).compile == "off"  # nothing but products
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert decided().compile == "off"
    assert decided("machine.compile=on").compile == "on"


def test_a_step_that_is_compiled_already_is_worth_it_sooner() -> None:
    recipe, _ = resolve("ring", "points", ["machine.device=cpu"])
    pace = Pace({1: 0.02, 2: 0.02}, 0.5)
    assert decided(seconds=LEAST_SECONDS, pace=pace).compile == "off"
    settled = decided(seconds=LEAST_SECONDS, pace=pace)
    compilations.note(compilations.key_of(recipe.model_copy(update={"machine": settled})), LEAST_SECONDS * pace.saved / 2)
    assert decided(seconds=LEAST_SECONDS, pace=pace).compile == "on"
    assert decided("batch=8", seconds=LEAST_SECONDS, pace=pace).compile == "off"  # another step


def test_each_size_of_batch_is_compiled() -> None:
    recipe, dataset = resolve("digits", "shallow", ["machine.device=cpu", "order.short_batch=true", "order.how=epochs", "batch=60"])
    assert recipe.data.count == 8000
    pace = Pace({1: 0.02, 2: 0.02}, 0.5)
    game = made_game(recipe, dataset)
    found = {share: decide_machine(recipe, game, LONG, share * COLD / pace.saved, lambda *_: pace).compile for share in (1.5, 2.5)}
    assert found == {1.5: "off", 2.5: "on"}


def test_a_step_that_does_not_fit_into_memory_is_not_compiled() -> None:
    recipe, dataset = resolve("ring", "points", ["machine.device=cpu"])
    assert decide_machine(recipe, made_game(recipe, dataset), LONG, None, lambda *_: None).compile == "off"


def test_most_steps() -> None:
    recipe, dataset = resolve("ring", "points", ["batch=64", "horizon=6400"])
    game = made_game(recipe, dataset)
    assert most_steps(recipe, game, Budget()) == 100
    assert most_steps(recipe, game, Budget(images=640)) == 10
    assert most_steps(recipe, game, Budget(steps=7)) == 7
    assert most_steps(recipe, game, Budget(seconds=60, steps=700)) == 700
    assert most_steps(recipe, game, Budget(seconds=60)) > 10**9
    several, dataset = resolve("ring", "points", ["batch=64", "horizon=6400", "turns.critic=5"])
    assert most_steps(several, made_game(several, dataset), Budget()) == 20


def test_what_was_measured_is_said() -> None:
    recipe, dataset = resolve("ring", "points", ["machine.device=cpu"])
    said: list[str] = []
    decide_machine(recipe, made_game(recipe, dataset), LONG, None, lambda *_: Pace({1: 0.02, 2: 0.01}, 0.5), say=said.append)
    assert said == ["a step takes 20 ms with 1, 10 ms with 2 threads; compilation saves about 25% of that and takes about 30 s"]
    decide_machine(recipe, made_game(recipe, dataset), LONG, None, lambda *_: Pace({1: 0.02, 2: 0.01}, 0.5, 0.006), say=said.append)
    assert said[1].startswith("a step takes 20 ms with 1, 10 ms with 2 threads, 6 ms in bfloat16 with 2; compilation")


def test_device_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    found = decided("machine.device=auto", steps=1)
    assert (found.device, found.precision) == ("cuda", "bfloat16")
    assert decided("machine.device=auto", "machine.precision=float32", steps=1).precision == "float32"
    assert decided().precision == "float32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert decided("machine.device=auto").device == "cpu"


def images(*settings: str, steps: int = LONG, narrow: float | None, recipe: str = "conv") -> tuple[Machine, list[str]]:
    """What is decided for images, where a step takes 20 ms in float32; and the precisions that were given to the trial."""
    resolved, dataset = resolve("digits", recipe, ["machine.device=cpu", *settings])
    seen: list[str] = []

    def trial(machine: Machine, numbers: Sequence[int], steps: int, seconds: float | None, of_interest: Callable[[Pace], bool]) -> Pace:
        seen.append(machine.precision)
        return Pace({1: 0.03, 2: 0.02}, 0.5, narrow if machine.precision == "auto" else None)

    return decide_machine(resolved, made_game(resolved, dataset), steps, None, trial), seen


def test_bfloat16_where_it_is_clearly_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    for narrow, wanted in ((0.01, "bfloat16"), (0.019, "float32"), (None, "float32")):
        found, seen = images(narrow=narrow)
        assert (found.precision, seen) == (wanted, ["auto"])
    assert images(narrow=0.01, steps=LEAST_STEPS - 1)[0].precision == "float32"
    assert images("machine.precision=float32", narrow=0.01) == (images("machine.precision=float32", narrow=None)[0], ["float32"])
    assert images(narrow=0.01, recipe="shallow")[1] == ["float32"]  # dense nets were not all as good
    monkeypatch.setattr(environment, "has_bfloat16", lambda device: False)
    assert images(narrow=0.01)[1] == ["float32"]


def test_a_faster_step_is_compiled_later() -> None:
    """What compiling saves is counted in the precision that is played."""
    enough = int(COLD / (SAVED * 0.5) / 0.02) + 1
    assert images(narrow=None, steps=enough)[0].compile == "on"
    assert images(narrow=0.01, steps=enough)[0].compile == "off"
    assert images(narrow=0.01, steps=2 * enough)[0].compile == "on"


def test_what_a_run_recorded_is_replayed(tmp_path: Path) -> None:
    """Also where the version that recorded it knew less: then matrices are multiplied as they were."""
    recipe, dataset = resolve("ring", "points", [])
    run = Run(tmp_path).prepare()
    run.write_recipe(recipe)
    recorded = {"device": "cpu", "threads": 3, "compile": "on", "precision": "float32", "split": 1}
    for more, products in (({}, "default"), ({"products": "onednn"}, "onednn")):
        environment.record(run, ["train"], {**recorded, **more})
        found = decide(run, recipe, dataset, made_game(recipe, dataset), Budget()).machine
        assert found == Machine.model_validate({**recorded, "products": products})


def test_who_multiplies_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decided().products == "onednn"
    assert decided("machine.products=default").products == "default"
    assert decided("machine.compile=off").products == "default"
    recipe, dataset = resolve("ring", "points", ["machine.device=cpu"])
    several = decide_machine(recipe, made_game(recipe, dataset), LONG, None, lambda *_: None, seeds=3)
    assert several.products == "default"
    monkeypatch.setattr(machine, "onednn_is_faster", lambda: False)
    assert decided().products == "default"


@pytest.mark.parametrize(("settings", "run", "wanted"), [([], 1.1, True), ([], 0.9, False), (["machine.compile=off"], 9.0, False)])
def test_products_are_of_interest_where_compilation_might_pay(settings: list[str], run: float, wanted: bool) -> None:
    recipe, dataset = resolve("ring", "points", ["machine.device=cpu", *settings])
    seen: list[bool] = []

    def trial(machine: Machine, numbers: Sequence[int], steps: int, seconds: float | None, of_interest: Callable[[Pace], bool]) -> Pace:
        seen.append(of_interest(Pace({1: 1e-3, 2: 1e-3})))
        return Pace({1: 1e-3, 2: 1e-3})

    decide_machine(recipe, made_game(recipe, dataset), LONG, run * COLD / SAVED, trial)
    assert seen == [wanted]
