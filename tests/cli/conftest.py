"""The command line: in this process where it can be (torch takes seconds to import), in a process of its own where it must be."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mulligan.cli import main

Mulligan = Callable[..., subprocess.CompletedProcess[str]]

TINY = (
    "generator.network.widths=[8]",
    "discriminator.network.widths=[8]",
    "batch=8",
    "machine.threads=1",
    "machine.compile=off",
    "keeping.reports=1",
    "data.size=8",
)


class Said(NamedTuple):
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def mulligan() -> Mulligan:
    """Run `mulligan` with these arguments in a process of its own; keywords are added to the environment."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mulligan", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **environment},
            timeout=120,
        )

    return run


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Said]]:
    """Run `mulligan` with these arguments in this process, with a folder of runs of its own."""
    monkeypatch.setenv("MULLIGAN_RUNS", str(tmp_path / "runs"))
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def tiny() -> tuple[str, ...]:
    """Settings of the smallest networks that make sense."""
    return TINY


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 images of 8 x 8 in three classes, as an .npz; too few to hold some out."""
    path = tmp_path_factory.mktemp("data") / "images.npz"
    numbers = np.random.default_rng(0)
    np.savez(path, images=numbers.integers(0, 256, (60, 8, 8), np.uint8), labels=np.array(["cat", "dog", "owl"] * 20))
    return path


@pytest.fixture(scope="session")
def finished(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished conditional run of three steps. Tests that change it make a copy first."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    path = tmp_path_factory.mktemp("finished") / "0007-tiny"
    assert main(["train", str(images), "--recipe", "shallow-conditional", *TINY, "horizon=24", "--run", str(path)]) == 0
    for number, handler in before.items():
        signal.signal(number, handler)
    return path
