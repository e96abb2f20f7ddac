"""Pictures of the studio's pages for README and docs: the studio is started on a folder of runs and opened in Debian's Chromium.

    .venv/bin/python dev/screenshots.py RUNS RUN [--to docs/pictures]

RUN: the run whose pages are shown. The Lab trains for some seconds before it is taken. `--all` takes every page whole, light and dark, wide
and on a phone, to look at.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDE, PHONE = {"width": 1200, "height": 800}, {"width": 390, "height": 844}
PATIENCE = 4000  # milliseconds in which a page shows what it has
LEARNING = 40_000  # milliseconds that the Lab trains


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("run")
    parser.add_argument("--to", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "mulligan", "studio", str(given.runs), "--no-browser"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as studio, sync_playwright() as playwright:
        assert studio.stdout is not None
        link = studio.stdout.readline().split()[0]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        pages = {"runs": "/", "run": f"/run/{given.run}", "explore": f"/explore/{given.run}", "lab": "/lab"}
        if given.all:
            names = [path.name for path in sorted(given.runs.iterdir()) if not path.name.startswith(".")]
            pages |= {"new": "/new", "compare": "/compare?" + "&".join(f"run={name}" for name in names[:2]), "choose": "/explore"}
        ways = [("light", WIDE), ("dark", WIDE), ("light", PHONE), ("dark", PHONE)] if given.all else [("light", WIDE)]
        for scheme, size in ways:
            for name, path in pages.items():
                ending = f"-{scheme}-{size['width']}" if given.all else ""
                take(browser, link, path, given.to / f"studio-{name}{ending}.png", scheme, size, given.all)
        browser.close()
        studio.terminate()


def take(browser: Browser, link: str, path: str, to: Path, scheme: str, size: dict[str, int], whole: bool) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    address = link.partition("?")[0].rstrip("/")
    page.goto(link)
    page.wait_for_url(f"{address}/")
    page.goto(address + path)
    page.wait_for_timeout(PATIENCE)
    if path == "/lab":
        learn(page)
    page.screenshot(path=to, full_page=whole)
    context.close()
    print(to)


def learn(page: Page) -> None:
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_timeout(LEARNING)


if __name__ == "__main__":
    main()
