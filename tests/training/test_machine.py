"""What `auto` stands for."""

from pathlib import Path

import pytest
import torch

from mulligan.recipe import Machine
from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.runs.folder import Run
from mulligan.training import machine, trial
from mulligan.training.state import initial
from mulligan.verbs import made_game


def decided(name: str, source: str, *settings: str, steps: int = 10, seconds: float | None = None, a_step: float = 1e-3) -> Machine:
    recipe, dataset = resolve(source, name, ["machine.device=cpu", *settings])
    return machine.decide_machine(recipe, made_game(recipe, dataset), steps, seconds, lambda machine: a_step)


def test_small_nets_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "cores", lambda: 2)
    assert decided("points", "ring").threads == 1
    assert decided("shallow", "digits").threads == 2
    assert decided("points", "ring", "machine.threads=3").threads == 3


def test_a_long_run_is_compiled_where_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "sh")
    paces = {machine.WORTH_SECONDS / 1001: "off", machine.WORTH_SECONDS / 1000: "on"}
    assert {pace: decided("points", "ring", steps=1000, a_step=pace).compile for pace in paces} == paces
    assert decided("points", "ring", steps=machine.LEAST_STEPS - 1, a_step=60.0).compile == "off"
    times = {machine.WORTH_SECONDS - 1: "off", machine.WORTH_SECONDS: "on"}
    assert {seconds: decided("points", "ring", seconds=seconds).compile for seconds in times} == times
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert decided("points", "ring", steps=10**6).compile == "off"
    assert decided("points", "ring", "machine.compile=on").compile == "on"


def test_a_trial_measures_a_step_and_leaves_nothing_behind(tmp_path: Path) -> None:
    recipe, dataset = resolve("ring", "points", ["machine.device=cpu", "machine.threads=1"])
    settled = machine.decide_machine(recipe, made_game(recipe, dataset), 1, None, lambda machine: 0.0)
    game, run = made_game(recipe, dataset), Run(tmp_path / "run")
    before = initial(game.actors, "cpu")["generator"].parameters.clone()
    alone = trial.of_one(run, recipe, dataset, game)(settled)
    together = trial.of_several(run, recipe, dataset, range(4), made_game)(settled)
    assert 0 < alone < together < trial.SECONDS
    assert not run.path.exists()
    assert initial(game.actors, "cpu")["generator"].parameters.equal(before)


def test_a_step_that_does_not_fit_into_memory_is_not_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def too_large(*_: object) -> None:
        raise MemoryError

    recipe, dataset = resolve("ring", "points", ["machine.device=cpu", "machine.threads=1"])
    settled = machine.decide_machine(recipe, made_game(recipe, dataset), 1, None, lambda machine: 0.0)
    monkeypatch.setattr(trial, "stepper", lambda game, recipe: too_large)
    assert trial.of_one(Run(tmp_path / "run"), recipe, dataset, made_game(recipe, dataset))(settled) == 0.0


def test_device_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    found = decided("points", "ring", "machine.device=auto")
    assert (found.device, found.precision) == ("cuda", "bfloat16")
    assert decided("points", "ring", "machine.device=auto", "machine.precision=float32").precision == "float32"
    assert decided("points", "ring").precision == "float32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert decided("points", "ring", "machine.device=auto").device == "cpu"
