"""The lab in a real browser: Debian's Chromium, without a screen."""

import re
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from playwright.sync_api import Page, expect

PHONE = {"width": 390, "height": 844}
LETS_GO = 40.0  # seconds after which a page that is closed has ended what it did


@pytest.fixture
def page(shared_studio: Any, opened: Callable[..., Page]) -> Page:
    """A lab that is ready."""
    page = opened(shared_studio, "/lab", viewport={"width": 1280, "height": 900})
    expect(status(page)).to_have_text("Paused after 0 steps. The space bar plays.", timeout=30_000)
    return page


def status(page: Page):
    return page.locator(".lab-status")


def paused_after(page: Page) -> int:
    expect(status(page)).to_contain_text("Paused after")
    found = re.search(r"Paused after ([\d,]+) steps", status(page).inner_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def ink(page: Page) -> str:
    """What the plane looks like."""
    found: str = page.locator(".lab-plane canvas").evaluate("canvas => canvas.toDataURL()")
    return found


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_it_plays_and_pauses_by_button_and_by_space(page: Page) -> None:
    before = ink(page)
    expect(page.locator(".lab-said")).to_contain_text("Press Play")
    page.keyboard.press("Space")
    expect(button(page, "Pause")).to_be_visible()
    expect(page.locator(".lab-said")).to_contain_text("Arrows")
    page.keyboard.press("Space")
    first = paused_after(page)
    assert first > 0
    assert ink(page) != before
    time.sleep(0.5)
    assert paused_after(page) == first  # nothing goes on behind it
    button(page, "Play").click()
    page.wait_for_timeout(500)
    button(page, "Pause").click()
    expect(button(page, "Play")).to_be_visible()
    assert paused_after(page) > first
    assert page.evaluate("scrollY") == 0  # space scrolls nothing


def test_single_steps_of_each_side(page: Page) -> None:
    button(page, "One step of D only").click()
    expect(status(page)).to_contain_text("Paused after 1 step")
    expect(page.locator(".lab-said")).to_contain_text("Only D moved")
    button(page, "One step of G only").click()
    expect(page.locator(".lab-said")).to_contain_text("Only G moved")
    button(page, "One step of both").focus()
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Paused after 3 steps")
    expect(page.get_by_role("img", name="Losses at step 3")).to_be_visible()
    expect(page.get_by_role("img", name="400 real points and 400 samples in the plane after 3 steps")).to_be_visible()


def test_slow_motion(page: Page) -> None:
    speed = page.get_by_role("slider", name="Speed")
    speed.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".lab-pace")).to_contain_text("1 step a second")
    expect(speed).to_have_attribute("aria-valuetext", "1 step a second")
    button(page, "Play").click()
    page.wait_for_timeout(2300)
    button(page, "Pause").click()
    assert 1 <= paused_after(page) <= 5


def test_a_loss_and_a_rate_change_while_it_runs(page: Page) -> None:
    button(page, "Play").click()
    expect(page.locator(".lab-said")).to_contain_text("Arrows")
    choose(page, "Loss", "hinge")
    choose(page, "Penalty on D", "one-centred")
    expect(page.locator(".lab-form").first).to_contain_text("Weight of the penalty1")
    page.get_by_role("slider", name="Learning rate of G").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_label("Updates of D in a step").fill("3")
    page.wait_for_timeout(1000)
    button(page, "Pause").click()
    steps = paused_after(page)
    assert steps > 5
    expect(page.locator(".lab-legend")).not_to_contain_text("border, 0.5")  # only differences of scores mean something now
    page.get_by_text("Networks and seed").click()
    page.get_by_label("Seed", exact=True).fill("7")
    expect(status(page)).to_have_text("Begun anew, as seed changed.")


def test_a_setting_that_cannot_be_is_told(page: Page) -> None:
    page.get_by_label("Updates of G in a step").fill("99")
    expect(status(page)).to_contain_text("less than or equal to 20")
    page.get_by_label("Updates of G in a step").fill("2")
    button(page, "One step of both").click()
    expect(status(page)).to_contain_text("Paused after 1 step")


def test_points_are_drawn_by_mouse(page: Page) -> None:
    choose(page, "Points", "Draw my own ...")
    expect(status(page)).to_contain_text("Draw the points")
    button(page, "Use these").click()
    expect(status(page)).to_contain_text("Nothing has been drawn yet")
    box = page.locator(".lab-plane canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    expect(status(page)).to_have_text(re.compile(r"^\d\d+ points\."))
    button(page, "Clear").click()
    expect(status(page)).to_contain_text("Draw the points")
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    expect(status(page)).to_contain_text("8 points")
    button(page, "Use these").click()
    expect(status(page)).to_have_text("Begun anew, as points changed.")
    expect(page.get_by_role("img", name="8 real points and 400 samples")).to_be_visible()
    button(page, "Draw again").click()
    expect(status(page)).to_contain_text("Draw the points")
    button(page, "Cancel").click()
    button(page, "One step of both").click()
    expect(status(page)).to_contain_text("Paused after 1 step")


def test_drawing_can_be_left_and_a_built_in_set_chosen_by_keyboard(page: Page) -> None:
    choose(page, "Points", "Draw my own ...")
    button(page, "Cancel").click()
    expect(button(page, "Play")).to_be_visible()
    points = page.get_by_label("Points", exact=True)
    expect(points).to_have_value("Ring")
    points.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("Begun anew, as points changed.")


def test_layers_can_be_left_out(page: Page) -> None:
    for layer in ("D's landscape", "G's grid", "Pushes on samples"):
        before = ink(page)
        page.get_by_role("switch", name=layer).click()
        page.wait_for_timeout(300)
        assert ink(page) != before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE])
def test_it_is_accessible_and_fits(page: Page, scheme: str, size: dict[str, int], hindrances: Callable[[Page], list[str]]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    button(page, "One step of both").click()
    expect(status(page)).to_contain_text("Paused after 1 step")
    page.get_by_text("Networks and seed").click()
    expect(page.get_by_label("Seed", exact=True)).to_be_visible()
    page.wait_for_timeout(500)  # until it has unfolded
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert hindrances(page) == []


def test_touch_draws_too(shared_studio: Any, opened: Callable[..., Page]) -> None:
    page = opened(shared_studio, "/lab", viewport=PHONE, has_touch=True, is_mobile=True)
    expect(status(page)).to_have_text("Paused after 0 steps. The space bar plays.", timeout=30_000)
    choose(page, "Points", "Draw my own ...")
    page.locator(".lab-plane canvas").tap()
    expect(status(page)).to_contain_text("8 points")


def test_its_thread_ends_with_the_tab(studio: Any, opened: Callable[..., Page]) -> None:
    threads = psutil.Process(studio.process.pid).num_threads
    page = opened(studio, "/lab")
    expect(status(page)).to_contain_text("Paused after 0 steps", timeout=30_000)
    button(page, "Play").click()
    page.wait_for_timeout(500)
    before = threads()
    page.goto("about:blank")
    end = time.monotonic() + LETS_GO
    while threads() >= before:
        assert time.monotonic() < end, "the lab of a closed tab still stands"
        time.sleep(0.25)
