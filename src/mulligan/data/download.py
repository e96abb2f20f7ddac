"""Files from the network, only where somebody asked for what they hold, into the cache of this user."""

import os
from pathlib import Path

from mulligan.data.progress import progress

_CHUNK = 1 << 16
_PATIENCE = 20.0  # seconds that a server may stay silent


def cache_folder() -> Path:
    """Where downloads are kept: `MULLIGAN_HOME`, or the usual cache folder of this system."""
    home = os.environ.get("MULLIGAN_HOME")
    if home:
        return Path(home)
    from platformdirs import user_cache_path

    return user_cache_path("mulligan")


def offline() -> bool:
    """Whether `MULLIGAN_OFFLINE` forbids the network."""
    return os.environ.get("MULLIGAN_OFFLINE", "0").lower() not in ("", "0", "false", "no")


def fetch(url: str, title: str, most: int) -> bytes:
    """The content at an address, with a progress bar. Raises ValueError that says why it cannot be had, or that it exceeds `most` bytes."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    parts: list[bytes] = []
    size = 0
    try:
        with urlopen(Request(url, headers={"User-Agent": "Mulligan"}), timeout=_PATIENCE) as response:
            length = response.headers.get("Content-Length", "")
            with progress(title, int(length) if length.isdecimal() else None, in_bytes=True) as advance:
                while part := response.read(_CHUNK):
                    parts.append(part)
                    size += len(part)
                    advance(len(part))
                    if size > most:
                        raise ValueError(f"it sends more than {most} bytes")
            if length.isdecimal() and size < int(length):
                raise ValueError(f"the connection was lost after {size} of {length} bytes")
    except HTTPError as error:
        error.close()
        raise ValueError(f"the server says {error.code} {error.reason}") from None
    except URLError as error:
        raise ValueError(f"it cannot be reached ({error.reason})") from None
    except (OSError, HTTPException) as error:
        raise ValueError(f"the connection was lost ({error})") from None
    return b"".join(parts)
