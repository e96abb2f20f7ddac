"""`mulligan study`: what it prints, what it leaves, what it refuses."""

import json
from pathlib import Path

import pytest
from PIL import Image

from mulligan.marks import read_mark

SMALL = (
    "generator.network.widths=[8]",
    "discriminator.network.widths=[8]",
    "batch=8",
    "machine.threads=1",
    "machine.device=cpu",
    "machine.compile=off",
)


def test_a_mixture(command, tmp_path: Path) -> None:
    said = command("study", "ring", *SMALL, "--recipe", "modern", "--seeds", "0-2", "--steps", "3", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    folder = Path(found["study"])
    assert folder == tmp_path / "studies" / "0001-modern-ring"
    kept = json.loads((folder / "study.json").read_text())
    assert {name: kept[name] for name in found if name != "study"} == {name: found[name] for name in found if name != "study"}
    assert [row["seed"] for row in found["seeds"]] == [0, 1, 2]
    assert found["steps"] == 3
    assert found["images"] == 24
    assert found["seeds"][0]["modes"]["of"] == 8
    assert found["collapsed"] == sum(row["modes"]["modes"] < 8 for row in found["seeds"]) / 3
    spread = found["summary"]["high_quality"]
    assert sorted(row["modes"]["high_quality"] for row in found["seeds"]) == [spread["low"], spread["median"], spread["high"]]
    assert found["floors"]["kl"] == pytest.approx(7 / 5000)
    assert 0 < found["floors"]["distance"] < found["summary"]["distance"]["low"]
    with Image.open(folder / "samples.png") as picture:
        assert picture.size == (600, 200)
    mark = read_mark(folder / "samples.png")
    assert mark is not None
    assert mark["composite"]


def test_a_study_is_repeated_from_its_recipe(command) -> None:
    first = json.loads(command("study", "grid", *SMALL, "--seeds", "4,9", "--steps", "2", "--json").out)
    recipe = Path(first["study"]) / "recipe.json"
    again = json.loads(command("study", "--recipe", recipe, "--seeds", "4,9", "--steps", "2", "--json").out)
    assert again["seeds"] == first["seeds"]
    assert Path(again["study"]).name == "0002-modern-grid"


def test_the_table(command, tmp_path: Path) -> None:
    said = command("study", "grid", *SMALL, "--seeds", "0-1", "--steps", "2", "--to", tmp_path / "here")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].split() == ["seed", "modes", "high", "quality", "off", "modes", "KL", "width", "distance"]
    assert [line.split()[0] for line in lines[1:7]] == ["0", "1", "median", "low", "high", "floor"]
    assert "/25" in lines[1]
    assert "of the seeds" in said.out
    assert (tmp_path / "here" / "recipe.json").is_file()


def test_points_without_centres(command, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b,c\n" + "\n".join(f"{n % 7},{n % 5},{n % 3}" for n in range(200)))
    for data in ("parabola", str(table)):
        found = json.loads(command("study", data, *SMALL, "--seeds", "0-1", "--steps", "2", "--json").out)
        assert found["collapsed"] is None
        assert found["seeds"][0]["modes"] is None
        assert list(found["summary"]) == list(found["floors"]) == ["distance"]


def test_images(command, images: Path) -> None:
    found = json.loads(command("study", images, *SMALL, "data.size=8", "--seeds", "0-1", "--steps", "2", "--json").out)
    assert found["summary"]["distance"]["low"] > 0
    mark = read_mark(Path(found["study"]) / "samples.png")
    assert mark is not None
    assert not mark["composite"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "no data were given"),
        (("ring", "--seeds", "3-1"), "no range of seeds"),
        (("ring", "--seeds", "1,1"), "given twice"),
        (("ring", "--seeds", "0-999"), "1000 seeds: expected 1 to 256"),
        (("ring", "seed=3"), "--seeds"),
        (("digits", "--recipe", "autoencoder"), "makes no samples from noise alone"),
        (("digits", "--recipe", "dense-dropout"), "has dropout"),
        (("nowhere",), "no built-in data of that name"),
    ],
)
def test_refusals(command, tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    said = command("study", *arguments)
    assert said.code == 2
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "studies").exists()


def test_a_folder_that_is_not_empty_is_refused(command, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    said = command("study", "ring", *SMALL, "--to", tmp_path / "full")
    assert said.code == 2
    assert "there already" in said.err
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_a_seed_that_was_lost(command) -> None:
    """Rates that no seed survives end with the exit code of a diverged training."""
    said = command("study", "ring", *SMALL, "--seeds", "0-1", "--steps", "50", "generator.optimiser.rate=1e30")
    assert said.code == 5
    assert "every seed" in said.err
