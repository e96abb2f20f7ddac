"""Who may ask at all: F38 and F40, on every route."""

import asyncio
from typing import Any

import pytest
from starlette.testclient import TestClient

from mulligan.web.api import app
from mulligan.web.guard import MOST_BODY, TOKEN, Guard
from mulligan.web.worker import Worker

ROUTES = (
    "/", "/page.css", "/page.js", "/api/sample", "/api/interpolate?seeds=1&seeds=2", "/api/model", "/api/round",
    "/healthz", "/metrics", "/openapi.json",
)  # fmt: skip


def test_every_route_is_known(client: TestClient) -> None:
    """A new route has to stand in the list above, so that what follows asks it."""
    inside = client.app.inside  # type: ignore[attr-defined]
    assert {route.path for route in inside.routes} == {path.partition("?")[0] for path in ROUTES}


@pytest.mark.parametrize("path", ROUTES)
def test_f38_nobody_else_asks(path: str, client: TestClient) -> None:
    assert client.get(path).status_code == 200
    for headers in (
        {"host": "evil.example"},
        {"host": "127.0.0.1:8001"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"sec-fetch-dest": "iframe", "sec-fetch-site": "same-origin"},
        {"sec-fetch-dest": "image", "sec-fetch-site": "cross-site"},
        {"sec-fetch-dest": "empty", "sec-fetch-site": "same-site"},
    ):
        assert client.get(path, headers=headers).status_code == 403, headers
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert client.request(method, path).status_code == 403
        assert client.request(method, path, headers={TOKEN: "another"}).status_code == 403
        assert client.request(method, path, headers={TOKEN: "a token"}).status_code == 405
    assert client.post(path, data={"n": "1"}).status_code == 403  # what a form of another website could send
    told = client.get(path).headers
    assert "access-control-allow-origin" not in told
    assert told["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in told["content-security-policy"]


def test_a_link_from_elsewhere_opens_the_page_alone(client: TestClient) -> None:
    headers = {"sec-fetch-dest": "document", "sec-fetch-site": "cross-site"}
    assert client.get("/?seed=5", headers=headers).status_code == 200
    assert client.get("/api/sample", headers=headers).status_code == 403
    assert client.get("/api/sample", headers={"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}).status_code == 200


def test_f40_bodies(client: TestClient) -> None:
    assert client.request("GET", "/api/sample", headers={"content-length": str(10**9)}).status_code == 413
    assert client.request("GET", "/api/sample", headers={"content-length": "9" * 400}).status_code == 413
    for length in ("-1", "1e3", "", "+5"):
        assert client.request("GET", "/api/sample", headers={"content-length": length}).status_code == 400
    assert client.get("/api/sample?label=" + "x" * 9000).status_code == 414


def test_f40_a_body_that_is_longer_than_it_said() -> None:
    taken: list[int] = []
    sent: list[dict[str, Any]] = []

    async def inside(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            taken.append(len(message["body"]))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"h:1"), (b"content-length", b"10")]}
    asyncio.run(Guard(inside, ("h:1",), "t")(scope, receive, send))
    assert sum(taken) <= MOST_BODY
    assert sent[0]["status"] == 413


def test_f38_websockets_bring_a_token(worker: Worker) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/", "headers": [(b"host", b"h:1"), (b"origin", b"http://evil.example")]}
    asyncio.run(app(worker, ("h:1",), token="t")(scope, receive, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 4403, "reason": "another website asks"}]
