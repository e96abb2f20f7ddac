"""`mulligan diagnose`: a run, an old run, a model, samples; text and JSON."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mulligan import GAN, verbs
from mulligan.data.dataset import Split
from mulligan.data.opening import open_dataset
from mulligan.errors import UsageError
from mulligan.recipe import Data
from mulligan.resolve import resolve
from mulligan.runs import history
from mulligan.runs.folder import Run
from mulligan.verbs import train

Command = Callable[..., Any]
SETTINGS = (
    "generator.network.widths=[8]",
    "discriminator.network.widths=[8]",
    "batch=8",
    "horizon=160",
    "machine.threads=1",
    "machine.compile=off",
    "keeping.reports=4",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "0001-small"
    train(*resolve("digits", "shallow", [*SETTINGS, "data.size=8"]), run=folder)
    return Run(folder)


def test_a_run(trained: Run, command: Command) -> None:
    said = json.loads(command("diagnose", trained.path, "--json").out)
    assert said["schema_version"] == 1
    assert {"verdict", "findings", "step"} <= said.keys()
    assert said["verdict"] == json.loads(trained.diagnosis_file.read_text())["verdict"]
    assert all({"name", "evidence", "since_step", "remedy"} <= found.keys() for found in said["findings"])
    assert command("diagnose", trained.path).out.startswith(f"verdict: {said['verdict']}\n")
    assert GAN.load(trained.path).diagnose().as_dict() == said
    assert said["verdict"] in trained.report_file.read_text(encoding="utf-8")


def test_a_history_without_probes_is_made_up_for_by_the_model(trained: Run, command: Command, tmp_path: Path) -> None:
    old = Run(Path(shutil.copytree(trained.path, tmp_path / "old")))
    lines = [{key: value for key, value in line.items() if not key.startswith(("probe.", "data."))} for line in history.read(old)]
    old.history_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = sorted(path.stat().st_mtime_ns for path in old.path.rglob("*"))
    said = json.loads(command("diagnose", old.path, "--json").out)
    assert "newest model" in said["notes"][0]
    assert said["verdict"] in ("mode-collapse", "warming-up")  # 20 steps: all samples are alike
    assert sorted(path.stat().st_mtime_ns for path in old.path.rglob("*")) == before  # nothing is written


def test_samples_and_models(trained: Run, command: Command, tmp_path: Path) -> None:
    digits = open_dataset(Data(source="digits", size=8))
    assert isinstance(digits.train, Split)
    np.savez(tmp_path / "real.npz", images=digits.train.target[:400, 0])
    alike = tmp_path / "alike"
    alike.mkdir()
    for place in range(20):
        Image.fromarray(np.roll(digits.train.target[0, 0], place % 2, axis=1)).save(alike / f"{place}.png")
    said = json.loads(command("diagnose", alike, "--against", tmp_path / "real.npz", "--json").out)
    assert said["verdict"] == "mode-collapse"
    assert said["findings"][0]["since_step"] is None
    said = json.loads(command("diagnose", tmp_path / "real.npz", "--against", tmp_path / "real.npz", "--json").out)
    assert said["verdict"] == "memorising"
    with pytest.raises(UsageError, match="--against"):
        verbs.diagnose(alike)
    assert "model tell nothing of the game" in command("diagnose", trained.model, "--against", tmp_path / "real.npz").out


def test_what_is_not_there(command: Command, tmp_path: Path) -> None:
    assert command("diagnose", tmp_path / "nothing").code == 2
