"""Starting the server of a model on this machine."""

import socket
from collections.abc import Callable, Sequence

import numpy as np
import uvicorn

from mulligan.errors import UsageError
from mulligan.sampling.sampler import Sampler
from mulligan.web.api import app
from mulligan.web.clients import MOST_CONNECTIONS, Connection
from mulligan.web.worker import Worker

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ENDING = 3  # seconds that answers have to end in, when the server stops


def serve(
    sampler: Sampler,
    host: str = "127.0.0.1",
    port: int = 8000,
    names: Sequence[str] = (),
    real: np.ndarray | None = None,
    ready: Callable[[str], object] = lambda address: None,
) -> None:
    """Serve the page and the API of a model until a signal ends it.

    host: the address that is listened on. port: 0 for a free one. names: other names by which requests may call this server. real: decoded
    images for the round "which one is real?". ready: is told the address once requests are taken. Raises UsageError for an address that
    cannot be listened on.
    """
    listening = listen(host, port)
    taken = int(listening.getsockname()[1])
    worker = Worker(sampler)
    sampler.sample(range(1))  # what the first sample prepares is prepared before anybody asks
    settings = uvicorn.Config(
        app(worker, hosts(host, taken, names), real),
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        http=Connection,
        timeout_keep_alive=round(Connection.patience),
        timeout_graceful_shutdown=ENDING,
    )
    ready(address(host, taken))
    try:
        uvicorn.Server(settings).run(sockets=[listening])
    finally:
        worker.close()
        listening.close()


def hosts(host: str, port: int, names: Sequence[str] = ()) -> tuple[str, ...]:
    """What requests may call a server.

    >>> hosts("127.0.0.1", 8000)
    ('127.0.0.1:8000', 'localhost:8000', '[::1]:8000')
    """
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    own = [*LOOPBACK, *([] if bracketed in (*LOOPBACK, "0.0.0.0", "[::]") else [bracketed]), *names]
    return tuple(f"{name}:{port}" for name in own) + tuple(own if port == 80 else names)


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds a server.

    >>> address("0.0.0.0", 8000)
    'http://127.0.0.1:8000/'
    """
    named = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{named}:{port}/"


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port: 0 for a free one. Raises UsageError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, so that asyncio sends at once; otherwise each answer waits 40 ms for the acknowledgement of its header (dev/LOG.md).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
        listening.listen(MOST_CONNECTIONS)  # so that who is told the address can come at once
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(f"{host}:{port} cannot be listened on ({error})", "Give another --port, or 0 for a free one") from None
    return listening
