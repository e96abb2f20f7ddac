"""`mulligan serve` as a process: it tells its address, answers at once, and ends when it is told to."""

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mulligan.cli import main
from mulligan.sampling.model import Model
from mulligan.sampling.onnx_export import write_onnx
from mulligan.web.serving import hosts, serve


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_comes_and_goes(number: int, conditional: Model, tmp_path: Path) -> None:
    if number == signal.SIGINT:
        which = tmp_path / "model.onnx"
        write_onnx(conditional, which)
    else:
        which = conditional.save(tmp_path / "model")
    words = [sys.executable, "-m", "mulligan", "serve", str(which), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[0]
            with urllib.request.urlopen(f"{address}api/sample?seed=3&label=Bag", timeout=30) as answer:
                assert answer.read().startswith(b"\x89PNG")
        finally:
            server.send_signal(number)
        _, told = server.communicate(timeout=30)
    assert (server.returncode, told) == (0, "")


def test_a_port_that_is_taken(conditional: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = conditional.save(tmp_path / "model")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", str(folder), "--port", str(port)]) == 2
    assert f"127.0.0.1:{port} cannot be listened on" in capsys.readouterr().err


def test_names_that_a_server_answers_to() -> None:
    assert hosts("127.0.0.1", 80, ["gan.example.org"])[-1] == "gan.example.org"
    assert "gan.example.org:8000" in hosts("0.0.0.0", 8000, ["gan.example.org"])
    assert "[fe80::1]:8000" in hosts("fe80::1", 8000)
    assert "192.0.2.7:8000" in hosts("192.0.2.7", 8000)
    assert not any(name.startswith("0.0.0.0") for name in hosts("0.0.0.0", 8000))


def test_serving_needs_packages(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from mulligan.cli import serve as verb

    assert callable(serve)
    monkeypatch.setattr(verb, "find_spec", lambda name: None)
    assert main(["serve", "anything"]) == 2
    assert 'pip install "mulligan[web]"' in capsys.readouterr().err
