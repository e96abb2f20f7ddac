"""Small sessions of real recipes, to be played step by step."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mulligan.resolve import resolve
from mulligan.runs.folder import Run
from mulligan.testing.games import EAGER
from mulligan.training.session import Session
from mulligan.verbs import new_session

Open = Callable[..., Session]


@pytest.fixture
def small(tmp_path: Path) -> Open:
    """small(recipe, source, *settings): a session at step 0, with batches of 8."""

    def open_it(recipe: str, source: str = "digits", *settings: str) -> Session:
        keys: Sequence[str] = ("batch=8", "horizon=800", *settings, *EAGER)
        return new_session(Run(tmp_path), *resolve(source, recipe, keys))

    return open_it
