"""For all tests, doctests and documents: what Mulligan keeps between runs goes to a folder of this test run, not to the user's cache."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Compiled steps stay where the next test run finds them.
COMPILED = Path(tempfile.gettempdir()) / f"mulligan-tests-{os.getuid() if os.name == 'posix' else 'compiled'}"


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULLIGAN_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(COMPILED))
        yield
