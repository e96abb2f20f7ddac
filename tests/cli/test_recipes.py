"""`mulligan recipes`: every recipe is listed, explained and can be copied, without torch and without its data."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mulligan import find
from mulligan.resolve import resolve


def test_no_torch_and_no_data_for_the_list() -> None:
    """Offline, and with no data anywhere: a list must not download what recipes were published on."""
    code = (
        "import sys\nfrom mulligan.cli import main\n"
        "code = main(['recipes', 'list', '--json']) or main(['recipes', 'show', 'dense-dropout']) or main(['runs', 'list'])\n"
        "assert not {'torch', 'rich', 'matplotlib'} & set(sys.modules)\nsys.exit(code)"
    )
    environment = {"MULLIGAN_OFFLINE": "1", "MULLIGAN_HOME": "/nowhere", "MULLIGAN_RUNS": "/nowhere", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout.splitlines()[0])
    assert {recipe["name"] for recipe in listed["recipes"]} == set(find.names("recipes"))
    assert listed["recipes"][0]["name"] == "fast"
    assert all(recipe["description"] and recipe["data"] and recipe["task"] for recipe in listed["recipes"])


def test_every_setting_is_explained(command) -> None:
    head, _, tail = command("recipes", "show", "modern").out.partition("\n\nnetwork=dense ")
    assert "Chosen here" in head
    settings = f"network=dense {tail}".splitlines()
    assert any(line.startswith("generator.optimiser.rate=0.0005 ") for line in settings)
    assert any(line.startswith("penalties.zero-centred-real.weight=10.0 ") for line in settings)
    assert all(len(line.split(maxsplit=1)) == 2 for line in settings), [line for line in settings if len(line.split(maxsplit=1)) < 2]


@pytest.mark.parametrize("name", find.names("recipes"))
def test_every_copy_is_a_recipe(name: str, command, tmp_path: Path) -> None:
    data = "ring" if name == "points" else "digits"
    wanted, _ = resolve(data, name)
    assert command("recipes", "copy", name, tmp_path / "mine.json").code == 0
    said = command("recipes", "copy", name, tmp_path / "mine.py", "--json")
    source = json.loads(said.out)["recipe"]
    assert resolve(data, str(tmp_path / "mine.json"))[0] == wanted
    assert resolve(data, source)[0] == wanted


def test_shown_for_a_program_is_a_recipe_file(command, tmp_path: Path) -> None:
    file = tmp_path / "points.json"
    file.write_text(command("recipes", "show", "points", "--json").out)
    recipe, _ = resolve(None, str(file), ["batch=32"])
    assert (recipe.data.source, recipe.batch) == ("parabola", 32)


def test_a_recipe_of_ones_own(command, tmp_path: Path) -> None:
    command("recipes", "copy", "points", tmp_path / "points.py")
    assert command("recipes", "show", f"{tmp_path / 'points.py'}:points").code == 0
    assert resolve(None, f"{tmp_path / 'points.py'}:points")[0].data.source == "parabola"
    (tmp_path / "bare.py").write_text("from mulligan.recipes.points import points as mine\n")
    assert resolve("ring", f"{tmp_path / 'bare.py'}:mine")[0].name == "points"


@pytest.mark.parametrize(
    ("arguments", "words"), [(["show", "fats"], "Did you mean fast?"), (["copy", "fast", "x.yaml"], "as .json or .py"), (["lst"], "lst")]
)
def test_errors(arguments: list[str], words: str, command) -> None:
    said = command("recipes", *arguments)
    assert said.code == 2
    assert words in said.err


def test_a_copy_overwrites_nothing(command, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("precious")
    assert command("recipes", "copy", "fast", tmp_path / "mine.py").code == 2
    assert (tmp_path / "mine.py").read_text() == "precious"
