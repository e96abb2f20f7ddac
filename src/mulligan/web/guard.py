"""What stands outside everything: who may ask at all. A plain ASGI layer, so that no route can be forgotten.

A page that listens on this machine can be reached by every website that its user has open (DNS rebinding, forms, frames). So a request
has to name this server as its host, may not come from another website unless it opens the page itself, and needs a token to change
anything. Nothing here allows other origins.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 65_536  # bytes of a request's body
MOST_URL = 8192  # bytes of a path with what is asked
READS = ("GET", "HEAD")
_ENTER = b'<!doctype html><html lang="en"><title>Mulligan</title><meta http-equiv="refresh" content="0;url=/"><a href="/">Go on</a></html>'
TOKEN = "x-mulligan-token"
POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
HEADERS = {
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


@dataclass(frozen=True)
class Rules:
    """What differs between servers.

    cookie: name of the cookie that has to hold the token before anything at all is answered; the link `/?token=...` sets it. Empty where
    reading needs no token. policy: what a page may load and run, as a Content-Security-Policy. most_body: bytes of a request's body.
    """

    cookie: str = ""
    policy: str = POLICY
    most_body: int = MOST_BODY


class Guard:
    """Lets through what this server's own page, or a program on this machine, may ask.

    hosts: what a request may call this server, `name:port` each. token: what a request that changes something has to bring.
    """

    def __init__(self, inside: Asgi, hosts: Iterable[str], token: str, rules: Rules | None = None) -> None:
        self.inside, self.hosts, self.token, self.rules = inside, frozenset(host.lower() for host in hosts), token, rules or Rules()
        self.headers = [
            (name.encode(), value.encode()) for name, value in {**HEADERS, "content-security-policy": self.rules.policy}.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] not in ("http", "websocket"):
            await self.inside(scope, receive, send)
            return
        try:
            self._require(scope)
        except Refused as refused:
            await self._refuse(scope, send, refused)
            return
        if scope["type"] == "websocket":
            await self.inside(scope, receive, send)
            return
        if self._enters(scope):
            await self._let_in(send)
            return
        started = False

        async def told(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [pair for pair in message.get("headers", []) if not pair[0].lower().startswith(b"access-control-")]
                message = {**message, "headers": [*kept, *self.headers]}
            await send(message)

        try:
            await self.inside(scope, _counted(receive, self.rules.most_body), told)
        except Refused as refused:
            if started:
                raise
            await self._refuse(scope, send, refused)

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
        self._require_token(scope, headers)
        lengths = headers.get("content-length", ["0"])
        if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise Refused(400, "the length of the body is no number")
        if int(lengths[0][:20]) > self.rules.most_body:
            raise Refused(413, f"a body has at most {self.rules.most_body:,} bytes")

    def _require_token(self, scope: Scope, headers: dict[str, list[str]]) -> None:
        if self.rules.cookie:
            if not self._enters(scope) and not self._is_token(_cookie(headers, self.rules.cookie)):
                raise Refused(403, "open the link with the token that this server has printed where it was started")
        elif scope["type"] == "websocket" or scope["method"] not in READS:
            given = headers.get(TOKEN, [])
            if len(given) != 1 or not self._is_token(given[0]):
                raise Refused(403, "the token is missing or wrong")

    def _is_token(self, given: str) -> bool:
        return compare_digest(given.encode("latin-1", "replace"), self.token.encode())

    def _enters(self, scope: Scope) -> bool:
        """Whether this is the link that was printed, which sets the cookie."""
        if not self.rules.cookie or scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            return False
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        return len(given) == 1 and self._is_token(given[0])

    def _require_context(self, scope: Scope, headers: dict[str, list[str]]) -> None:
        """What a browser says of why it asks: never for a frame, and for other websites only to open the page in a tab."""
        destination = headers.get("sec-fetch-dest", [""])[0]
        if destination in ("iframe", "frame", "embed", "object"):
            raise Refused(403, "this page is not shown inside another one")
        elsewhere = headers.get("sec-fetch-site", ["none"])[0] not in ("same-origin", "none")
        if elsewhere and not (destination == "document" and scope.get("path") == "/"):
            raise Refused(403, "another website asks")

    async def _let_in(self, send: Send) -> None:
        """Keep the token in the browser, out of reach of scripts and of other websites, and out of the address line.

        A page goes on by itself, and not a redirection: that one would still come from where the link was, and bring no such cookie.
        """
        kept = f"{self.rules.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
        own = {
            "content-type": "text/html; charset=utf-8",
            "set-cookie": kept,
            "cache-control": "no-store",
            "content-length": str(len(_ENTER)),
        }
        headers = [*self.headers, *((name.encode(), value.encode()) for name, value in own.items())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _ENTER})

    async def _refuse(self, scope: Scope, send: Send, refused: Refused) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": refused.reason})
            return
        person = any(name.lower() == b"accept" and b"text/html" in value for name, value in scope["headers"])
        body = (refused.reason if person else json.dumps({"detail": refused.reason})).encode()
        kind = "text/plain; charset=utf-8" if person else "application/json"
        own = {"content-type": kind, "content-length": str(len(body)), "connection": "close"}
        headers = [*self.headers, *((name.encode(), value.encode()) for name, value in own.items())]
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _counted(receive: Receive, most: int) -> Receive:
    """The body, up to its limit, whatever its length was said to be."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise Refused(413, f"a body has at most {most:,} bytes")
        return message

    return counted


def _cookie(headers: dict[str, list[str]], name: str) -> str:
    """The value of a cookie; empty where there is none, or no telling which."""
    try:
        jar = SimpleCookie("; ".join(headers.get("cookie", [])))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""
