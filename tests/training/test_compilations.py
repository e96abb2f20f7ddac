"""What is kept of compilations, where, and for how long."""

import os
import time
from pathlib import Path

import pytest

from mulligan.data.download import cache_folder
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.training import compilations
from mulligan.training.compilations import PLACE, keep, key_of, known, note, tidy


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cache folder of this test, and no other place that is named."""
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(PLACE, "")  # so that it is put back afterwards
    monkeypatch.delenv(PLACE)


def settled(*settings: str) -> Recipe:
    return resolve("ring", "points", ["machine.device=cpu", "machine.threads=1", "machine.precision=float32", *settings])[0]


def test_it_is_kept_in_the_cache_of_this_user() -> None:
    keep()
    assert os.environ[PLACE] == str(cache_folder() / "compiled")
    assert Path(os.environ[PLACE]).is_dir()


def test_a_place_that_the_user_names_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = tmp_path / "named"
    monkeypatch.setenv(PLACE, str(named))
    keep()
    assert os.environ[PLACE] == str(named)
    note("a", 3.0)
    assert known("a") == 3.0
    compilations.clear()
    assert known("a") == 3.0
    assert not cache_folder().exists()


def test_a_folder_that_cannot_be_made_is_done_without() -> None:
    cache_folder().write_text("a file")
    keep()
    assert PLACE not in os.environ
    note("a", 3.0)
    assert known("a") is None


def test_the_least_is_remembered() -> None:
    assert known("a") is None
    for seconds, least in ((9.0, 9.0), (4.0, 4.0), (6.0, 4.0)):
        note("a", seconds)
        assert known("a") == least
    assert known("b") is None
    keep()
    compilations.clear()
    assert known("a") is None


@pytest.mark.parametrize("content", ["", "{}", '{"seconds": "many"}', '{"seconds": null}', "[1]"])
def test_a_broken_note_is_no_note(content: str) -> None:
    note("a", 3.0)
    place = cache_folder() / "compiled" / "mulligan" / "a.json"
    place.write_text(content)
    assert known("a") is None
    note("a", 5.0)
    assert known("a") == 5.0


def test_a_key_is_of_what_is_compiled() -> None:
    key = key_of(settled())
    for same in ("seed=3", "horizon=5000", "name=other", "keeping.reports=2", "machine.compile=on", "repair=on"):
        assert key_of(settled(same)) == key, same
    for other in ("batch=8", "latent.size=3", "loss.name=hinge", "machine.threads=2", "machine.split=2", "generator.network.widths=[8]"):
        assert key_of(settled(other)) != key, other
    assert key_of(settled(), seeds=4) != key


def test_what_was_not_used_for_a_day_goes_where_there_is_too_much(tmp_path: Path) -> None:
    long_ago = time.time() - 2 * compilations.IN_USE
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(bytes(1000))
    os.utime(tmp_path / "old" / "file", (long_ago, long_ago))
    tidy(tmp_path, 100_000)
    assert (tmp_path / "old" / "file").exists()
    tidy(tmp_path, 1000)
    assert not (tmp_path / "old" / "file").exists()
    assert (tmp_path / "new" / "file").exists()
