"""F7, F8, F33, F35: a run and another recipe, other data, or a recipe that somebody else wrote."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.testing.pieces import train_in_pieces

Mulligan = Callable[..., tuple[int, str]]
Stopped = Callable[..., None]
USAGE, DATA, UNSAFE = 2, 3, 8


@pytest.fixture(scope="module")
def two_steps(asked: tuple[Recipe, Dataset], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps, unfinished."""
    run = Run(tmp_path_factory.mktemp("short") / "run").prepare()
    run.write_recipe(asked[0])
    train_in_pieces(run.path, *asked, 2)
    return run.path


@pytest.fixture
def short(two_steps: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(two_steps, tmp_path / "run"))


def test_f07_another_recipe_is_refused_with_what_differs(short: Path, words: list[str], mulligan: Mulligan) -> None:
    before = (short / "recipe.json").read_bytes()
    code, said = mulligan(*words, "batch=16", "discriminator.optimiser.rate=0.01")
    assert code == USAGE
    assert "trained with batch=8, players.discriminator.optimiser.rate=0.0002" in said
    assert "now has batch=16, players.discriminator.optimiser.rate=0.01" in said
    assert "machine.*" in said
    assert "keeping.*" in said
    assert mulligan("resume", str(short), "batch=16")[0] == USAGE
    assert mulligan(*words, "--seed", "5")[0] == USAGE
    assert (short / "recipe.json").read_bytes() == before


def test_f07_machine_and_keeping_may_change(short: Path, words: list[str], stopped: Stopped) -> None:
    stopped(1, *words, "keeping.checkpoints=1", "machine.threads=2")
    newest = checkpoints.newest(Run(short))
    assert newest is not None
    assert newest.step == 3
    assert set(Run(short).checkpoint_steps()) == {newest.facts["controls"]["best_step"], 3}  # the newest and the best are kept
    stopped(2, "resume", str(short), "keeping.reports=2")
    assert Run(short).checkpoint_steps()[-1] == 5


def test_f08_other_data_are_refused(words: list[str], mulligan: Mulligan, stopped: Stopped, few_digits: Path, tmp_path: Path) -> None:
    """One pixel is enough; the user may allow it, where the data still fit through the networks."""
    data = tmp_path / "own.npz"
    shutil.copy(few_digits, data)
    words[1] = str(data)
    run = str(tmp_path / "run")
    stopped(2, *words)
    with np.load(few_digits) as arrays:
        pixels, labels = arrays["images"].copy(), arrays["labels"]
    pixels[7, 3, 3] ^= 1
    np.savez(data, images=pixels, labels=labels)
    for again in (["resume", run], words):
        code, said = mulligan(*again)
        assert code == DATA
        assert "has changed since the run began" in said
    stopped(2, "resume", run, "--allow-changed-data")
    np.savez(data, images=pixels)
    assert mulligan("resume", run, "--allow-changed-data")[0] == DATA


OUTSIDE = {
    "loss": ("loss", "name"),
    "task": ("task",),
    "network": ("players", "generator", "network", "name"),
    "penalty": ("penalties",),
    "kind": ("data", "kind"),
    "source": ("data", "source"),
}


def hostile(recipe: dict[str, Any], place: tuple[str, ...], name: str) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(recipe))
    part = changed
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = {name: {"weight": 1.0}} if place == ("penalties",) else name
    return changed


@pytest.mark.parametrize("what", OUTSIDE)
def test_f33_a_recipe_file_that_names_outside_code(what: str, short: Path, few_digits: Path, mulligan: Mulligan, tmp_path: Path) -> None:
    """Neither train nor resume runs it: exit 8, with the flag to give."""
    ran = tmp_path / "ran"
    outside = tmp_path / "outside.py"
    outside.write_text(f"open({str(ran)!r}, 'w').write('ran')\n")
    recipe = hostile(json.loads((short / "recipe.json").read_text()), OUTSIDE[what], f"{outside}:outside")
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(recipe))
    (short / "recipe.json").write_text(json.dumps(recipe))
    outcomes = [mulligan("resume", str(short)), mulligan("score", str(short), str(few_digits))]
    if what != "kind":  # which is found by looking at the data, whatever a file says
        outcomes.append(mulligan("train", "--recipe", str(file), "--run", str(tmp_path / "new")))
    for code, said in outcomes:
        assert code == UNSAFE, said
        assert f"--trust {outside}:outside" in said
    assert not ran.exists()
    assert not (tmp_path / "new").exists()


def test_f33_allowed_on_the_command_line(short: Path, stopped: Stopped, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("from mulligan.losses.hinge import *\nfrom mulligan.losses.hinge import needs_pairs, reading, equilibrium\n")
    name = f"{outside}:outside"
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(hostile(json.loads((short / "recipe.json").read_text()), ("loss", "name"), name)))
    stopped(1, "train", "--recipe", str(file), "--run", str(tmp_path / "new"), "--trust", name)


@pytest.mark.parametrize(
    "text",
    [
        '{"data": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}",
        '{"data": {"source": "digits"}, "seed": 1e999}',
        '{"data": {"source": "digits"}, "seed": ' + "9" * 5000 + "}",
        '{"data": {"source": "digits"}, "seed": NaN}',
        '{"data": {"source": "digits"}, "data": {"source": "ring"}}',
        "[1, 2",
        "",
    ],
    ids=["deep", "infinite", "long", "nan", "twice", "broken", "empty"],
)
def test_f35_a_hostile_recipe_file(text: str, mulligan: Mulligan, tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    file.write_text(text)
    code, said = mulligan("train", "--recipe", str(file), "--run", str(tmp_path / "run"))
    assert code in (USAGE, 4, UNSAFE)
    assert "Traceback" not in said
    assert len(said) < 1000
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("batch",), 10**12),
        (("horizon",), -1),
        (("latent", "size"), 10**9),
        (("players", "generator", "network", "widths"), [10**9]),
        (("keeping", "reports"), 10**9),
        (("data", "size"), 10**6),
        (("seed",), 0.5),
    ],
)
def test_f35_impossible_settings(place: tuple[str, ...], value: Any, short: Path, mulligan: Mulligan, tmp_path: Path) -> None:
    """Refused by their limits, before anything is allocated."""
    recipe = json.loads((short / "recipe.json").read_text())
    part = recipe
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(recipe))
    code, said = mulligan("train", "--recipe", str(file), "--run", str(tmp_path / "new"))
    assert code in (USAGE, DATA, 6), said
    assert "Traceback" not in said
