"""Starting the studio on this machine."""

import logging
import secrets
import webbrowser
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import uvicorn

from mulligan.errors import UsageError
from mulligan.web.clients import Connection
from mulligan.web.serving import address, hosts, listen
from mulligan.web.studio.application import application

MOST_MESSAGE = 1024**2  # bytes of a message from a page
PATIENCE = 2  # seconds that pages have to let go when the studio ends


def studio(
    base: Path,
    port: int = 0,
    host: str = "127.0.0.1",
    names: Sequence[str] = (),
    browser: bool = True,
    ready: Callable[[str], object] = lambda link: None,
) -> None:
    """Serve the studio of a folder of runs until a signal ends it; trainings that it started go on.

    port: 0 for a free one. names: other names by which requests may call it. browser: whether to open one. ready: is told the link, which
    holds the token. Raises UsageError for an address that cannot be listened on, and for a file in the place of the folder.
    """
    listening = listen(host, port)
    taken = int(listening.getsockname()[1])
    token = secrets.token_urlsafe()
    # Browsers keep cookies by host, not by port: two studios need two names.
    if base.exists() and not base.is_dir():
        raise UsageError(f"{base} is no folder", "Name the folder that holds the runs")
    inside = application(base, hosts(host, taken, names), token, f"mulligan-studio-{taken}")
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
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if browser:
            Thread(target=_open, args=(Path(folder), link), daemon=True).start()  # one in a terminal would hold up the server
        try:
            uvicorn.Server(settings).run(sockets=[listening])
        finally:
            listening.close()


def _open(folder: Path, link: str) -> None:
    """Open a browser by a file that only this user may read: what stands on its command line everybody may."""
    way = folder / "studio.html"
    way.touch(mode=0o600)
    way.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={escape(link)}">', encoding="utf-8")
    webbrowser.open(way.as_uri())


def _is_news(record: logging.LogRecord) -> bool:
    """Whether an error is one: NiceGUI's layers raise this where a browser leaves, or the studio ends, before it is answered."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and str(error) == "No response returned.")
