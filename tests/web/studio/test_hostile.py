"""F33 to F35 for the studio: runs that somebody else has made lie in its folder, and their pages are opened."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from mulligan.runs.folder import Run

Opened = Callable[..., Page]


def edited(run: Run, **changes: Any) -> None:
    recipe = json.loads(run.recipe_file.read_text())
    run.recipe_file.write_text(json.dumps(recipe | changes))


def test_f33_a_run_that_names_code(studio: Any, opened: Opened, tmp_path: Path) -> None:
    """No page runs it, and a training that is resumed refuses it."""
    ran = tmp_path / "ran"
    code = tmp_path / "mine.py"
    code.write_text(f"open({str(ran)!r}, 'w')\n")
    edited(Run(studio.base / "0001-modern-bars"), task=f"{code}:mine", loss={"name": f"{code}:mine", "smoothing": 0.0})
    (studio.base / "0001-modern-bars" / "status.json").write_text('{"status": "unfinished"}')
    (studio.base / "0001-modern-bars" / "facts.json").unlink()  # so that its model has to be made again
    page = opened(studio, "/explore/0001-modern-bars")
    expect(page.get_by_text("names code outside Mulligan")).to_be_visible(timeout=20_000)
    page.goto(studio.address + "/run/0001-modern-bars")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("alert").get_by_text("names code outside Mulligan")).to_be_visible(timeout=30_000)
    page.goto(studio.address)
    expect(page.get_by_role("link", name="0001-modern-bars", exact=True)).to_be_visible()
    assert not ran.exists()


def test_f34_weights_that_lie(studio: Any, opened: Opened) -> None:
    weights = studio.base / "0001-modern-bars" / "model" / "weights.safetensors"
    weights.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    page = opened(studio, "/explore/0001-modern-bars")
    expect(page.get_by_text("weights.safetensors")).to_be_visible(timeout=20_000)
    page.goto(studio.address + "/explore/0002-again")
    expect(page.get_by_role("button", name="start from seed 11")).to_be_visible(timeout=20_000)


def test_f35_json_that_lies_and_names_that_are_html(studio: Any, opened: Opened) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    for name, file, text in (
        ("0003-deep", "recipe.json", deep),
        ("0004-huge", "recipe.json", '{"horizon": 1e999, "name": ' + "9" * 5000 + "}"),
        ("0005-words", "recipe.json", '{"name": ["<img src=x onerror=alert(1)>"], "data": {"source": "../../../etc/passwd"}}'),
        ("0006-<img src=x onerror=alert(1)>\"'", "recipe.json", "{}"),
        ("0007-history", "recipe.json", "{}"),
        ("0008-figures", "recipe.json", "{}"),
    ):
        (studio.base / name).mkdir()
        (studio.base / name / file).write_text(text)
    (studio.base / "0007-history" / "history.jsonl").write_text('{"step": 1, "images": 1}\n' + deep + "\n")
    (studio.base / "0008-figures" / "history.jsonl").write_text(
        '{"step": "<b>", "images": "many"}\n'
        '{"step": 1, "images": 2, "seconds": [1], "distance": {"a": 1}, "progress": "x", "discriminator.loss": "<b>"}\n'
    )
    (studio.base / "0001-modern-bars" / "facts.json").write_text(deep)
    page = opened(studio)
    expect(page.get_by_role("article")).to_have_count(8)
    expect(page.get_by_text("broken", exact=False).first).to_be_visible()
    for name in [path.name for path in studio.base.iterdir()]:
        page.goto(studio.address)
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.goto(studio.address + "/explore/0003-deep")
    expect(page.get_by_text("has no model to explore")).to_be_visible()
