"""`mulligan runs`: list, show, remove."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from mulligan.runs import lock
from mulligan.runs.folder import Run


@pytest.fixture
def runs(command, finished: Path, tmp_path: Path) -> Path:
    """A folder of runs with one run in it."""
    shutil.copytree(finished, tmp_path / "runs" / finished.name)
    return tmp_path / "runs"


def test_none_yet(command) -> None:
    assert "There are no runs" in command("runs", "list").out
    assert json.loads(command("runs", "list", "--json").out)["runs"] == []


def test_list(command, runs: Path) -> None:
    (runs / "0008-broken").mkdir()
    (runs / "0008-broken" / "recipe.json").write_text("{")
    found = json.loads(command("runs", "list", "--json").out)["runs"]
    assert [run["name"] for run in found] == ["0007-tiny", "0008-broken"]
    assert (found[0]["status"], found[0]["recipe"], found[0]["step"]) == ("finished", "shallow-conditional", 3)
    assert found[1]["status"].startswith("broken")
    lines = command("runs", "list").out.splitlines()
    assert lines[0].split() == ["run", "status", "recipe", "data", "steps", "images", "time", "distance"]
    assert "images.npz" in lines[1]


def test_show(command, runs: Path) -> None:
    text = command("runs", "show", "0007-tiny").out
    for word in ("finished", "generator (mlp)", "fd_random", "report.html"):
        assert word in text
    found = json.loads(command("runs", "show", "7", "--json").out)
    assert found["facts"]["players"][0]["name"] == "generator"
    assert Path(found["files"]["report"]).is_file()


def test_remove_asks_first(command, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert command("runs", "remove", "7").code == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert command("runs", "remove", "7").code == 2
    assert (runs / "0007-tiny").exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert command("runs", "remove", "7").code == 0
    assert [path.name for path in runs.iterdir()] == []


def test_remove_for_a_program(command, runs: Path) -> None:
    said = command("runs", "remove", "7", runs / "0007-tiny", "--yes", "--json")
    assert json.loads(said.out)["removed"] == [str(runs / "0007-tiny")]
    assert not (runs / "0007-tiny").exists()


def test_f09_a_run_in_use_stays(command, runs: Path) -> None:
    with lock.hold(Run(runs / "0007-tiny")):
        assert json.loads(command("runs", "list", "--json").out)["runs"][0]["status"] == "in use"
        said = command("runs", "remove", "7", "--yes")
    assert said.code == 2
    assert "is in use by process" in said.err
    assert (runs / "0007-tiny" / "recipe.json").exists()
