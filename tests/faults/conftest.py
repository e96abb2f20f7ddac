"""A small training by its command line, in this process or in one of its own, and the whole run that it is compared with."""

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mulligan import cli, find, signals
from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data, Recipe
from mulligan.resolve import resolve
from mulligan.testing.games import EAGER
from mulligan.testing.pieces import Left, train_in_pieces

IMAGES = 60
SETTINGS = (
    "generator.network.widths=[8]",
    "discriminator.network.widths=[8,8]",
    "batch=8",
    "horizon=120",  # 15 steps
    "keeping.reports=1",
    "keeping.checkpoints=3",
    *EAGER,
)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing is trusted, runs go to the test's folder, and signals are afterwards as they were before."""
    monkeypatch.setattr(find, "_trusted", {})
    monkeypatch.setenv("MULLIGAN_RUNS", str(tmp_path / "runs"))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    signals.install()  # forgets what is pending
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An array of a few digits with their labels."""
    split = open_dataset(Data(source="digits")).train
    assert isinstance(split, Split)
    assert split.label is not None
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(path, images=split.target[:IMAGES, 0], labels=split.label[:IMAGES])
    return path


@pytest.fixture(scope="session")
def asked(few_digits: Path) -> tuple[Recipe, Dataset]:
    """What `words` ask for."""
    return resolve(str(few_digits), "shallow", SETTINGS)


@pytest.fixture(scope="session")
def whole(asked: tuple[Recipe, Dataset], tmp_path_factory: pytest.TempPathFactory) -> Left:
    """What is left of the training that nothing disturbed."""
    return train_in_pieces(tmp_path_factory.mktemp("whole"), *asked, None)


@pytest.fixture
def words(few_digits: Path, tmp_path: Path) -> list[str]:
    """The command line of the training, after `mulligan`; its run folder is `tmp_path / "run"`."""
    return ["train", str(few_digits), "--recipe", "shallow", "--run", str(tmp_path / "run"), *SETTINGS]


@pytest.fixture
def mulligan(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """mulligan(*words): in this process; the exit code and what was said on stderr."""

    def run(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        code = cli.main(list(arguments))
        return code, capfd.readouterr().err

    return run


@pytest.fixture
def started() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """started(*words, **environment): `mulligan` in a process and a process group of its own, killed at the end of the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "mulligan", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


Window = tuple[str, str, int]  # the function (module, name) at whose n-th call a signal comes


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AbstractContextManager[list[float]]]:
    """at(window, signal, times=1): inside the block, this process sends itself a signal when it comes to the window; gives the moment."""

    @contextmanager
    def armed(window: Window, number: int, times: int = 1) -> Iterator[list[float]]:
        module, dotted, nth = window
        holder = importlib.import_module(module)
        *path, name = dotted.split(".")
        for part in path:
            holder = getattr(holder, part)
        function, calls, sent = getattr(holder, name), [0], []

        @wraps(function)
        def signalled(*arguments: Any, **keywords: Any) -> Any:
            calls[0] += 1
            if calls[0] == nth:
                sent.append(time.monotonic())
                for _ in range(times):
                    os.kill(os.getpid(), number)
            return function(*arguments, **keywords)

        with monkeypatch.context() as patches:
            patches.setattr(holder, name, signalled)
            yield sent
        assert sent
        signals.install()  # a new process would have no signal pending

    return armed


@pytest.fixture
def stopped(at: Callable[..., AbstractContextManager[list[float]]], mulligan: Callable[..., tuple[int, str]]) -> Callable[..., None]:
    """stopped(step, *words): the command, preempted at that step; neither model nor report is made, which would take seconds."""

    def run(step: int, *arguments: str) -> None:
        with at(("mulligan.training.batches", "Schedule.batches", step + 1), signal.SIGTERM):
            code, said = mulligan(*arguments)
        assert code == 75, said

    return run
