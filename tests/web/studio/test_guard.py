"""F38 and F39 for the studio, over http and over its socket: nobody asks but who has the link."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

ROUTES = """
import json, sys
from pathlib import Path
from typing import Any
from mulligan.web.studio.application import application

def below(routes, prefix=""):
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inside = getattr(getattr(route, "app", None), "routes", None)
        yield path
        if inside:
            yield from below(inside, path.rstrip("/"))

print(json.dumps(sorted(set(below(application(Path("."), ("h:1",), "t", "c").inside.routes)))))
"""
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def asked(url: str, method: str = "GET", **headers: str) -> int:
    request = urllib.request.Request(url, method=method, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=30) as answer:
            assert "access-control-allow-origin" not in answer.headers
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return int(error.code)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


def routes() -> list[str]:
    done = subprocess.run([sys.executable, "-c", ROUTES], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert {"/", "/studio.css", "/_nicegui_ws", "/runs/{name}/samples/{step}.png"} <= set(found)
    return [path for path in found if path]


def test_f38_every_route_is_closed_without_the_token(shared_studio: Any) -> None:
    for route in routes():
        url = shared_studio.address + route.replace("{", "").replace("}", "").replace(":path", "")
        for method in ("GET", "POST", "OPTIONS"):
            assert asked(url, method) == 403, route
            assert asked(url, method, cookie=shared_studio.cookie[:-1]) == 403, route
            assert asked(url, method, cookie=shared_studio.cookie, host="evil.example") == 403, route
            assert asked(url, method, cookie=shared_studio.cookie, origin="http://evil.example") == 403, route
            assert asked(url, method, cookie=shared_studio.cookie, origin="null") == 403, route
            assert asked(url, method, cookie=shared_studio.cookie, sec_fetch_dest="iframe", sec_fetch_site="same-origin") == 403, route
            assert asked(url, method, cookie=shared_studio.cookie, sec_fetch_dest="empty", sec_fetch_site="cross-site") == 403, route
    assert asked(shared_studio.address + "/", cookie=shared_studio.cookie) == 200
    assert asked(shared_studio.address + "/?token=wrong") == 403
    assert asked(shared_studio.address + "/new?token=" + shared_studio.token) == 403


def test_f38_the_link_lets_in_and_leaves_the_address_line(shared_studio: Any) -> None:
    """From wherever it was followed: a page of the studio itself goes on, so that the cookie is brought along."""
    request = urllib.request.Request(shared_studio.link, headers={"sec-fetch-dest": "document", "sec-fetch-site": "cross-site"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["set-cookie"] == f"{shared_studio.cookie}; Path=/; HttpOnly; SameSite=Strict"
        assert answer.headers["cache-control"] == "no-store"
        assert b'content="0;url=/"' in answer.read()


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({}, None),
        ({"cookie": "{wrong}"}, None),
        ({"cookie": "{right}"}, "http://evil.example"),
        ({"cookie": "{right}"}, "null"),
        ({"cookie": "{right}", "sec-fetch-site": "cross-site", "sec-fetch-dest": "websocket"}, None),
    ],
)
def test_f38_the_socket_is_closed_to_others(shared_studio: Any, headers: dict[str, str], origin: str | None) -> None:
    """NiceGUI's own socket takes any origin; the guard does not."""
    given = {
        name: value.replace("{right}", shared_studio.cookie).replace("{wrong}", shared_studio.cookie + "x")
        for name, value in headers.items()
    }
    address = f"ws://{shared_studio.host}{SOCKET}"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, additional_headers=given, origin=origin)
    assert refused.value.response.status_code == 403
    with connect(address, additional_headers={"cookie": shared_studio.cookie}, origin=f"http://{shared_studio.host}") as greeted:  # type: ignore[arg-type]
        assert str(greeted.recv(timeout=10)).startswith("0{")  # the socket's greeting


PATHS = (
    "/runs/..%2f..%2fetc/real.png",
    "/runs/%252e%252e/real.png",
    "/runs/..%5c..%5c/real.png",
    "/runs/%00/real.png",
    "/runs/%2fetc/real.png",
    "/runs/C:%5c/real.png",
    "/runs/0001-modern-bars/..%2frecipe.png",
    "/runs/0001-modern-bars/recipe.png",
    "/runs/0001-modern-bars/samples/-1.png",
    "/runs/0001-modern-bars/samples/..%2freal.png",
    "/runs/0001-modern-bars/samples/999999.png",
    "/runs/0001-modern-bars/samples/1e3.png",
    "/runs/linked/real.png",
    "/runs/0001-modern-bars/pairs.png",
)


def test_f39_no_path_leads_out_of_a_run(studio: Any, tmp_path: Path) -> None:
    """Neither does a link in the folder of runs, or one inside of a run."""
    outside = tmp_path / "secret.png"
    outside.write_bytes(b"secret")
    (studio.base / "linked").symlink_to(tmp_path)
    pairs = studio.base / "0001-modern-bars" / "samples" / "nearest.png"
    pairs.unlink(missing_ok=True)
    pairs.symlink_to(outside)
    for path in PATHS:
        assert asked(studio.address + path, cookie=studio.cookie) == 404, path
    assert asked(studio.address + "/runs/0001-modern-bars/real.png", cookie=studio.cookie) == 200


def test_f40_bodies_are_bounded(shared_studio: Any) -> None:
    for length, status in ((str(10**9), 413), ("-1", 400), ("1e3", 400)):
        assert asked(shared_studio.address + "/", "POST", cookie=shared_studio.cookie, content_length=length) == status


def test_nothing_is_written_where_the_user_stands(studio: Any) -> None:
    assert asked(studio.address + "/", cookie=studio.cookie) == 200
    assert [path.name for path in studio.base.parent.iterdir()] == ["runs"]
