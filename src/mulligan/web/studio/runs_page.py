"""Runs: all of them, with their newest samples, verdict, figures and speed."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from nicegui import run as aside
from nicegui import ui

from mulligan.amounts import say_count, say_seconds
from mulligan.errors import MulliganError
from mulligan.runs.summary import IN_USE
from mulligan.web.studio.frame import button, complain, frame, paragraph, picture, say, title, where
from mulligan.web.studio.jobs import Jobs
from mulligan.web.studio.watching import Card, Cards

EVERY = 2.0  # seconds between two looks at the folder
FIRST = ("digits", "fast", "2m")  # data, recipe and time of the training that an empty studio offers


async def runs_page(jobs: Jobs) -> None:
    """All runs, kept up to date."""
    with frame("Runs", "Runs"):
        listing = _Listing(jobs)
        await listing.refresh()
        ui.timer(EVERY, listing.refresh, immediate=False)


class _Listing:
    """The cards on the page; a card that is there is changed and not made anew, so that the keyboard stays where it is."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.cards = Cards(jobs.base)
        self.shown: dict[str, _Shown] = {}
        self.chosen: set[str] = set()
        self.told = set(jobs.failures())
        with ui.row().classes("actions"):
            button("New training", lambda: ui.navigate.to("/new"))
            self.compare = button("Compare", self._compare, quiet=True)
            self.compare.set_enabled(False)
            self.hint = paragraph("Choose two runs or more to see them side by side.", "quiet")
        self.empty = ui.element("section").classes("empty")
        with self.empty:
            title("No run yet")
            paragraph(
                "A run is one training: its settings, pictures on the way, figures and the model. Train your first on handwritten digits; "
                "in two minutes there is something to see."
            )
            button("Train on digits for two minutes", self._first)
            paragraph("Or choose your own pictures under New training, or watch a GAN learn points in the Lab.", "quiet")
        self.grid = ui.element("section").classes("cards").props('aria-label="All runs"')

    async def refresh(self) -> None:
        """Read the folder, and show what has changed."""
        failures = self.jobs.failures()
        for name in failures.keys() - self.told:
            complain(f"{name} ended: {failures[name]}")
        self.told = set(failures)
        found = await aside.io_bound(self.cards.newest_first)
        if found is None:  # the server ends
            return
        names = [card.told["name"] for card in found]
        self.empty.set_visibility(not found)
        self.compare.set_visibility(len(found) > 1)
        self.hint.set_visibility(len(found) > 1)
        for gone in [name for name in self.shown if name not in names]:
            self.shown.pop(gone).frame.delete()
            self.chosen.discard(gone)
        for place, card in enumerate(found):
            name = card.told["name"]
            if name not in self.shown:
                with self.grid:
                    self.shown[name] = _Shown(name, self._choose)
                self.shown[name].frame.move(target_index=place)
            self.shown[name].update(card)

    def _choose(self, name: str, chosen: bool) -> None:
        (self.chosen.add if chosen else self.chosen.discard)(name)
        self.compare.set_enabled(len(self.chosen) > 1)

    def _compare(self) -> None:
        ui.navigate.to("/compare?" + urlencode([("run", name) for name in sorted(self.chosen)]))

    async def _first(self) -> None:
        data, recipe, time = FIRST
        try:
            started = await aside.io_bound(self.jobs.train, data, recipe, (), time)
        except MulliganError as error:
            complain(error)
            return
        if started is not None:
            ui.navigate.to(where("run", started.name))


class _Shown:
    """One card."""

    def __init__(self, name: str, choose: Any) -> None:
        self.name = name
        self.card: Card | None = None
        with ui.element("article").classes("card") as self.frame:
            with ui.link(target=where("run", name)).classes("picture").props('tabindex="-1" aria-hidden="true"'):
                self.picture = ui.html("", sanitize=False)
            with ui.element("div").classes("facts"):
                with ui.element("h2"):
                    ui.link(name, where("run", name))
                with ui.row().classes("badges"):
                    self.status = ui.label().classes("badge")
                    self.verdict = ui.label().classes("badge")
                self.about = paragraph("")
                self.figures = paragraph("", "quiet")
                box = ui.checkbox("compare", on_change=lambda event: choose(name, bool(event.value)))
                box.props["aria-label"] = f"compare {name}"

    def update(self, card: Card) -> None:
        """Show what is known of the run now."""
        if card == self.card:
            return
        self.card = card
        told = card.told
        self.picture.set_content(
            picture("", where("runs", self.name, "samples", f"{card.shown}.png"))
            if card.shown is not None
            else "<span>no picture yet</span>"
        )
        working = told["status"] == IN_USE
        self.status.set_text("training" if working else told["status"])
        self.status.classes(replace="badge " + ("working" if working else "plain"))
        self.verdict.set_text(card.verdict)
        self.verdict.classes(replace=f"badge {verdict_colour(card.verdict)}")
        say(self.about, f"{told['recipe'] or '?'} on {Path(told['data'] or '?').name}")
        say(self.figures, figures(card))


def figures(card: Card) -> str:
    """How far, how long, how fast and how good, in one line."""
    told = card.told
    parts = [f"{told['step'] or 0:,} steps", f"{say_count(told['images'] or 0)} images", say_seconds(told["seconds"] or 0)]
    if card.speed:
        parts.append(f"{card.speed:,.0f} images a second")
    if told["distance"] is not None:
        floor = "" if told["floor"] is None else f" (real data {told['floor']:.3g})"
        parts.append(f"distance {told['distance']:.3g}{floor}")
    return ", ".join(parts)


def verdict_colour(verdict: str) -> str:
    """The class of a verdict's badge."""
    return {"healthy": "good", "warming-up": "plain"}.get(verdict, "bad")
