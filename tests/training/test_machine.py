"""What `auto` stands for."""

import pytest
import torch

from mulligan.recipe import Machine
from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.training import machine
from mulligan.verbs import made_game


def decided(name: str, source: str, *settings: str, steps: int = 10, seconds: float | None = None) -> Machine:
    recipe, dataset = resolve(source, name, ["machine.device=cpu", *settings])
    return machine.decide_machine(recipe, made_game(recipe, dataset), steps, seconds)


def test_small_nets_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "cores", lambda: 2)
    assert decided("points", "ring").threads == 1
    assert decided("shallow", "digits").threads == 2
    assert decided("points", "ring", "machine.threads=3").threads == 3


def test_a_long_run_is_compiled_where_there_is_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "sh")
    lengths = {machine.WORTH_STEPS - 1: "off", machine.WORTH_STEPS: "on"}
    assert {steps: decided("points", "ring", steps=steps).compile for steps in lengths} == lengths
    times = {machine.WORTH_SECONDS - 1: "off", machine.WORTH_SECONDS: "on"}
    assert {seconds: decided("points", "ring", seconds=seconds).compile for seconds in times} == times
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert decided("points", "ring", steps=10**6).compile == "off"
    assert decided("points", "ring", "machine.compile=on").compile == "on"


def test_device_and_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    found = decided("points", "ring", "machine.device=auto")
    assert (found.device, found.precision) == ("cuda", "bfloat16")
    assert decided("points", "ring", "machine.device=auto", "machine.precision=float32").precision == "float32"
    assert decided("points", "ring").precision == "float32"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert decided("points", "ring", "machine.device=auto").device == "cpu"
