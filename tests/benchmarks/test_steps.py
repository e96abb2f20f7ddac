"""The script that times loops side by side: it runs, and what the times come to is right. What the loops do: test_same_updates.py."""

import importlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mulligan.runs import environment
from mulligan.testing.games import EAGER
from mulligan.training.state import count
from mulligan.verbs import made_game

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
QUICK = ["--rounds", "2", "--steps", "3", "--threads", "1", "--eager", "--alone", "--precision", "float32"]


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Imports a script of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def steps(imported: Callable[[str], Any]) -> Any:
    return imported("steps")


def test_threads_are_those_that_auto_takes(steps: Any) -> None:
    assert steps.threads_for("points") == 1
    assert steps.threads_for("shallow") == environment.cores()


def test_quartiles(imported: Callable[[str], Any]) -> None:
    timing = imported("timing")
    assert timing.quartiles([5.0]) == (5.0, 5.0)
    assert timing.quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)


def test_rows_are_medians_of_ratios(imported: Callable[[str], Any]) -> None:
    systems, tables = imported("systems"), imported("step_tables")
    ours = [[1.0, 1.0], [4.0, 4.0], [3.0, 3.0]]
    plain, fused = [[2.0, 2.0]] * 3, [[4.0, 4.0]] * 3
    keys = [(name, "float32") for name in (systems.COMPILED, systems.PLAIN, systems.FUSED)]
    rows = tables.rows(dict(zip(keys, (ours, plain, fused), strict=True)))
    assert [rows[0][name] for name in ("seconds", "to plain", "to plain, low", "to plain, high", "to fused")] == [3.0, 1.5, 1.0, 1.75, 0.75]
    assert rows[1]["to plain"] == 1.0


def test_goals_are_held_against_what_was_timed(imported: Callable[[str], Any]) -> None:
    """As fast as wanted or not, and against the largest of the bounds; nothing is said of what was not timed."""
    systems, tables = imported("systems"), imported("step_tables")
    times = {
        (systems.COMPILED, "float32"): [[1.0]],
        (systems.COMPILED, "bfloat16"): [[0.5]],
        (systems.PLAIN, "float32"): [[1.4]],
        (systems.JAX, "float32"): [[1.0]],
        (systems.ARITHMETIC, "float32"): [[0.1]],
        (systems.ARITHMETIC, "bfloat16"): [[0.05]],
        (systems.BYTES, "float32"): [[0.4]],
        (systems.EMPTY, "float32"): [[0.01]],
    }
    told = {(goal["precision"], goal["goal"]): goal for goal in tables.judged("dense-dropout", times, has_bfloat16=False)}
    assert {key: (goal["measured"], goal["reached"]) for key, goal in told.items()} == {
        ("float32", "1.5 times as fast as plain PyTorch"): (1.4, False),
        ("float32", "no slower than JAX"): (1.0, True),
        ("float32", "within 2 times the largest bound"): (2.5, False),
        ("bfloat16", "2.5 times as fast as plain PyTorch"): (2.8, True),
        ("bfloat16", "no slower than JAX"): (2.0, True),
        ("bfloat16", "within 2 times the largest bound"): (1.25, True),
    }
    assert all(bool(goal["remark"]) == (precision == "bfloat16") for (precision, _), goal in told.items())
    assert "no bfloat16 instructions" in told["bfloat16", "no slower than JAX"]["remark"]


def test_every_system_has_goals(imported: Callable[[str], Any]) -> None:
    """Each has one against the plain loop; and a goal is of a system that there is, against a loop that is timed."""
    systems = imported("systems")
    assert {goal.system for goal in systems.GOALS if goal.than == systems.PLAIN} == set(systems.SYSTEMS)
    assert {goal.than for goal in systems.GOALS} == {systems.KERAS, systems.PLAIN, systems.JAX, systems.LARGEST}
    assert {goal.system for goal in systems.GOALS if goal.than == systems.KERAS} == {
        name for name, system in systems.SYSTEMS.items() if system.keras
    }


@pytest.mark.parametrize("system", ["points", "modern-dense-32"])
def test_script_times_a_system(steps: Any, capsys: pytest.CaptureFixture[str], system: str) -> None:
    before = torch.get_num_threads()
    steps.main(["--only", system, *QUICK, "--json"])
    (told,) = json.loads(capsys.readouterr().out)["systems"]
    loops = [row["loop"] for row in told["rows"]]
    assert loops == [steps.EAGER, steps.PLAIN, steps.FUSED, steps.ARITHMETIC, steps.BYTES]
    assert all(0 < row["low"] <= row["seconds"] <= row["high"] for row in told["rows"])
    assert told["goals"] == []  # they are of the compiled step
    assert told["left out"] == ["JAX: not asked for"]
    assert torch.get_num_threads() == before


@pytest.mark.slow  # two compilations
@pytest.mark.filterwarnings("default")
def test_compiled_step_and_empty_call(steps: Any, capsys: pytest.CaptureFixture[str]) -> None:
    steps.main(["--only", "points", *(word for word in QUICK if word != "--eager")])
    said = capsys.readouterr().out
    assert "| points | float32 | 5 times as fast as plain PyTorch | " in said
    assert "| points | Mulligan | float32 | 1 | " in said
    assert "| points | bound: empty compiled call | float32 | 1 | " in said
    assert "Left out: JAX: not asked for." in said


def test_publishing_keeps_what_is_not_measured_again(
    imported: Callable[[str], Any], steps: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = imported("step_tables")
    page, results = tmp_path / "speed.md", tmp_path / "results" / "steps.json"
    page.write_text(f"before\n{tables.START}\nold\n{tables.END}\nafter\n")
    monkeypatch.setattr(tables, "PAGE", page)
    monkeypatch.setattr(tables, "RESULTS", results)
    steps.main(["publish", "--only", "shallow", *QUICK])
    steps.main(["publish", "--only", "points", *QUICK])
    once = results.read_text()
    assert [system["system"] for system in json.loads(once)["systems"]] == ["shallow", "points"]
    steps.main(["publish", "--only", "points", *QUICK])
    assert [system["system"] for system in json.loads(results.read_text())["systems"]] == ["shallow", "points"]
    assert results.read_text() != once
    text = page.read_text()
    assert text.startswith(f"before\n{tables.START}\n| system ")
    assert text.endswith(f"{tables.END}\nafter\n")
    assert "old" not in text
    assert "| shallow | plain PyTorch | float32 | 1 |" in text


def test_page_has_its_place_for_the_tables(imported: Callable[[str], Any]) -> None:
    tables = imported("step_tables")
    text = tables.PAGE.read_text(encoding="utf-8")
    assert text.index(tables.START) < text.index(tables.END)


def test_every_loop_is_timed_alike(imported: Callable[[str], Any]) -> None:
    calls: list[str] = []
    timing = imported("timing")

    def loop(name: str) -> Any:
        return timing.block_of(lambda: calls.append(name))

    times = timing.interleaved({(name, "float32"): loop(name) for name in "abc"}, 2, 3)
    assert [[len(block) for block in blocks] for blocks in times.values()] == [[3, 3]] * 3
    assert "".join(calls) == "aaabbbccc" + "bbbcccaaa"


def test_bytes_of_the_updates(imported: Callable[[str], Any], tmp_path: Path) -> None:
    """points: 101 + 122 weights, two moments, gradients. modern: D weights, one moment, gradients; G the average besides."""
    bounds, systems = imported("bounds"), imported("systems")
    recipe, dataset = systems.SYSTEMS["points"].resolved(tmp_path, EAGER)
    assert bounds.moved(recipe, made_game(recipe, dataset)) == 2 * 4 * 4 * (101 + 122)
    small = ("generator.network.widths=[3]", "discriminator.network.widths=[2]")
    recipe, dataset = systems.SYSTEMS["modern-dense-28"].resolved(tmp_path, (*EAGER, *small))
    g, d = 64 * 3 + 3 + 3 * 784 + 784, 784 * 2 + 2 + 2 + 1
    assert bounds.moved(recipe, made_game(recipe, dataset)) == 2 * 4 * (3 * d + 4 * g)


def test_operations_of_a_step(imported: Callable[[str], Any], tmp_path: Path) -> None:
    """points, batch 128. D's turn: G once forward; D on real and on fakes forward, and back to its weights. G's turn: forward and back.

    Back costs a product for the weights, and one for the inputs where something before them learns.
    """
    bounds, plain = imported("bounds"), imported("plain")
    g_first, g_last, d_first, d_last = 5 * 15, 15 * 2, 2 * 25, 25 * 1
    of_d = g_first + g_last + 2 * (d_first + d_last) + 2 * (d_first + 2 * d_last)
    of_g = g_first + g_last + d_first + d_last + (d_first + d_last) + 2 * g_last + g_first
    assert bounds.operations(plain.points()) == 2 * 128 * (of_d + of_g)


def test_bound_of_arithmetic_grows_with_the_operations(imported: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    bounds = imported("bounds")
    monkeypatch.setitem(bounds.SIDE, "cpu", 32)
    one, many = (min(bounds.arithmetic(count, "cpu", torch.float32)(20)) for count in (10**6, 10**9))
    assert 100 < many / one < 10_000


def test_child_steps_when_it_is_asked_to(imported: Callable[[str], Any], tmp_path: Path) -> None:
    """In its own process, with the cores it was given, whatever the library says on stdout; its end is the parent's."""
    lockstep = imported("lockstep")
    script = tmp_path / "loop.py"
    script.write_text(
        "import os, sys\n"
        f"sys.path.insert(0, {str(BENCHMARKS)!r})\n"
        "from lockstep import serve\n"
        "def make(asked):\n"
        "    print('chatter')\n"
        "    return (lambda steps: [0.5] * steps), {'pid': os.getpid(), 'threads': os.environ['OMP_NUM_THREADS'], 'asked': asked['word']}\n"
        "serve(make)\n"
    )
    with lockstep.child(str(script), {"threads": 1, "word": "hello"}) as child:
        assert child.facts == {"pid": child._process.pid, "threads": "1", "asked": "hello"}
        assert child.block(2) == [0.5, 0.5]
        assert child.block(1) == [0.5]
    assert child._process.returncode == 0


def test_child_that_breaks_says_why(imported: Callable[[str], Any], tmp_path: Path) -> None:
    script = tmp_path / "loop.py"
    script.write_text("raise SystemExit('no such library')\n")
    lockstep = imported("lockstep")
    with pytest.raises(RuntimeError, match="no such library"), lockstep.child(str(script), {"threads": 1}):
        pass


def test_what_is_not_installed_is_named(steps: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PACKAGES", {steps.KERAS: ("no_such_keras",), steps.JAX: ("no_such_jax",)})
    quick = [word for word in QUICK if word != "--alone"]
    steps.main(["--only", "points", *quick])
    assert "Left out: JAX: not installed." in capsys.readouterr().out


def test_jax_is_timed_in_lockstep(steps: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way to a row: only where JAX is installed."""
    pytest.importorskip("jax")
    steps.main(["--only", "points", *(word for word in QUICK if word != "--alone"), "--json"])
    (told,) = json.loads(capsys.readouterr().out)["systems"]
    (row,) = (row for row in told["rows"] if row["loop"] == steps.JAX)
    assert math.isfinite(row["seconds"])
    assert told["machine"]["jax"]


def test_keras_is_timed_in_lockstep(imported: Callable[[str], Any], tmp_path: Path) -> None:
    """A block of steps of the original in its own process, with its parameter counts: only where Keras and TensorFlow are installed."""
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    systems, lockstep = imported("systems"), imported("lockstep")
    recipe, dataset = systems.SYSTEMS["dense-dropout"].resolved(tmp_path, EAGER)
    np.save(tmp_path / "images.npy", systems.images_of(dataset)[:256])
    asked = {"images": str(tmp_path / "images.npy"), "threads": 1, "on_batch": False}
    with lockstep.child("keras_original.py", asked) as child:
        counts = {name: count(actor) for name, actor in made_game(recipe, dataset).actors.items()}
        assert child.facts["weights"] == counts
        assert all(seconds > 0 for seconds in child.block(2))
