"""What stands outside everything: who may ask at all. A plain ASGI layer, so that no route can be forgotten.

A page that listens on this machine can be reached by every website that its user has open (DNS rebinding, forms, frames). So a request
has to name this server as its host, may not come from another website unless it opens the page itself, and needs a token to change
anything. Nothing here allows other origins.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from hmac import compare_digest
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 65_536  # bytes of a request's body
MOST_URL = 8192  # bytes of a path with what is asked
READS = ("GET", "HEAD")
TOKEN = "x-mulligan-token"
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Refused(Exception):
    """A request that is not let through: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Guard:
    """Lets through what this server's own page, or a program on this machine, may ask.

    hosts: what a request may call this server, `name:port` each. token: what a request that changes something has to bring.
    """

    def __init__(self, inside: Asgi, hosts: Iterable[str], token: str) -> None:
        self.inside, self.hosts, self.token = inside, frozenset(host.lower() for host in hosts), token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.inside(scope, receive, send)
            return
        try:
            self._require(scope)
        except Refused as refused:
            await _refuse(scope, send, refused)
            return
        if scope["type"] == "websocket":
            await self.inside(scope, receive, send)
            return
        started = False

        async def told(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        try:
            await self.inside(scope, _counted(receive), told)
        except Refused as refused:
            if started:
                raise
            await _refuse(scope, send, refused)

    def _require(self, scope: Scope) -> None:
        """Raise Refused for a connection that may not be made."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > MOST_URL:
            raise Refused(414, "what is asked is too long")
        host = headers.get("host", [])
        if len(host) != 1 or host[0].lower() not in self.hosts:
            raise Refused(403, "this server has another name")
        for origin in headers.get("origin", []):
            if origin.lower().removeprefix("https://").removeprefix("http://") != host[0].lower():
                raise Refused(403, "another website asks")
        self._require_context(scope, headers)
        if scope["type"] == "websocket" or scope["method"] not in READS:
            given = headers.get(TOKEN, [""])
            if len(given) != 1 or not compare_digest(given[0].encode("latin-1", "replace"), self.token.encode()):
                raise Refused(403, "the token is missing or wrong")
        lengths = headers.get("content-length", ["0"])
        if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise Refused(400, "the length of the body is no number")
        if int(lengths[0][:20]) > MOST_BODY:
            raise Refused(413, f"a body has at most {MOST_BODY:,} bytes")

    def _require_context(self, scope: Scope, headers: dict[str, list[str]]) -> None:
        """What a browser says of why it asks: never for a frame, and for other websites only to open the page in a tab."""
        destination = headers.get("sec-fetch-dest", [""])[0]
        if destination in ("iframe", "frame", "embed", "object"):
            raise Refused(403, "this page is not shown inside another one")
        elsewhere = headers.get("sec-fetch-site", ["none"])[0] not in ("same-origin", "none")
        if elsewhere and not (destination == "document" and scope.get("path") == "/"):
            raise Refused(403, "another website asks")


def _counted(receive: Receive) -> Receive:
    """The body, up to its limit, whatever its length was said to be."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST_BODY:
            raise Refused(413, f"a body has at most {MOST_BODY:,} bytes")
        return message

    return counted


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403, "reason": refused.reason})
        return
    body = json.dumps({"detail": refused.reason}).encode()
    headers = {**HEADERS, "content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
