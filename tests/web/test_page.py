"""The page in a real browser: Debian's Chromium, without a screen."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from mulligan.sampling.model import Model

PHONE = {"width": 360, "height": 640}
SIZES = {"desk": {"width": 1000, "height": 800}, "phone": {"width": 390, "height": 844}}
SERVER = """
import sys
import numpy as np
from mulligan.sampling.model import Model
from mulligan.web.serving import serve

real = np.load(sys.argv[2])["images"]
serve(Model.load(sys.argv[1]), port=0, real=real, ready=lambda address: print(address, flush=True))
"""


@pytest.fixture
def address(conditional: Model, tmp_path: Path) -> Iterator[str]:
    """A server in a process of its own."""
    folder = conditional.save(tmp_path / "model")
    np.savez(tmp_path / "real.npz", images=np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    words = [sys.executable, "-c", SERVER, str(folder), str(tmp_path / "real.npz")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that may ask this server alone, and whose console stays silent."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    page = context.new_page()
    strange: list[str] = []
    page.on("console", lambda message: strange.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.on("request", lambda request: strange.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None)
    page.goto(address)
    expect(page.locator("#link")).to_contain_text("seed")
    yield page
    context.close()
    assert strange == []


def seed(page: Page) -> str:
    found = re.search(r"seed=(\d+)", page.url)
    assert found is not None
    return found[1]


def shown(page: Page) -> str | None:
    return page.locator("#sample").get_attribute("alt")


def test_space_click_and_back(page: Page, address: str) -> None:
    first = seed(page)
    page.keyboard.press("Space")
    page.wait_for_function(f"!location.search.includes('seed={first}')")
    second = seed(page)
    page.locator("#next").click()
    page.wait_for_function(f"!location.search.includes('seed={second}')")
    page.locator("#back").click()
    page.wait_for_function(f"location.search.includes('seed={second}')")
    expect(page.locator("#sample")).to_have_attribute("alt", f"Synthetic sample of seed {second}")
    page.goto(f"{address}?seed=12&label=Bag")  # a link by seed and class
    expect(page.locator("#sample")).to_have_attribute("alt", "Synthetic sample of seed 12, class Bag")
    assert page.locator("#label").input_value() == "Bag"
    assert page.evaluate("document.getElementById('sample').naturalWidth") == 8


def test_a_class_is_chosen(page: Page) -> None:
    now = seed(page)
    page.locator("#label").select_option("Ankle boot")
    expect(page.locator("#sample")).to_have_attribute("alt", f"Synthetic sample of seed {now}, class Ankle boot")
    assert page.evaluate("[...document.querySelectorAll('#label option')].map(option => option.value)") == ["", "Coat", "Bag", "Ankle boot"]


def test_which_one_is_real_with_the_keyboard_alone(page: Page) -> None:
    page.locator("#guess").focus()
    page.keyboard.press("Enter")
    for place in range(1, 11):
        expect(page.locator("#question")).to_contain_text(f"{place} of 10")
        page.keyboard.press("Enter")  # the first picture has the focus
        expect(page.locator("#score")).to_contain_text(f"of {place}")
    expect(page.locator("#question")).to_contain_text("of 10 right")
    assert out_of_reach(page) == []
    page.keyboard.press("Enter")  # another round
    expect(page.locator("#question")).to_contain_text("1 of 10")


def test_a_phone(browser: Browser, address: str) -> None:
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=PHONE, has_touch=True, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#link")).to_contain_text("seed")
        first = shown(page)
        page.locator("#next").tap()
        page.wait_for_function(f"document.getElementById('sample').alt !== {first!r}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        if "MULLIGAN_TEST_PICTURES" in os.environ:
            page.screenshot(path=f"{os.environ['MULLIGAN_TEST_PICTURES']}/page-{scheme}.png")
        context.close()


def out_of_reach(page: Page) -> list[str]:
    """What axe-core finds that keeps people out, with the elements: WCAG 2.2 at levels A and AA, and what it calls best practice."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']} ({each['impact']}): {[node['html'] for node in each['nodes']]}" for each in found]


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(scheme: str, size: str, browser: Browser, address: str) -> None:
    """By contrast, by names of what can be pressed, by its size: a sample, a pair, an answer, an error."""
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#link")).to_contain_text("seed")
    assert out_of_reach(page) == []
    page.locator("#guess").click()
    expect(page.locator("#question")).to_contain_text("1 of 10")
    assert out_of_reach(page) == []
    page.locator("#pair button").first.click()
    expect(page.locator("#score")).to_contain_text("of 1")
    assert out_of_reach(page) == []
    page.route("**/api/sample*", lambda route: route.fulfill(status=422, json={"detail": "label Shoe: no such class"}))
    page.locator("#look").click()
    page.locator("#next").click()
    expect(page.locator("#error")).to_contain_text("no such class")
    assert out_of_reach(page) == []
    context.close()


def test_axe_sees_what_is_wrong(page: Page) -> None:
    """Else the test above would prove nothing."""
    page.evaluate("document.getElementById('sample').removeAttribute('alt'); document.body.style.setProperty('--quiet', '#cccccc')")
    assert {line.partition(" ")[0] for line in out_of_reach(page)} >= {"color-contrast", "image-alt"}


def test_all_of_it_is_reached_with_the_keyboard(page: Page) -> None:
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == ["look", "guess", "next", "back", "label", "link", "save"]
    page.locator("#next").focus()
    now = seed(page)
    page.keyboard.press("Enter")
    page.wait_for_function(f"!location.search.includes('seed={now}')")
    assert page.evaluate("document.activeElement.id") == "next"  # and so one goes on pressing
