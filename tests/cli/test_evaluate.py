"""`mulligan evaluate` and `mulligan compare`: the score card of a run, a model and a folder, and runs side by side."""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from mulligan import GAN, verbs
from mulligan.runs import facts, history
from mulligan.runs.folder import Run
from mulligan.sampling.model import Model


def test_a_run_keeps_its_newest_card(command, finished: Path) -> None:
    before = len(history.read_lines(Run(finished).metrics_file))
    said = command("evaluate", finished, "--n", "25", "--json")
    assert said.code == 0
    card = json.loads(said.out)
    assert card["protocol"]["n"] == 25
    assert card["figures"]["coverage"]["better"] == "higher"
    lines = history.read_lines(Run(finished).metrics_file)
    assert len(lines) == before + 1
    assert lines[-1]["figures"] == card["figures"]
    recorded = verbs.recorded_figures(Run(finished))
    assert recorded is not None
    assert recorded.protocol.n == 25
    known = facts.read(Run(finished))
    assert known is not None
    assert {figure.name for figure in known.figures} == card["figures"].keys()
    assert "25 samples (samples 0 to 24 of seed" in (finished / "model" / "README.md").read_text()
    assert "95 % interval" in (finished / "report.html").read_text()
    assert Model.load(finished).description.trained.figures == recorded
    assert GAN.load(finished).figures_ == recorded


def test_a_table_for_people(command, finished: Path) -> None:
    said = command("evaluate", finished, "--n", "30")
    assert said.code == 0
    for words in ("DISTANCE", "MEMORISATION", "  coverage", "real data", "gaussian", "resampled", "30 samples"):
        assert words in said.out, words


def test_a_model_and_a_folder_need_real_data_unless_the_model_knows_them(command, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "model", tmp_path / "model")
    alone = command("evaluate", tmp_path / "model")
    assert alone.code == 2
    assert "--against" in alone.err
    real = tmp_path / "real"
    real.mkdir()
    for place, image in enumerate(np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)):
        Image.fromarray(image).save(real / f"{place}.png")
    assert command("evaluate", tmp_path / "model", "--against", real, "--json").code == 0
    samples = tmp_path / "samples"
    assert command("sample", finished, "--n", "20", "--to", f"{samples}/").code == 0
    assert "--against" in command("evaluate", samples).err
    judged = command("evaluate", samples, "--against", real, "--json")
    assert judged.code == 0
    assert json.loads(judged.out)["protocol"]["n"] == 15
    assert command("evaluate", tmp_path / "nothing").code == 2


def test_data_that_changed_since_training_are_refused(command, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for place, image in enumerate(np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8)):
        Image.fromarray(image).save(folder / f"{place}.png")
    tiny = ["generator.network.widths=[8]", "discriminator.network.widths=[8]", "batch=8", "machine.threads=1", "keeping.reports=1"]
    run = tmp_path / "run"
    assert command("train", folder, "--run", run, "--steps", "2", "--recipe", "modern", "data.size=8", *tiny).code == 0
    (folder / "3.png").unlink()
    said = command("evaluate", run)
    assert said.code == 3
    assert "23" in said.err


def test_runs_side_by_side(command, finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(finished, other)
    said = command("compare", finished, other, "--n", "30", "--to", tmp_path / "both.png", "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert [run["protocol"]["n"] for run in found["runs"]] == [30, 30]
    with Image.open(tmp_path / "both.png") as picture:
        assert picture.width > 600
    table = command("compare", finished, other, "--to", tmp_path / "again.png")
    assert table.code == 0
    assert "coverage" in table.out
    assert "30 samples" in table.out
    assert command("compare", finished, "--to", tmp_path / "one.png").code == 2
    assert "written as .png" in command("compare", finished, other, "--to", tmp_path / "both.webp").err


def test_runs_of_other_data_are_not_compared(command, finished: Path, tmp_path: Path) -> None:
    tiny = ["generator.network.widths=[8]", "discriminator.network.widths=[8]", "keeping.reports=1", "machine.threads=1"]
    assert command("train", "ring", "--run", tmp_path / "ring", "--steps", "2", *tiny).code == 0
    said = command("compare", finished, tmp_path / "ring")
    assert said.code == 2
    assert "different data" in said.err
