"""The command line as a user runs it: in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

Mulligan = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mulligan() -> Mulligan:
    """Run `mulligan` with these arguments; keywords are added to the environment."""

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
