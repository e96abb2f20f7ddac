"""What released versions left on disk (dev/golden.py): this one reads it, samples from it and goes on from it."""

import getpass
import json
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mulligan import GAN
from mulligan.cli import main
from mulligan.marks import read_mark
from mulligan.runs import checkpoints, history
from mulligan.runs.folder import Run

RELEASES = sorted(path.parent for path in Path(__file__).parent.glob("*/about.json"))
MOST_BYTES = 400_000  # of one release

pytestmark = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)


@pytest.fixture
def run(release: Path, tmp_path: Path) -> Iterator[Path]:
    """The run that was stopped half-way, to be written to; resuming sets handlers of signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Path(shutil.copytree(release / "run", tmp_path / "run"))
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("part", ["run", "run/model", "points", "model.onnx"])
def test_f12_a_model_of_a_release_makes_the_same_samples(part: str, release: Path) -> None:
    """Within a level of grey, or what float32 holds: another processor may round differently."""
    samples = GAN.load(release / part).sample(10, seed=3)
    with np.load(release / "samples.npz", allow_pickle=False) as kept:
        if part == "points":
            np.testing.assert_allclose(samples.points, kept["points"], rtol=1e-5, atol=1e-5)
        else:
            assert np.abs(samples.images.astype(int) - kept["images"].astype(int)).max() <= 1


def test_f12_a_run_of_a_release_goes_on_from_its_checkpoint(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "history.jsonl").read_text(encoding="utf-8")
    checkpoint = checkpoints.newest(Run(run))
    assert checkpoint is not None
    assert 0 < checkpoint.step < 12
    assert main(["resume", str(run)]) == 0
    assert f"from step {checkpoint.step}" in capsys.readouterr().err
    after = (run / "history.jsonl").read_text(encoding="utf-8")
    assert after.startswith(before)
    assert history.read(Run(run))[-1]["step"] == 12
    assert GAN.load(run).sample(2).images.shape == (2, 8, 8)
    assert (run / "report.html").is_file()


def test_f12_a_run_of_a_release_is_shown(run: Path, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "show", str(run)]) == 0
    assert "shallow-conditional" in capsys.readouterr().out
    assert main(["diagnose", str(run)]) == 0
    version = json.loads((release / "about.json").read_text(encoding="utf-8"))["version"]
    for file in (*(release / "run" / "samples").glob("step-*.png"), release / "model.onnx"):
        assert main(["inspect", str(file)]) == 0
        mark = read_mark(file)
        assert mark is not None
        assert mark["generator"] == f"Mulligan {version}"


def test_f44_what_is_kept_of_a_release_names_no_place_and_nobody(release: Path) -> None:
    files = [file for file in release.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    words = (str(Path.home()), str(Path(__file__).parents[2]), socket.gethostname(), f"/{getpass.getuser()}", "site-packages")
    for file in files:
        content = file.read_bytes()
        assert not any(word.encode() in content for word in words), file
        if file.suffix in (".json", ".jsonl", ".md", ".txt", ".onnx"):
            assert not re.search(rb"[\s\"'=(]/(home|root|Users|tmp|var|usr|opt|mnt|work)/", content), file
