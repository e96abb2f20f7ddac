"""The script behind docs/footprint.md."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "footprint.py"


@pytest.fixture
def footprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    specification = importlib.util.spec_from_file_location("benchmark_footprint", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    page = tmp_path / "footprint.md"
    page.write_text("before\n<!-- footprint -->\nold\n<!-- /footprint -->\nbehind\n")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "footprint.json")
    monkeypatch.setattr(module, "PAGE", page)
    return module


def test_table_says_what_was_reached(footprint: ModuleType) -> None:
    mebi = 2**20
    found = {
        "training": {
            "all": {"torch": 100 * mebi, "modules": 120 * mebi, "training": 200 * mebi},
            "own": {"torch": 60 * mebi, "modules": 70 * mebi, "training": 140 * mebi},
            "gradients": 20 * mebi,
            "needed": {"weights and moments": 40 * mebi, "data": 30 * mebi, "activations": 5 * mebi},
        },
        "starting 100": {"cold": 9.0, "warm": [2.0, 2.5, 9.0], "own": 50 * mebi},
        "starting 1000": {"cold": 31.0, "warm": [2.0, 2.9, 9.0], "own": 51 * mebi},
        "sampling": [{"first": 1.5, "many": 0.5}, {"first": 2.5, "many": 0.7}],
        "data": "digits",
        "images": 1000,
        "processor": "a processor",
        "cores": 2,
        "version": "1",
        "date": "2026-01-01",
    }
    lines = footprint.table(found).splitlines()
    told = "100.0 MiB: 1.33 times; 1.07 without code and other files in memory (modules of Python 10.0 MiB, gradients 20.0 MiB) | missed |"
    assert told in lines[2]
    assert [line.rsplit("|", 2)[1].strip() for line in lines[3:8]] == ["missed", "reached", "reached", "reached", "reached"]
    footprint.publish(found)
    page = footprint.PAGE.read_text()
    assert page.startswith("before\n<!-- footprint -->\n| |")
    assert page.endswith("<!-- /footprint -->\nbehind\n")


@pytest.mark.slow  # nine processes that train or sample
def test_everything_is_measured(footprint: ModuleType, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("memory is read from /proc")
    found = footprint.measure(tmp_path, images=2000, times=1, data="digits")
    training = found["training"]
    for which in ("all", "own"):
        assert 0 < training[which]["torch"] < training[which]["modules"] < training[which]["training"]
    assert set(found["starting 2000"]) == set(found["starting 200"]) == {"cold", "warm", "own"}
    assert found["sampling"][0]["many"] > 0
    assert len(footprint.table(found).splitlines()) == 10
