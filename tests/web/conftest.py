"""The server of a real model of a tiny network, asked in this process; and Debian's Chromium, for pages."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from starlette.testclient import TestClient

from mulligan.sampling.model import Model
from mulligan.web.api import app
from mulligan.web.worker import Worker

HOST = "127.0.0.1:8000"
TOKEN = "a token"
PATIENCE = 20_000  # milliseconds for what a page does at once: on a slow machine with other tests beside it that is not at once
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def worker(conditional: Model) -> Iterator[Worker]:
    made = Worker(conditional)
    yield made
    made.close()


@pytest.fixture
def opened() -> Iterator[Callable[..., TestClient]]:
    """opened(model, worker, real=None): a client of a server."""
    workers = []

    def client(model: Model, worker: Worker | None = None, real: np.ndarray | None = None) -> TestClient:
        worker = worker or Worker(model)
        workers.append(worker)
        return TestClient(app(worker, (HOST,), real, TOKEN), base_url=f"http://{HOST}")

    yield client
    for each in workers:
        each.close()


@pytest.fixture
def client(conditional: Model, worker: Worker, opened: Callable[..., TestClient]) -> TestClient:
    """Of a conditional model, with real images for the round."""
    return opened(conditional, worker, np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))


@pytest.fixture(scope="module")  # and no longer: while it runs, other tests of this process could run no event loop
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists() and "MULLIGAN_TEST_PACKAGES" not in os.environ:
        pytest.skip("Debian's chromium is not installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()
