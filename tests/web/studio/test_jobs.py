"""Trainings that the studio starts, without a page."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mulligan.errors import DataError, UnsafeError, UsageError
from mulligan.runs import environment
from mulligan.runs.folder import Run
from mulligan.web.studio.jobs import Jobs, checked

TINY = ("latent.size=4", "generator.network.widths=[8]", "discriminator.network.widths=[8]", "batch=16", "machine.compile=off")


def wait_for(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_training_is_that_of_the_command_line(images: Path, tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "runs")
    run = jobs.train(str(images), "modern", (*TINY, "horizon=160", "keeping.reports=1"), seed=7)
    assert jobs.is_working(run)
    wait_for(lambda: not jobs.is_working(run))
    assert (run.name, run.status, run.read_recipe().seed, jobs.failures()) == ("0001-modern-bars-npz", "finished", 7, {})
    command = environment.sessions(run)[0]["command"]
    assert command[0] == "train"
    with pytest.raises(UsageError, match="is not being trained"):
        jobs.stop(run)


def test_what_cannot_be_trained_is_said_before_anything_is_written(images: Path, tmp_path: Path) -> None:
    jobs = Jobs(tmp_path / "runs")
    for data, recipe, words, error in (
        (str(tmp_path / "nothing"), "modern", (), (UsageError, DataError)),
        (str(images), "nothing", (), UsageError),
        (str(images), "modern", ("batch=-1",), UsageError),
        (str(images), "modern", (f"task={tmp_path}/mine.py:mine",), UnsafeError),
        (str(images), "modern", (f'loss={{"name": "{tmp_path}/mine.py\\u003amine"}}',), UnsafeError),
        (f"{tmp_path}/mine.py:mine", "modern", (), UnsafeError),
        (str(images), f"{tmp_path}/mine.py:mine", (), UnsafeError),
    ):
        with pytest.raises(error):
            jobs.train(data, recipe, words)
    assert not (tmp_path / "runs").exists()


def test_words_of_a_training_are_no_options(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "--steps"
    folder.mkdir()
    (folder / "x.npz").write_bytes(images.read_bytes())
    training = checked(str(folder / "x.npz"), "modern", TINY, "2m", 3)
    assert training.words[training.words.index("--") + 1 :] == (str(folder / "x.npz"), *TINY)


def test_one_that_fails_says_why(images: Path, tmp_path: Path) -> None:
    """The data go between the look at them and the training: no folder stays, and the reason is kept."""
    own = tmp_path / "own.npz"
    own.write_bytes(images.read_bytes())
    jobs = Jobs(tmp_path / "runs")
    training = checked(str(own), "modern", TINY)
    own.unlink()
    run = jobs.begin(training)
    wait_for(lambda: not jobs.is_working(run))
    assert "own.npz" in jobs.failures()[run.name]
    assert jobs.failures() == jobs.failures(), "each tab is told"
    assert not run.path.exists()


def test_one_that_cannot_be_resumed_says_why(trained: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "0001-broken").prepare()
    run.recipe_file.write_text("{")
    jobs = Jobs(tmp_path / "runs")
    jobs.resume(run)
    with pytest.raises(UsageError, match="is being trained already"):
        jobs.resume(run)
    wait_for(lambda: not jobs.is_working(run))
    assert "recipe.json" in jobs.failures()[run.name]
    assert run.exists
