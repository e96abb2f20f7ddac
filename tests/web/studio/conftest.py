"""The studio as its users have it: `mulligan studio` in a process of its own, with a run that was really trained."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from mulligan.cli import main

TINY = ("latent.size=4", "generator.network.widths=[16]", "discriminator.network.widths=[16]", "batch=16", "machine.threads=1")


@dataclass(frozen=True)
class Studio:
    """A studio that runs. link: what it printed, token included."""

    link: str
    base: Path
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return self.link.partition("?")[0].rstrip("/")

    @property
    def host(self) -> str:
        return urlsplit(self.link).netloc

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]

    @property
    def cookie(self) -> str:
        return f"mulligan-studio-{urlsplit(self.link).port}={self.token}"


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of one's own: bars, upright or level."""
    path = tmp_path_factory.mktemp("studio-data") / "bars.npz"
    rng = np.random.default_rng(0)
    shown = np.zeros((200, 8, 8), np.uint8)
    for place, image in enumerate(shown):
        line = rng.integers(8)
        image[(line, slice(None)) if place % 2 else (slice(None), line)] = 255
    np.savez(path, images=shown, labels=np.arange(200) % 2)
    return path


@pytest.fixture(scope="session")
def trained(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with two that are finished."""
    base = tmp_path_factory.mktemp("studio-runs") / "runs"
    for name, seed in (("0001-modern-bars", "0"), ("0002-again", "1")):
        words = ["train", str(images), "--recipe", "modern", "--run", str(base / name), "--steps", "60", "--seed", seed]
        assert main([*words, *TINY, "horizon=960", "keeping.reports=6", "machine.compile=off"]) == 0
    return base


@pytest.fixture
def runs(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "runs"))


@pytest.fixture
def studio(runs: Path) -> Iterator[Studio]:
    """With a folder of runs of its own."""
    yield from started(runs)


@pytest.fixture(scope="session")
def shared_studio(trained: Path) -> Iterator[Studio]:
    """For tests that change nothing."""
    yield from started(trained)


@pytest.fixture
def empty_studio(tmp_path: Path) -> Iterator[Studio]:
    yield from started(tmp_path / "runs")


def started(base: Path) -> Iterator[Studio]:
    words = [sys.executable, "-m", "mulligan", "studio", str(base), "--no-browser"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}  # NiceGUI behaves otherwise under it
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=base.parent, env=environment) as process:
        assert process.stdout is not None
        yield Studio(process.stdout.readline().split()[0], base, process)
        process.terminate()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """opened(studio, path="/", **how): a tab, let in by the link; it may ask this studio alone, and its console stays silent."""
    strange: list[str] = []
    contexts = []

    def open_tab(studio: Studio, path: str = "/", **how: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **how})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: strange.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: strange.append(str(error)))
        page.on("request", lambda request: strange.append(request.url) if not request.url.startswith(allowed) else None)
        allowed = (studio.address, studio.address.replace("http", "ws"), "data:", "blob:")
        page.goto(studio.link)
        page.wait_for_url(f"{studio.address}/")
        page.goto(studio.address + path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert strange == []


@pytest.fixture
def hindrances() -> Callable[[Page], list[str]]:
    """hindrances(page): what axe-core finds on a page that keeps people out, seriously or wholly."""
    return _hindrances


def _hindrances(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {node['html'][:200]} {node.get('failureSummary', '')}" for each in grave for node in each["nodes"]]
