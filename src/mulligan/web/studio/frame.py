"""What every page of the studio has: its header with the way to the others, its colours, and how errors are told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from urllib.parse import quote

from nicegui import ui

from mulligan.errors import MulliganError

TITLE = "Mulligan studio"
PLACES = {"Runs": "/", "New training": "/new", "Explore": "/explore", "Lab": "/lab"}


@contextmanager
def frame(heading: str, place: str = "") -> Iterator[None]:
    """The page around what is made inside. place: which of PLACES it is, where it is one."""
    ui.page_title(f"{heading} - {TITLE}")
    ui.add_head_html('<link rel="stylesheet" href="/studio.css">')
    with ui.header().classes("bar"), ui.element("nav").props('aria-label="Studio"').classes("places"):
        ui.link("Mulligan", "/").classes("brand")
        for name, target in PLACES.items():
            link = ui.link(name, target)
            if name == place:
                link.props('aria-current="page"')
    with ui.element("div").classes("page"):
        title(heading, 1)
        yield


def title(text: str, level: int = 2) -> ui.html:
    """A heading."""
    made = ui.html(tag=f"h{level}")
    made.set_content(escape(text))
    return made


def paragraph(text: str, classes: str = "") -> ui.html:
    """A paragraph of plain text; `say` changes it."""
    return ui.html(escape(text), tag="p").classes(classes)


def say(place: ui.html, text: str) -> None:
    """Change the text of a heading or a paragraph."""
    place.set_content(escape(text))


def button(text: str, work: Callable[..., object] | None = None, quiet: bool = False) -> ui.button:
    """A button; quiet: one of several, beside the one that is meant most often."""
    return ui.button(text, on_click=work, color=None).props("unelevated").classes("quiet-button" if quiet else "main-button")


def where(*parts: object) -> str:
    """The address of a page or a picture; a part may hold any character.

    >>> where("run", "0001 <b>")
    '/run/0001%20%3Cb%3E'
    """
    return "/" + "/".join(quote(str(part), safe="") for part in parts)


def picture(alt: str, address: str) -> str:
    """A picture as HTML, for an element that does not sanitize: alt may hold any character. address: of `where`, or data."""
    return f'<img loading="lazy" alt="{escape(alt)}" src="{escape(address)}">'


def complain(trouble: MulliganError | str) -> None:
    """Show what went wrong until it is closed."""
    ui.notify(str(trouble), type="negative", timeout=0, close_button="Close", multi_line=True)
