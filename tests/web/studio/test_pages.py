"""The studio's pages in a real browser: what a user does with them, light and dark, on a phone, by keyboard."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from mulligan.cli import main
from mulligan.data.opening import built_in
from mulligan.marks import inspected
from mulligan.runs import lock
from mulligan.runs.folder import Run, list_runs

WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
# Some half a minute of steps of a tiny network, with a report every second or so
LONG = (
    "latent.size=4 generator.network.widths=[16] discriminator.network.widths=[16] batch=16 machine.threads=1 machine.compile=off "
    "horizon=480000 keeping.reports=60"
)
PAGES = ("/", "/new", "/run/0001-modern-bars", "/explore/0001-modern-bars", "/explore", "/compare?run=0001-modern-bars&run=0002-again")
Opened = Callable[..., Page]


def loaded(page: Page, path: str) -> None:
    """Wait until a page has what it is for."""
    if path.startswith("/explore/"):
        expect(page.get_by_role("button", name="start from seed 11")).to_be_visible(timeout=20_000)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)


@pytest.mark.parametrize("path", PAGES)
def test_pages_keep_nobody_out(path: str, shared_studio: Any, opened: Opened, hindrances: Callable[[Page], list[str]]) -> None:
    page = opened(shared_studio, path)
    loaded(page, path)
    assert page.get_by_role("heading", level=1).count() == 1
    for scheme, size in (("light", WIDE), ("dark", WIDE), ("light", PHONE)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        page.wait_for_timeout(300)
        assert hindrances(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than its window"


def test_an_empty_studio_says_what_to_do(empty_studio: Any, opened: Opened, hindrances: Callable[[Page], list[str]]) -> None:
    page = opened(empty_studio)
    expect(page.get_by_role("heading", name="No run yet")).to_be_visible()
    expect(page.get_by_role("button", name="Train on digits for two minutes")).to_be_visible()
    assert hindrances(page) == []
    page.get_by_role("link", name="Explore").click()
    expect(page.get_by_text("train one first")).to_be_visible()
    page.goto(empty_studio.address + "/compare")
    expect(page.get_by_text("Choose two runs or more")).to_be_visible()
    page.goto(empty_studio.address + "/run/nothing")
    expect(page.get_by_text("There is no such run")).to_be_visible()


def test_a_training_is_started_watched_stopped_and_resumed(studio: Any, images: Path, opened: Opened) -> None:
    page = opened(studio, "/new")
    page.get_by_label("or your own").fill(str(images))
    page.get_by_role("combobox", name="Recipe").click()
    page.get_by_role("option", name="modern", exact=True).click()
    page.get_by_role("combobox", name="How long").click()
    page.get_by_role("option", name="as long as the recipe says").click()
    page.get_by_label("Further settings").fill("batch=nonsense")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("alert").get_by_text("batch: ")).to_be_visible(timeout=30_000)
    assert len(list_runs(studio.base)) == 2, "nothing is written for what cannot be trained"
    page.get_by_label("Further settings").fill(LONG)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**/run/0003-modern-bars-npz", timeout=30_000)
    expect(page.get_by_text("training", exact=True)).to_be_visible(timeout=30_000)
    first = page.get_by_alt_text(re.compile("samples at step"))
    expect(first).to_be_visible(timeout=30_000)
    shown = first.get_attribute("alt")
    expect(page.get_by_alt_text(str(shown), exact=True)).to_be_hidden(timeout=30_000)  # a newer one has come
    expect(page.get_by_role("img", name=re.compile("Losses, newest values"))).to_be_visible()
    other = opened(studio, "/run/0003-modern-bars-npz")  # the same run in another tab
    expect(other.get_by_text("training", exact=True)).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    for tab in (page, other):
        expect(tab.get_by_text("unfinished", exact=True)).to_be_visible(timeout=20_000)
    run = Run(studio.base / "0003-modern-bars-npz")
    stopped = run.checkpoint_steps()[-1]
    assert stopped > 0
    other.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("training", exact=True)).to_be_visible(timeout=20_000)
    assert f"from step {stopped:,}" in wait_for(lambda: run.log_file.read_text(), lambda text: text.count("from ") == 2)
    page.goto(studio.address)
    card = page.get_by_role("article").filter(has_text="0003-modern-bars-npz")
    expect(card.get_by_text("training", exact=True)).to_be_visible()
    lock.stop(run)


def wait_for(look: Callable[[], Any], enough: Callable[[Any], bool], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not enough(found := look()):
        assert time.monotonic() < end, f"still {found!r}"
        time.sleep(0.1)
    return found


def test_f43_a_training_from_elsewhere_and_one_that_dies(studio: Any, images: Path, opened: Opened) -> None:
    """The disk is the truth: what a command line trains is seen and stopped here, and what dies under the studio can be resumed."""
    path = studio.base / "0003-modern-bars-npz"
    words = [sys.executable, "-m", "mulligan", "train", str(images), "--recipe", "modern", "--run", str(path), *LONG.split()]
    page = opened(studio, "/")
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        page.get_by_role("link", name="0003-modern-bars-npz").click(timeout=30_000)
        expect(page.get_by_text("training", exact=True)).to_be_visible(timeout=20_000)
        wait_for(lambda: Run(path).checkpoint_steps(), lambda steps: len(steps) > 1)
        page.get_by_role("button", name="Stop").click()
        assert training.wait(timeout=60) == 75
    page.get_by_role("button", name="Resume").click(timeout=20_000)
    expect(page.get_by_text("training", exact=True)).to_be_visible(timeout=20_000)
    wait_for(lambda: lock.is_held(Run(path)), bool)
    os.kill(int(lock.holder(Run(path)).split()[1]), signal.SIGKILL)
    expect(page.get_by_text("unfinished", exact=True)).to_be_visible(timeout=20_000)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_f43_a_training_outlives_the_studio(studio: Any, images: Path, opened: Opened) -> None:
    page = opened(studio, "/new")
    page.get_by_label("or your own").fill(str(images))
    page.get_by_role("combobox", name="Recipe").click()
    page.get_by_role("option", name="modern", exact=True).click()
    page.get_by_label("Further settings").fill(LONG)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**/run/0003-modern-bars-npz", timeout=30_000)
    run = Run(studio.base / "0003-modern-bars-npz")
    wait_for(lambda: run.exists and lock.is_held(run), bool)
    page.goto("about:blank")
    studio.process.send_signal(signal.SIGINT)
    assert studio.process.wait(timeout=60) == 0
    before = len(run.checkpoint_steps())
    assert lock.is_held(run), "the training goes on"
    wait_for(lambda: run.sample_steps(), lambda steps: len(steps) > before)
    assert lock.stop(run)
    wait_for(lambda: lock.is_held(run), lambda held: not held)
    assert main(["resume", str(run.path), "--steps", str(run.checkpoint_steps()[-1] + 5)]) == 0


def test_a_run_that_is_removed_says_so(studio: Any, opened: Opened) -> None:
    page = opened(studio, "/run/0002-again")
    expect(page.get_by_text("finished", exact=True)).to_be_visible()
    assert main(["runs", "remove", str(studio.base / "0002-again"), "--yes"]) == 0
    expect(page.get_by_text("This run has been removed")).to_be_visible(timeout=30_000)


def test_runs_are_compared_at_the_same_images(shared_studio: Any, opened: Opened) -> None:
    page = opened(shared_studio)
    for name in ("0001-modern-bars", "0002-again"):
        page.get_by_label(f"compare {name}").click()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_alt_text("samples of 0001-modern-bars")).to_be_visible()
    expect(page.get_by_text("step 60, 960 images")).to_have_count(2)
    slider = page.get_by_role("slider", name="Images seen")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("step 0, 0 images")).to_have_count(2)


def test_settings_of_a_recipe_are_a_form(shared_studio: Any, images: Path, opened: Opened) -> None:
    page = opened(shared_studio, "/new")
    page.get_by_role("combobox", name="Data that come with Mulligan").click()
    assert page.get_by_role("option").all_inner_texts() == list(built_in())
    page.keyboard.press("Escape")
    page.get_by_label("or your own").fill(str(images))
    page.get_by_role("button", name="Show all settings").click()
    expect(page.get_by_label("generator.optimiser.rate")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Learning rate at the start of training.").first).to_be_visible()
    page.get_by_label("Further settings").fill(f"loss.name={images.parent}/mine.py:mine")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("alert").get_by_text("names code outside Mulligan")).to_be_visible(timeout=30_000)  # F33


def test_samples_over_time(shared_studio: Any, opened: Opened) -> None:
    page = opened(shared_studio, "/run/0001-modern-bars")
    expect(page.get_by_alt_text("samples at step 60")).to_be_visible()
    page.get_by_role("slider", name="Samples over time").focus()
    page.keyboard.press("Home")
    expect(page.get_by_alt_text("samples at step 0")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("What D says"))).to_be_visible()
    expect(page.get_by_label("Log", exact=True)).to_contain_text("finished at step 60")


def test_the_explorer(shared_studio: Any, images: Path, opened: Opened, tmp_path: Path) -> None:
    page = opened(shared_studio, "/explore/0001-modern-bars")
    loaded(page, "/explore/")
    sample = page.locator(".one img").first
    first = sample.get_attribute("src")
    page.get_by_role("slider", name="direction 1").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_text("seed0, moved (synthetic)")).to_be_visible()
    page.wait_for_function("before => document.querySelector('.one img').src !== before", arg=first)
    page.get_by_role("button", name="Back to the middle").click()
    page.wait_for_function("before => document.querySelector('.one img').src === before", arg=first)
    pad = page.locator(".pad")
    box = pad.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.1, steps=5)
    page.mouse.up()
    page.wait_for_function("before => document.querySelector('.one img').src !== before", arg=first)
    page.get_by_role("button", name="Pick for a walk").click()
    page.get_by_role("button", name="start from seed 3").click()
    expect(page.get_by_text("seed3 (synthetic)")).to_be_visible()
    page.get_by_role("button", name="Pick for a walk").click()
    expect(page.get_by_alt_text("a walk through the picked samples")).to_be_visible()
    page.get_by_role("button", name="Nearest training sample").click()
    expect(page.get_by_text(re.compile(r"at \d+\.\d\d of the usual distance"))).to_be_visible(timeout=20_000)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert saved.name.endswith("-seed3.png")
    told = inspected(saved)
    assert told is not None
    assert (told["synthetic"], told["seed"]) == (True, 3)
    page.get_by_role("switch", name=re.compile("Truncation")).click()
    expect(page.get_by_text("seed3, moved (synthetic)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith("-seed3-moved.png")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("seed4, moved (synthetic)")).to_be_visible()


def test_a_picture_and_its_latent(shared_studio: Any, opened: Opened, tmp_path: Path) -> None:
    picture = tmp_path / "given.png"
    assert main(["sample", str(shared_studio.base / "0001-modern-bars"), "--n", "1", "--seed", "9", "--to", str(picture)]) == 0
    page = opened(shared_studio, "/explore/0001-modern-bars")
    loaded(page, "/explore/")
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_text(re.compile(r"The nearest sample differs by \d"))).to_be_visible(timeout=30_000)
    expect(page.get_by_text("picture (synthetic)")).to_be_visible()
    for name, content in {"broken.png": b"no picture", "bomb.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 100}.items():
        (tmp_path / name).write_bytes(content)
        page.locator("input[type=file]").set_input_files(tmp_path / name)
        expect(page.get_by_text("That picture was not taken.")).to_be_visible(timeout=30_000)
        page.get_by_role("button", name="Close").first.click()
