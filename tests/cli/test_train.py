"""`mulligan train`, `resume` and `demo`: the data first, then progress, then two lines of figures and what to open."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan.runs import history
from mulligan.runs.folder import Run


def test_a_person_sees_data_layers_figures_and_what_to_open(command, images: Path, tiny, tmp_path: Path) -> None:
    run = tmp_path / "my run"
    said = command("train", images, "--recipe", "modern", *tiny, "--steps", "2", "--run", run)
    assert said.code == 0
    places = [
        said.err.index(word) for word in ("images of 8 x 8, grey", "numbers from 0 to 255", "generator (mlp)", "Dense", "stopped at step 2")
    ]
    assert places == sorted(places)
    assert "60 to train on, none held out; 3 classes" in said.err
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "distance",
        "fd_random",
        "precision",
        "coverage",
        "copies",
        "protocol",
        "report",
        "progress",
        "samples",
        "model",
    ]
    assert all("real data" in line for line in lines[:2])
    assert all(Path(line.split(maxsplit=1)[1]).exists() for line in lines[-4:])
    assert [line["step"] for line in history.read(Run(run))] == [0, 2]
    assert {"images", "seconds", "generator.loss"} <= history.read(Run(run))[-1].keys()

    # The same command goes on, and tells a program everything in one object.
    said = command("train", images, "--recipe", "modern", *tiny, "--images", "24", "--run", run, "--json")
    assert said.code == 0
    result = json.loads(said.out)
    assert (result["run"], result["steps"], result["images"], result["finished"]) == (str(run), 3, 24, False)
    assert result["parameters"] == {"generator": 64 * 8 + 8 + 8 * 64 + 64, "discriminator": 64 * 8 + 8 + 8 + 1}
    assert result["seconds"] > 0
    assert result["figures"]["distance"].keys() >= {"value", "floor", "low", "high", "better"}
    assert "from step 2" in said.err

    # Another recipe in the same folder is refused, with the difference.
    said = command("train", images, "--recipe", "modern", *tiny, "batch=4", "--run", run)
    assert said.code == 2
    assert "batch=8" in said.err
    assert "batch=4" in said.err


def test_a_finished_run_reports_itself(command, finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "runs" / finished.name)
    before = (run / "history.jsonl").read_bytes()
    by_number = command("resume", "7", "--json")
    assert by_number.code == 0
    assert "is finished: 3 steps, 24 images" in by_number.err
    result = json.loads(by_number.out)
    assert result["finished"]
    assert result["steps"] == 3
    assert result["figures"]["fd_random"]["floor"] is not None
    assert command("resume", run).out.startswith("distance")
    assert (run / "history.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["train"], 2, "no data were given"),
        (["train", "digits", "--time", "10"], 2, "1h30m"),
        (["train", "digits", "--images", "0"], 2, "--images 0: expected a whole number from 1 on"),
        (["train", "digits", "--steps", "2x"], 2, "--steps 2x"),
        (["train", "digits", "bach=3"], 2, "Did you mean batch?"),
        (["train", "digits", "batch"], 2, "expected key=value"),
        (["train", "digits", "--recipe", "fats"], 2, "Did you mean fast?"),
        (["train", "digits", "--recipe", "no.json"], 2, "no such file"),
        (["train", "nowhere/photos"], 2, "no such file"),
        (["train", "--recipe", "points", "batch=0"], 2, "batch"),
        (["train", "digits", "--trust", "fast"], 2, "expected path.py:name"),
        (["resume", "12"], 2, "no such run"),
    ],
)
def test_one_line_says_what_is_wrong(arguments: list[str], code: int, words: str, command) -> None:
    said = command(*arguments)
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_resumed_run_keeps_its_recipe(command, finished: Path) -> None:
    said = command("resume", finished, "batch=4")
    assert said.code == 2
    assert "only machine.* and keeping.* may change" in said.err


def test_what_may_change_on_resume(command, finished: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    assert command("resume", run, "machine.threads=2", "keeping.checkpoints=5").code == 0
    assert command("resume", run, "machine.threads=many").code == 2


def test_f33_a_recipe_file_runs_no_code(command, finished: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n")
    recipe = json.loads((finished / "recipe.json").read_text())
    recipe["loss"]["name"] = f"{trap}:trap"
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(recipe))
    said = command("train", "--recipe", file, "--steps", "1")
    assert said.code == 8
    assert f"--trust {trap}:trap" in said.err
    assert not (tmp_path / "sprung").exists()


def test_a_plan_leaves_nothing_behind(command, images: Path, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = command("train", images, "--recipe", "modern", *tiny, "--dry-run", "--steps", "4", "--json")
    assert said.code == 0
    plan = json.loads(said.out)
    assert (plan["steps"], plan["images"]) == (4, 32)
    assert plan["parameters"]["discriminator"] == 529
    assert sum(row["parameters"] for row in plan["layers"]["generator"]) == plan["parameters"]["generator"]
    assert plan["memory"]["data_bytes"] == 60 * 64
    assert plan["memory"]["state_bytes"] > 4 * 3 * sum(plan["parameters"].values())
    assert 0 <= plan["minutes"] < 5  # so few steps may take no time that shows
    assert plan["seconds_per_step"] > 0

    said = command("train", images, "--recipe", "modern", *tiny, "--dry-run", "--time", "10m")
    assert said.code == 0
    assert "10 min (10.0 minutes)" in said.out
    assert "529 trainable" in said.out
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow  # whole networks on 8,000 digits; .ci/run runs the demo itself
def test_demo_ends_with_what_to_open(command, tmp_path: Path) -> None:
    run = tmp_path / "demo"
    said = command("demo", "--time", "1s", "--run", run)
    assert said.code == 0
    for word in ("distance", "fd_digits", f"report    {run / 'report.html'}", f"progress  {run / 'samples' / 'progress.gif'}"):
        assert word in said.out
    assert Run(run).status == "finished"
    assert history.read(Run(run))[-1]["seconds"] < 5


def test_a_run_is_resumed_from_any_folder(command, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data are found again, and are the same however their path is written."""
    (tmp_path / "here").mkdir()
    np.savez(tmp_path / "here" / "images.npz", images=np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8))
    monkeypatch.chdir(tmp_path / "here")
    words = ("--recipe", "modern", *tiny, "horizon=80", "--run", "../run")
    assert command("train", "images.npz", *words, "--steps", "1").code == 0
    assert command("train", "./images.npz", *words, "--steps", "2").code == 0
    monkeypatch.chdir(tmp_path)
    said = command("resume", "run", "--steps", "3")
    assert said.code == 0, said.err
    assert "from step 2" in said.err


def test_a_time_is_remembered(command, images: Path, tiny, tmp_path: Path) -> None:
    """A run that was stopped before its horizon was decided goes on with the time that it was begun with."""
    run = tmp_path / "run"
    assert (
        command("train", images, "--recipe", "modern", *tiny, "--time", "3s", "--steps", "1", "--run", run, "horizon=1000000000").code == 0
    )
    said = command("resume", run, "--json")
    assert said.code == 0
    result = json.loads(said.out)
    assert result["finished"]
    assert 2 < result["seconds"] < 10


def test_what_a_report_keeps_is_a_setting(command, images: Path, tiny, tmp_path: Path) -> None:
    """Grids dark on light, as `dense-dropout` was published with, and the samples as numbers, as `dense-smooth` was."""
    run = Run(tmp_path / "run")
    words = ("train", images, "--recipe", "dense-dropout", *tiny, "--steps", "1", "--run", run.path, "keeping.arrays=true")
    assert command(*words).code == 0
    for grid in (run.real_grid, run.sample_grid(1)):
        with Image.open(grid) as picture:
            assert picture.convert("L").getpixel((0, 0)) == 255
    with np.load(run.sample_array(1)) as kept:
        assert kept["images"].shape == (100, 8, 8)
