"""`mulligan serve` as a process, and its clients: many at once, slow ones, silent ones, ones that leave; and its end in the midst of it."""

import asyncio
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil
import pytest

from mulligan.sampling.model import Model
from mulligan.web.clients import MOST_CONNECTIONS
from mulligan.web.worker import CLOSING, MOST_WAITING

SERVER = """
import sys
from pathlib import Path
from time import sleep
from mulligan.sampling.model import Model
from mulligan.web.clients import Connection
from mulligan.web.serving import serve

class Held(Model):
    def draw(self, places, *more):
        Path(sys.argv[2]).with_name("begun").touch()
        while Path(sys.argv[2]).exists():
            sleep(0.01)
        return super().draw(places, *more)

Connection.patience = float(sys.argv[3])
serve(Held.load(sys.argv[1]), port=0, ready=lambda address: print(address, flush=True))
"""  # the real server, whose sampler waits for as long as a file is there

Make = Callable[..., Model]


class Served(NamedTuple):
    """A server in a process of its own."""

    process: "subprocess.Popen[str]"
    place: tuple[str, int]
    gate: Path  # while it is there, nothing is drawn
    clients: list[socket.socket]  # that are closed at the end

    @property
    def begun(self) -> Path:
        """Is there as soon as something is drawn."""
        return self.gate.with_name("begun")

    def asked(self, path: str, count: int = 1) -> list["Answer"]:
        """What so many get who ask at once."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(ask(self.place, path.format(place)) for place in range(count)))

        return asyncio.run(all_of_them())

    def metric(self, name: str) -> float:
        (found,) = re.findall(rf"^{name} (\S+)$", self.asked("/metrics")[0].body.decode(), re.MULTILINE)
        return float(found)

    def connected(self, said: bytes = b"", buffer: int | None = None) -> socket.socket:
        """A client that has said so much, and reads nothing."""
        client = socket.socket()
        self.clients.append(client)
        if buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.connect(self.place)
        client.sendall(said)
        return client

    def asks(self, path: str, buffer: int | None = None) -> socket.socket:
        """A client that has asked, and reads nothing."""
        return self.connected(head(self.place, path), buffer)

    def connections(self) -> int:
        return sum(each.status != psutil.CONN_LISTEN for each in psutil.Process(self.process.pid).net_connections("tcp"))


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def head(place: tuple[str, int], path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {place[0]}:{place[1]}\r\nConnection: close\r\n\r\n".encode()


async def ask(place: tuple[str, int], path: str) -> Answer:
    reader, writer = await asyncio.open_connection(*place)
    try:
        writer.write(head(place, path))
        content = await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()
    top, _, body = content.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    return Answer(int(first.split()[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def content_of(folder: Path) -> dict[str, str]:
    return {str(file): sha256(file.read_bytes()).hexdigest() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """served(model, patience=60): a server; whatever it was asked, its folder stays as it was."""
    begun: list[Served] = []
    before: list[dict[str, str]] = []

    def serve(model: Model, patience: float = 60) -> Served:
        folder = model.save(tmp_path / "model")
        before.append(content_of(folder))
        words = [sys.executable, "-c", SERVER, str(folder), str(tmp_path / "gate"), str(patience)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        begun.append(Served(process, (str(address.hostname), int(address.port or 0)), tmp_path / "gate", []))
        return begun[-1]

    yield serve
    for each in begun:
        for client in each.clients:
            client.close()
        each.gate.unlink(missing_ok=True)
        each.process.terminate()
        _, told = each.process.communicate(timeout=30)
        assert "Traceback" not in told
    for each in before:
        assert content_of(tmp_path / "model") == each


def test_f42_two_hundred_at_once(make_image_model: Make, served: Callable[..., Served]) -> None:
    """Every one is answered or told when to come back, and answers are what each alone would have got."""
    server = served(make_image_model(classes=("Coat", "Bag"), side=28))
    path = "/api/sample?n=100&seed={}&format=npz"
    answers = server.asked(path, 200)
    statuses = [answer.status for answer in answers]
    assert set(statuses) <= {200, 503, 504}
    assert statuses.count(200) >= MOST_WAITING
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status != 200)
    for place, answer in enumerate(answers):
        if answer.status == 200 and place % 5 == 0:
            assert server.asked(path.format(place))[0].body == answer.body
    assert server.metric("mulligan_waiting_requests") == 0


def test_f42_the_queue_is_bounded_and_empties_when_clients_leave(conditional: Model, served: Callable[..., Served]) -> None:
    server = served(conditional)
    server.gate.touch()
    server.begun.unlink(missing_ok=True)
    clients = [server.asks("/api/sample?n=3")]
    until(server.begun.exists)
    clients += [server.asks(f"/api/sample?n=3&seed={seed}") for seed in range(MOST_WAITING)]
    until(lambda: server.metric("mulligan_waiting_requests") == MOST_WAITING)
    (refused,) = server.asked("/api/sample")
    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert server.asked("/api/model")[0].status == 200  # what needs no sampling
    for client in clients[1:]:
        client.close()
    until(lambda: server.metric("mulligan_waiting_requests") == 0)
    assert server.metric("mulligan_samples_drawn") == 0
    server.gate.unlink()
    assert server.asked("/api/sample?n=2")[0].status == 200
    assert clients[0].recv(12) == b"HTTP/1.1 200"
    assert server.metric("mulligan_samples_drawn") == 3 + 2  # nothing of those who had left
    assert 'status="left"' in server.asked("/metrics")[0].body.decode()


def test_f42_slow_and_silent_clients_stop_nobody_and_are_let_go(make_image_model: Make, served: Callable[..., Served]) -> None:
    """Twelve MB each, of which nothing is read, beside connections on which nothing or half a request is said."""
    server = served(make_image_model(colour=True, side=64), patience=2)
    server.asked("/api/sample?n=1000&format=npz")  # what torch and the encoder need once
    before = psutil.Process(server.process.pid).memory_info().rss
    for place in range(20):
        server.connected(b"GET /api/sample HTTP/1.1\r\nHost: " if place % 2 else b"")
    until(lambda: server.connections() >= 20)
    for seed in range(6):
        server.asks(f"/api/sample?n=1000&seed={seed}&format=npz", buffer=4096)
    (answer,) = server.asked("/api/sample?n=1&seed=7")
    assert answer.status == 200
    until(lambda: server.connections() == 0, 60)
    assert psutil.Process(server.process.pid).memory_info().rss < before + 300 * 2**20
    assert server.metric("mulligan_waiting_requests") == 0
    assert server.asked("/api/sample?n=1&seed=7")[0].body == answer.body


def test_f42_who_reads_steadily_gets_all_of_it(make_image_model: Make, served: Callable[..., Served]) -> None:
    server = served(make_image_model(colour=True, side=64), patience=0.4)
    path = "/api/sample?n=800&format=npz"
    client = server.asks(path, buffer=65_536)
    parts, begun = [], time.monotonic()
    while part := client.recv(200_000):
        parts.append(part)
        time.sleep(0.01)
    assert time.monotonic() - begun > 0.4
    assert b"".join(parts).partition(b"\r\n\r\n")[2] == server.asked(path)[0].body


def test_f42_a_crowd_beyond_all_connections_is_told_to_come_back(conditional: Model, served: Callable[..., Served]) -> None:
    server = served(conditional)
    crowd = [server.connected() for _ in range(MOST_CONNECTIONS)]
    (answer,) = server.asked("/api/model")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    for client in crowd:
        client.close()
    until(lambda: server.connections() == 0)
    assert server.asked("/api/model")[0].status == 200


@pytest.mark.parametrize("held", [False, True])
def test_f43_a_server_that_is_told_to_end_in_the_midst_of_requests(
    held: bool, make_image_model: Make, served: Callable[..., Served]
) -> None:
    """Those who are answered within the time get all of their answer; the others are cut off; nobody keeps the server alive."""
    server = served(make_image_model(colour=True, side=64))
    if held:
        server.gate.touch()
    clients = [server.asks(f"/api/sample?n=200&seed={seed}&format=npz") for seed in range(10)]
    server.asks("/api/sample?n=1000&format=npz", buffer=4096)
    server.connected()
    until(lambda: server.connections() >= 12)
    if held:
        until(lambda: server.metric("mulligan_waiting_requests") >= 9)
    else:
        time.sleep(0.3)
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    for client in clients:
        content = b""
        while part := client.recv(2**20):
            content += part
        top, _, body = content.partition(b"\r\n\r\n")
        if top.startswith(b"HTTP/1.1 200"):
            assert len(body) == int(re.findall(rb"content-length: (\d+)", top)[0])
        else:
            assert held
            assert content == b"" or top.startswith(b"HTTP/1.1 503")
    server.process.wait(timeout=20)
    assert time.monotonic() - begun < 3 * CLOSING + 3
    assert server.process.returncode == -signal.SIGTERM


def test_f43_a_server_that_is_killed_leaves_its_folder_as_it_was(conditional: Model, served: Callable[..., Served]) -> None:
    server = served(conditional)
    server.gate.touch()
    server.asks("/api/sample")
    until(lambda: server.connections() >= 1)
    server.process.kill()
    server.process.wait(timeout=20)


def test_f43_two_tabs_see_the_same(conditional: Model, served: Callable[..., Served]) -> None:
    """There is no state but what is asked: two who ask the same at once get the same bytes, before and after a restart."""
    server = served(conditional)
    paths = ("/api/sample?n=9&seed={0}", "/api/interpolate?seeds=1&seeds=4", "/api/model")
    first = [server.asked(path.replace("{0}", "5"), 2) for path in paths]
    assert all(one.body == other.body for one, other in first)
    again = served(conditional)
    assert [again.asked(path.replace("{0}", "5"))[0].body for path in paths] == [one.body for one, _ in first]
