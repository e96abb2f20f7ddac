"""Out of memory (F26): a batch is played in parts that give the gradients of the whole; else exit 6, with numbers to try."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mulligan import verbs
from mulligan.cli import main
from mulligan.errors import OutOfMemoryError
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.runs.folder import Run
from mulligan.sampling.model import Model
from mulligan.training import loop
from mulligan.training.compiling import stepper
from mulligan.training.splitting import averaged, parts
from mulligan.training.state import initial
from mulligan.training.step import play
from mulligan.verbs import new_session

TINY = ("generator.network.widths=[8]", "discriminator.network.widths=[8]", "batch=12", "horizon=96", "keeping.reports=2")
# Adam divides by the root of a second moment that is nearly zero at first: rounding would decide about signs
SMOOTH = ("generator.optimiser.epsilon=0.01", "discriminator.optimiser.epsilon=0.01")
EAGER = ("machine.device=cpu", "machine.threads=1", "machine.compile=off", "machine.precision=float32")


@pytest.mark.parametrize("split", [2, 5, 12, 99])
@pytest.mark.parametrize("name", ["points", "modern", "shallow-conditional"])
def test_f26_parts_of_a_batch_give_what_the_whole_gives(name: str, split: int, tmp_path: Path) -> None:
    recipe, dataset = resolve("digits" if name == "shallow-conditional" else "ring", name, [*TINY, *EAGER, *SMOOTH])
    session = new_session(Run(tmp_path), recipe, dataset)
    inputs = session.inputs()
    whole, pieces = initial(session.game.actors), initial(session.game.actors)
    told, finite = play(session.game, whole, *inputs, torch.float32)
    same, also = play(session.game, pieces, *inputs, torch.float32, split=split)
    assert bool(finite)
    assert bool(also)
    for figure, value in told.items():
        torch.testing.assert_close(same[figure], value, rtol=1e-4, atol=1e-5)
    for player, state in whole.items():
        torch.testing.assert_close(pieces[player].first, state.first, rtol=1e-3, atol=2e-5)


def test_parts_are_ranges_and_their_shares_add_up() -> None:
    drawn = {"z": torch.arange(7.0)[:, None]}
    found = parts(None, drawn, 3)
    assert sum(part.share for part in found) == pytest.approx(1)
    assert torch.equal(torch.cat([part.drawn["z"] for part in found]), drawn["z"])
    assert len(parts(None, drawn, 100)) == 7
    moves, (figures, _) = averaged(lambda _, part: ({"G": {"w": part["z"].mean()}}, ({"loss": part["z"].mean()}, {})), None, drawn, 3)
    assert float(moves["G"]["w"]) == pytest.approx(3)
    assert float(figures["loss"]) == pytest.approx(3)


def short(least: int):
    """A stepper whose steps need more memory than there is, unless a batch is played in so many parts."""

    def made(game, recipe: Recipe):
        if recipe.machine.split < least:

            def step(*_):
                raise torch.OutOfMemoryError("no memory of that size")

            return step
        return stepper(game, recipe)

    return made


def test_f26_a_run_goes_on_in_smaller_parts_and_so_does_its_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, dataset = resolve("ring", "points", [*TINY, *EAGER])
    monkeypatch.setattr(loop, "stepper", short(4))
    outcome = verbs.train(recipe, dataset, run=tmp_path / "run")
    assert outcome.finished
    assert outcome.images == 96
    decisions = environment.sessions(Run(tmp_path / "run"))[-1]["decisions"]
    assert decisions["split"] == 4
    assert "played in 4 parts" in (tmp_path / "run" / "log.txt").read_text()
    monkeypatch.undo()
    assert verbs.resume(tmp_path / "run").finished
    assert environment.sessions(Run(tmp_path / "run"))[-1]["decisions"]["split"] == 4


def test_f26_where_no_part_is_small_enough_the_run_ends_with_6(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, dataset = resolve("ring", "points", [*TINY, *EAGER])
    monkeypatch.setattr(loop, "stepper", short(10_000))
    with pytest.raises(OutOfMemoryError) as caught:
        verbs.train(recipe, dataset, run=tmp_path / "run")
    assert caught.value.exit_code == 6
    assert "generator.network" in caught.value.hint


@pytest.mark.parametrize("verb", ["sample", "evaluate"])
def test_f26_sampling_and_judging_end_with_6_and_a_number_to_try(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Model.tiny().save(tmp_path / "model")

    def draw(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(Model, "draw", draw)
    more = ["--to", str(tmp_path / "x.npz")] if verb == "sample" else []
    assert main([verb, str(tmp_path / "model"), "--n", "5", *more, "--json"]) == 6
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "memory"
    assert "--n 1000" in error["hint"]


@pytest.mark.slow
def test_f26_a_batch_that_does_not_fit_is_split_for_real(tmp_path: Path) -> None:
    """The address space ends 2.5 GB above what an idle process takes; a batch of 900,000 points needs more at once."""
    code = (
        "import resource, sys, torch\n"
        "from mulligan.cli import main\n"
        "import mulligan.verbs, matplotlib.pyplot\n"
        "torch.set_num_threads(1); torch.ones(8) @ torch.ones(8)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2_500_000_000, resource.RLIM_INFINITY))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    settings = ["batch=900000", "generator.network.widths=[256]", "discriminator.network.widths=[256]", *EAGER]
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "ring", "--recipe", "points", "--steps", "1", "--run", str(tmp_path / "run"), *settings],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "parts" in (tmp_path / "run" / "log.txt").read_text()
