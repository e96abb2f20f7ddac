"""For all tests, doctests and documents: what Mulligan keeps between runs goes to a folder of this test run, not to the user's cache."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MULLIGAN_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
