"""F19, F20, F22, F23: numbers that are not finite, data that are odd, the same seed twice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mulligan import find, verbs
from mulligan.data.dataset import Dataset
from mulligan.errors import DivergedError
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import checkpoints, history
from mulligan.runs.folder import Run
from mulligan.testing.games import EAGER
from mulligan.testing.pieces import Left, left, train_in_pieces
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop, Tick
from mulligan.training.observing import Observer
from mulligan.training.session import Session

Mulligan = Callable[..., tuple[int, str]]
DIVERGED = 5
POINTS = ("--recipe", "points", "batch=8", "horizon=240", "keeping.reports=1", "keeping.checkpoints=9", *EAGER)

LOSS = """
import torch
from mulligan.losses import non_saturating
from mulligan.losses.non_saturating import fake_loss, generator_loss

needs_pairs, reading, equilibrium = False, "probability", "D(x) = 0.5"
calls = 0


def real_loss(d_real):
    global calls
    calls += 1
    value = non_saturating.real_loss(d_real)
    return {expression} if calls >= {first} else value
"""
BAD = {
    "nan in a loss": "value * float('nan')",
    "inf in a loss": "value + float('inf')",
    "-inf in a loss": "value - float('inf')",
    "nan in a gradient": "value + (d_real * 0).abs().sqrt()",
    "inf in a gradient": "value * 3e38 * 0.9 * 3",
    "a gradient whose square is infinite": "value * 1e25",
}
CONSTRAINT = """
sees, needs_mix = (), False
calls = 0


def constraint(parameters, limit):
    global calls
    calls += 1
    return {name: tensor * (float("nan") if calls >= 7 else 1.0) for name, tensor in parameters.items()}
"""
SOURCE = """
import numpy as np
from mulligan.data import dataset

calls = 0


def accepts(source):
    return source.endswith(":source")


def draw(count, generator):
    global calls
    calls += count == 8
    points = generator.normal(size=(count, 2)).astype(np.float32)
    if WHEN:
        points[count // 2] = VALUE
    return points


def load(request):
    return dataset.endless(request, draw, ("x", "y"), "")
"""


class Watcher(verbs.Quiet):
    """Remembers what is said, and every sign of progress."""

    def __init__(self) -> None:
        self.ticks: list[int] = []
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def tick(self, tick: Tick) -> None:
        self.ticks.append(tick.step)


def written(tmp_path: Path, name: str, text: str) -> str:
    file = tmp_path / f"{name}.py"
    file.write_text(text)
    return f"{file}:{name}"


def check_saved(run: Path) -> None:
    """No number that is not finite in any checkpoint, and no checkpoint after the last good step."""
    steps = Run(run).checkpoint_steps()
    assert steps
    for step in steps:
        groups, _ = checkpoints.load(Run(run).checkpoint(step))
        assert all(bool(tensor.isfinite().all()) for group in groups.values() for tensor in group.values())


def check_given_up(run: Path, code: int, said: str, *words: str) -> None:
    assert code == DIVERGED, said
    assert "after 3 rollbacks" in said
    assert all(word in said for word in words), said
    log = (run / "log.txt").read_text()
    assert [f"try {attempt} of 3" in log for attempt in (1, 2, 3, 4)] == [True, True, True, False]
    check_saved(run)
    assert Run(run).status == "unfinished"


@pytest.mark.parametrize("what", BAD)
def test_f19_a_loss_that_turns_bad(what: str, words: list[str], mulligan: Mulligan, tmp_path: Path) -> None:
    """From the seventh step on, for good: three tries, each one logged, then exit 5 with the last good state."""
    name = written(tmp_path, "loss", LOSS.format(expression=BAD[what], first=7))
    code, said = mulligan(*words, f"loss.name={name}")
    check_given_up(tmp_path / "run", code, said, "step 6", "discriminator.optimiser.rate" if "gradient" not in what else "optimiser.rate")
    assert Run(tmp_path / "run").checkpoint_steps()[-1] == 4
    assert max(line["step"] for line in history.read(Run(tmp_path / "run"))) == 4


def test_f19_weights_that_turn_bad(words: list[str], mulligan: Mulligan, tmp_path: Path) -> None:
    name = written(tmp_path, "constraint", CONSTRAINT)
    code, said = mulligan(*words, f"penalties.{name}.weight=1")
    check_given_up(tmp_path / "run", code, said, "discriminator")


def test_f19_weights_that_turn_bad_just_before_a_save(tmp_path: Path) -> None:
    """Where D moves last, every loss of the step is finite: nothing but a look at the weights can tell before they are saved."""
    name = written(tmp_path, "constraint", CONSTRAINT.replace(">= 7", ">= 8"))  # at the end of step 7; reports: 0, 1, 2, 4, 8
    recipe, dataset = resolve("ring", "points", [*POINTS[2:], f"penalties.{name}.weight=1", "horizon=64"])
    game = verbs.made_game(recipe, dataset)
    session = Session(Run(tmp_path / "run").prepare(), recipe, dataset, replace(game, turns=game.turns[::-1]))
    session.save()
    watcher = Watcher()
    with pytest.raises(DivergedError, match="after 3 rollbacks"):
        Loop(session, Budget(), watcher, Observer(session)).run()
    assert "step 8: discriminator.parameters.blocks.0.0.weight is nan; back to step 4, try 1 of 3" in watcher.said[0]
    check_saved(tmp_path / "run")
    assert session.run.checkpoint_steps()[-1] == 4


@pytest.mark.parametrize("value", ["np.nan", *(pytest.param(value, marks=pytest.mark.slow) for value in ("np.inf", "-np.inf"))])
def test_f19_data_that_turn_bad(value: str, mulligan: Mulligan, tmp_path: Path) -> None:
    name = written(tmp_path, "source", SOURCE.replace("WHEN", "calls >= 9").replace("VALUE", value))
    code, said = mulligan("train", name, *POINTS, "--run", str(tmp_path / "run"))
    check_given_up(tmp_path / "run", code, said, "discriminator")


def test_f19_a_failure_that_other_draws_do_not_have(tmp_path: Path) -> None:
    """One batch in forty is bad; the next try draws others, and the run reaches its end."""
    source = SOURCE.replace("WHEN", "count == 8 and generator.random() < 0.025").replace("VALUE", "np.nan")
    name = written(tmp_path, "source", source)
    recipe, dataset = resolve(name, "points", [*POINTS[2:], "seed=3"])
    session = Session(Run(tmp_path / "run").prepare(), recipe, dataset, verbs.made_game(recipe, dataset))
    session.save()
    watcher = Watcher()
    Loop(session, Budget(), watcher, Observer(session)).run()
    assert "is nan; back to step" in watcher.said[0]
    assert len(watcher.said) == session.controls.attempt <= 3
    check_saved(tmp_path / "run")
    lines = history.read(session.run)
    assert lines[-1]["step"] == 30
    assert lines[-1]["attempt"] == session.controls.attempt
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps))


def test_f20_before_the_first_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Progress stands still, and the message names the setting to change with its value."""
    monkeypatch.setattr("mulligan.training.loop.TICK", 0.0)
    name = written(tmp_path, "loss", LOSS.format(expression="value * float('nan')", first=1))
    recipe, dataset = resolve("ring", "points", [*POINTS[2:], f"loss.name={name}"])
    watcher = Watcher()
    with pytest.raises(DivergedError, match=r"step 0: discriminator.loss.real is nan.*discriminator.optimiser.rate \(now 0.001\)"):
        verbs.train(recipe, dataset, run=tmp_path / "run", audience=watcher)
    assert watcher.ticks == []
    check_saved(tmp_path / "run")


def test_f20_first_weights_that_are_not_finite(mulligan: Mulligan, tmp_path: Path) -> None:
    name = written(
        tmp_path,
        "network",
        "import torch\nfrom mulligan.networks import mlp\n\n\nclass Generator(mlp.Generator):\n"
        "    def build(self, signature):\n        module = super().build(signature)\n"
        "        module.body[0][0].weight.data[0, 0] = float('inf')\n        return module\n",
    )
    code, said = mulligan("train", "ring", *POINTS, f"generator.network.name={name}", "--run", str(tmp_path / "run"))
    assert code == DIVERGED, said
    assert "generator.parameters" in said
    assert not Run(tmp_path / "run").checkpoint_steps()


def images(tmp_path: Path, count: int, constant: bool = False) -> str:
    pixels = np.full((count, 28, 28), 77, np.uint8) if constant else np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    np.savez(tmp_path / "images.npz", images=pixels)
    return str(tmp_path / "images.npz")


ODD = {
    "constant images": (20, True, ()),
    "one image": (1, False, ()),
    "two images": (2, False, ()),
    "a batch larger than the data": (5, False, ("batch=16",)),
    "a last batch of one": (9, False, ("order.short_batch=true",)),
    "batches of one": (3, False, ("batch=1",)),
}
SMALL = ("generator.network.widths=[8]", "discriminator.network.widths=[8]", "batch=8", "horizon=64", "keeping.reports=1", *EAGER)


@pytest.mark.parametrize("recipe", ["dense-batchnorm", pytest.param("modern", marks=pytest.mark.slow)])
@pytest.mark.parametrize("odd", ODD)
def test_f22_odd_data(odd: str, recipe: str, tmp_path: Path) -> None:
    """Training reaches its end with finite figures."""
    count, constant, settings = ODD[odd]
    lines = train_in_pieces(tmp_path / "run", *resolve(images(tmp_path, count, constant), recipe, [*SMALL, *settings]), None).history
    assert int(lines[-1]["images"]) >= 64
    assert all(value not in ("NaN", "null", "Infinity") for line in lines for value in line.values())
    check_saved(tmp_path / "run")


@pytest.mark.parametrize("odd", [pytest.param(odd, marks=[] if odd == "one image" else pytest.mark.slow) for odd in ODD])
def test_f22_odd_data_to_the_model(odd: str, mulligan: Mulligan, tmp_path: Path) -> None:
    """And through figures, model, curves and report."""
    count, constant, settings = ODD[odd]
    code, said = mulligan(
        "train", images(tmp_path, count, constant), "--recipe", "modern", "--run", str(tmp_path / "run"), *SMALL, *settings
    )
    assert code == 0, said
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.slow
def test_f22_the_autoencoder_of_one_image(mulligan: Mulligan, tmp_path: Path) -> None:
    """Its codes have no spread that a Gaussian could be fitted to."""
    code, said = mulligan(
        "train", images(tmp_path, 1), "--recipe", "autoencoder", "--run", str(tmp_path / "run"), "batch=8", "horizon=64", *EAGER
    )
    assert code == 0, said


@pytest.mark.slow
def test_autoencoder_of_endless_points(mulligan: Mulligan, tmp_path: Path) -> None:
    """Codes are fitted to points drawn for it."""
    words = ("scaling=none", "codes=3", "batch=8", "horizon=64", "keeping.reports=1", "keeping.checkpoints=1")
    code, said = mulligan("train", "ring", "--recipe", "autoencoder", "--run", str(tmp_path / "run"), *words, *EAGER)
    assert code == 0, said


def test_f23_the_same_seed_twice(asked: tuple[Recipe, Dataset], whole: Left, tmp_path: Path) -> None:
    """The same files, byte for byte; another seed gives others."""
    again = train_in_pieces(tmp_path / "again", *asked, None)
    again.demand_equal(whole)
    train_in_pieces(tmp_path / "third", *asked, None)
    for player in ("generator", "discriminator"):
        one, other = (Run(tmp_path / name).checkpoint(15).joinpath(f"{player}.safetensors").read_bytes() for name in ("again", "third"))
        assert one == other
    recipe, dataset = asked
    other_seed = train_in_pieces(tmp_path / "other", recipe.model_copy(update={"seed": 1}), dataset, None)
    with pytest.raises(AssertionError, match="facts"):
        other_seed.demand_equal(whole)


def test_f23_another_number_of_threads(tmp_path: Path) -> None:
    """Sums are split otherwise, and differ by rounding: after 5 steps of full size, weights by 1e-4 and a thousandth at most."""
    recipe, dataset = resolve("digits", "shallow", ["batch=64", "horizon=320", "keeping.reports=1", *EAGER])
    ends = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ends.append(train_in_pieces(tmp_path / str(threads), recipe, dataset, None))
    torch.set_num_threads(1)
    for player, tensors in ends[0].groups.items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(ends[1].groups[player][name], tensor, rtol=1e-3, atol=1e-4)


def test_outside_code_is_recorded(stopped: Callable[..., None], tmp_path: Path) -> None:
    """The hash of a file that took part stands in the run."""
    from mulligan.runs import environment

    name = written(tmp_path, "loss", LOSS.format(expression="value", first=1))
    stopped(2, "train", "ring", *POINTS, f"loss.name={name}", "--run", str(tmp_path / "run"))
    recorded: Any = environment.sessions(Run(tmp_path / "run"))[-1]["decisions"]["outside_code"]
    assert recorded == find.trusted()
    assert left(Run(tmp_path / "run")).groups
