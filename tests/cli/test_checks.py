"""`mulligan checks`: true, complete, and without a trace."""

import json
import shutil
from importlib import metadata
from pathlib import Path

import pytest
import torch

import mulligan
from mulligan.cli.checks import find_out, run
from mulligan.data.opening import built_in


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without runs, cache and data, as far as the environment goes."""
    monkeypatch.setenv("MULLIGAN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MULLIGAN_DATA", raising=False)
    monkeypatch.delenv("MULLIGAN_OFFLINE", raising=False)
    return tmp_path


def test_for_a_program(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema_version"] == 1
    assert found["mulligan"] == mulligan.__version__
    assert found["versions"]["torch"] == metadata.version("torch")
    assert all(found["versions"].values())
    assert {"dev", "bench"} <= set(found["extras"])
    assert found["extras"]["dev"]["pytest"] == metadata.version("pytest")
    assert found["devices"][0]["name"] == "cpu"
    assert found["threads"] == torch.get_num_threads()
    assert found["cores"] >= 1
    assert set(found["data"]) == set(built_in())
    assert found["data"]["digits"] == found["data"]["ring"] == "built in"
    assert found["problems"] == []


def test_for_a_person(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    out = capsys.readouterr().out
    for word in ("mulligan", "devices", "threads", "compiler", "runs", "cache", "data digits", "extra dev"):
        assert f"\n{word} " in f"\n{out}"


def test_it_writes_nothing(elsewhere: Path) -> None:
    find_out()
    assert list(elsewhere.iterdir()) == []


def test_folders_that_are_not_there_yet_are_judged_by_where_they_would_be(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / "file").touch()
    monkeypatch.setenv("MULLIGAN_HOME", str(elsewhere / "file" / "home"))
    folders = find_out()["folders"]
    assert folders["runs"] == {"path": str(elsewhere / "runs"), "writable": True, "free_bytes": folders["runs"]["free_bytes"]}
    assert abs(folders["runs"]["free_bytes"] - shutil.disk_usage(elsewhere).free) < 2**30
    assert not folders["cache"]["writable"]


def test_data_that_are_found_and_data_that_are_not(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by the names of the files; their content is checked when they are read."""
    monkeypatch.setenv("MULLIGAN_DATA", str(elsewhere))
    assert "downloaded when first used" in find_out()["data"]["mnist"]
    monkeypatch.setenv("MULLIGAN_OFFLINE", "1")
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        assert "forbids" in find_out()["data"]["mnist"]
        (elsewhere / f"{name}-ubyte.gz").touch()
    assert find_out()["data"]["mnist"] == str(elsewhere)


def test_compiler(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    assert find_out()["compiler"] == (shutil.which("g++") or shutil.which("clang++"))
    monkeypatch.setenv("PATH", str(elsewhere))
    assert find_out()["compiler"] is None


def test_from_sources_that_are_not_installed(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert find_out()["versions"] == {}
