"""Starting the studio on this machine."""

import logging
import secrets
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from mulligan.web.clients import Connection
from mulligan.web.serving import address, hosts, listen
from mulligan.web.studio.application import application

MOST_MESSAGE = 1024**2  # bytes of a message from a page
PATIENCE = 2  # seconds that pages have to let go when the studio ends


def studio(
    base: Path,
    port: int = 0,
    host: str = "127.0.0.1",
    browser: bool = True,
    ready: Callable[[str], object] = lambda link: None,
) -> None:
    """Serve the studio of a folder of runs until a signal ends it; trainings that it started go on.

    port: 0 for a free one. browser: whether to open one. ready: is told the link, which holds the token. Raises UsageError for an address
    that cannot be listened on.
    """
    listening = listen(host, port)
    taken = int(listening.getsockname()[1])
    token = secrets.token_urlsafe()
    # Browsers keep cookies by host, not by port: two studios need two names.
    inside = application(base, hosts(host, taken), token, f"mulligan-studio-{taken}")
    settings = uvicorn.Config(
        inside,
        log_level="warning",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        http=Connection,
        ws_max_size=MOST_MESSAGE,
        timeout_graceful_shutdown=PATIENCE,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    link = f"{address(host, taken)}?token={token}"
    ready(link)
    if browser:
        webbrowser.open(link)
    try:
        uvicorn.Server(settings).run(sockets=[listening])
    finally:
        listening.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Whether an error is one: NiceGUI's layers raise this where a browser leaves, or the studio ends, before it is answered."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and str(error) == "No response returned.")
