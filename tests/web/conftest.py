"""The server of a real model of a tiny network, asked in this process."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from mulligan.sampling.model import Model
from mulligan.web.api import app
from mulligan.web.worker import Worker

HOST = "127.0.0.1:8000"
TOKEN = "a token"


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
