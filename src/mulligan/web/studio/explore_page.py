"""Explore: what lies in the latent space of a run: sliders, a map to drag over, and what `explore_parts` adds."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from nicegui import Client, ui
from nicegui import run as aside

from mulligan.errors import MulliganError
from mulligan.runs.folder import list_runs
from mulligan.web.pictures import link
from mulligan.web.studio.explore_parts import Cancelled, Gallery, Inversion, Nearest, Walk
from mulligan.web.studio.exploring import REACH, SIDE, Explorer, Place
from mulligan.web.studio.frame import button, complain, frame, paragraph, picture, say, where
from mulligan.web.studio.jobs import Jobs
from mulligan.web.studio.pad import Pad
from mulligan.web.studio.slider import Slider
from mulligan.web.studio.watching import find_run
from mulligan.web.worker import Busy, Late, Worker

LARGEST_SEED = 2**53 - 1  # beyond, a browser does not know a number exactly
PATIENCE = 600.0  # seconds that a large model may take to find a picture's latent

_MAP = "Drag over the map: right and up are the two directions along which samples of this model change most."
_PLANE = "Drag: right and up are the two directions along which samples change most. The plot shows what lies half a deviation around."


async def explore_page(jobs: Jobs, name: str) -> None:
    """The latent space of a run; without one, a choice of those that have a model."""
    with frame(f"Explore {name}" if name else "Explore", "Explore"):
        run = find_run(jobs.base, name) if name else None
        if run is None or not run.checkpoint_steps():
            _choose(jobs, name)
            return
        waiting = paragraph("Opening its newest model ...").props('role="status"')
        await ui.context.client.connected()
        try:
            explorer = await aside.io_bound(Explorer, run)
        except MulliganError as error:
            say(waiting, str(error))
            return
        if explorer is not None and ui.context.client.id in Client.instances:  # else the tab was closed meanwhile
            waiting.delete()
            await _Explored(explorer).begin()


def _choose(jobs: Jobs, name: str) -> None:
    runs = [run.name for run in reversed(list_runs(jobs.base)) if run.checkpoint_steps()]
    if name:
        paragraph(f"{name} has no model to explore.")
    if not runs:
        paragraph("Here you walk through what a generator has learnt. There is no trained run yet: train one first.")
        button("New training", lambda: ui.navigate.to("/new"))
        return
    paragraph("Which run?")
    with ui.element("ul").classes("choices"):
        for known in runs:
            with ui.element("li"):
                ui.link(known, where("explore", known))


class _Explored:
    """The page of one model. Whatever the model makes is made by one thread; while a slider moves, only the newest place is drawn."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer, self.model = explorer, explorer.model
        self.worker = Worker(explorer.model, deadline=PATIENCE)
        ui.context.client.on_delete(partial(asyncio.to_thread, self.worker.close))
        self.place: Place = explorer.start(0)
        self.drawing, self.again, self.setting = False, False, False
        self.chosen: int | None = None  # class that was chosen; a seed has its own otherwise
        self.mapped: Place | None = None  # what the map is around
        with ui.element("section").classes("explorer"):
            with ui.element("div"):
                self.sample = ui.html(sanitize=False).classes("one" if explorer.is_image else "one plot")
                self.about = paragraph("", "quiet").props('role="status"')
                with ui.row().classes("actions"):
                    button("Next", self._next)
                    button("Download", self._download, quiet=True)
                    picking = button("Pick for a walk", quiet=True)
                    searching = button("Nearest training sample", quiet=True)
                self.nearest = Nearest(explorer, self.work)
                searching.on_click(lambda: self.nearest.show(self.place))
                searching.set_visibility(explorer.has_originals)
            with ui.element("div"):
                self.pad = Pad("Moves the sample along its first two directions; arrow keys too", SIDE, self._drag)
                paragraph(_MAP if explorer.is_image else _PLANE, "quiet")
            with ui.element("div").classes("controls"):
                self._make_controls()
        self.gallery = Gallery(explorer, self.work, self.go) if explorer.is_image else None
        walk = Walk(explorer, self.work)
        picking.on_click(lambda: walk.pick(self.place))
        if explorer.is_image:
            Inversion(explorer, self.work, self.go)

    def _make_controls(self) -> None:
        self.seed = ui.number("Seed", value=0, min=0, max=LARGEST_SEED, precision=0, on_change=self._sow)
        if self.model.classes:
            self.label = ui.select(dict(enumerate(self.model.classes)), value=self.place.label, label="Class", on_change=self._relabel)
        self.cut = ui.switch("Truncation: nearer to the middle, more alike, more often good", on_change=self._truncate)
        most = 1.0 if self.model.description.latent.distribution == "uniform" else 3.0
        self.bound = Slider("Truncation", 0.1, most, 0.05, 1.0, self._truncate, "number")
        self.sliders = []
        for number in range(1, self.explorer.count + 1):
            self.sliders.append(Slider(f"direction {number}", -REACH, REACH, 0.05, 0.0, self._slide, "number"))
        button("Back to the middle", lambda: self._move((0.0,) * self.explorer.count), quiet=True)

    async def begin(self) -> None:
        """The first sample, its map, and the gallery."""
        await self._draw()
        if self.gallery is not None:
            await self.gallery.more()

    async def work(self, work: Callable[[], Any]) -> Any:
        """What the thread gives; None where it fails, which is told."""
        try:
            return await self.worker.call(work)
        except Cancelled:
            return None
        except (Busy, Late):
            ui.notify("The model is busy; try again.")
        except MulliganError as error:
            complain(error)
        return None

    async def go(self, place: Place) -> None:
        """To another latent; truncation stays as it is set."""
        await self._to(replace(place, truncation=self._bound()))
        self.nearest.clear()

    async def _move(self, moved: tuple[float, ...]) -> None:
        await self._to(replace(self.place, moved=moved))

    async def _to(self, place: Place) -> None:
        """Bring sliders, pad, seed and label to a place, without their telling of it, and draw it."""
        self.place, self.setting = place, True
        for slider, value in zip(self.sliders, place.moved, strict=True):
            slider.set_value(value)
        if self.model.classes:
            self.label.set_value(place.label)
        if place.seed is not None:
            self.seed.set_value(place.seed)
        self.setting = False
        self._set_pad()
        await self._draw()

    async def _change(self, **what: Any) -> None:
        """A control has moved: draw what it says."""
        self.place = replace(self.place, **what)
        self._set_pad()
        await self._draw()

    # What controls call asks at once, and not when its coroutine begins, whether it was this page that moved them.

    def _slide(self) -> Coroutine[Any, Any, None] | None:
        return None if self.setting else self._change(moved=tuple(float(slider.value) for slider in self.sliders))

    def _relabel(self) -> Coroutine[Any, Any, None] | None:
        if self.setting:
            return None
        self.chosen = self.label.value
        return self._change(label=self.chosen)

    def _truncate(self) -> Coroutine[Any, Any, None] | None:
        return None if self.setting else self._change(truncation=self._bound())

    def _sow(self) -> Coroutine[Any, Any, None] | None:
        seed = self.seed.value
        if self.setting or seed is None or not 0 <= seed <= LARGEST_SEED:
            return None
        return self._next(int(seed))

    async def _next(self, seed: int | None = None) -> None:
        """To a seed, or the one after this, with the class that was chosen."""
        place = self.explorer.start(self._next_seed() if seed is None else seed)
        await self.go(place if self.chosen is None else replace(place, label=self.chosen))

    async def _drag(self, x: float, y: float) -> None:
        moved = (x * REACH, y * REACH)[: self.explorer.count]
        await self._move((*moved, *self.place.moved[len(moved) :]))

    def _set_pad(self) -> None:
        x, y = (*self.place.moved, 0.0)[:2]
        self.pad.place(x / REACH, y / REACH)

    def _bound(self) -> float | None:
        return float(self.bound.value) if self.cut.value else None

    def _next_seed(self) -> int:
        return min(int(self.seed.value or 0) + 1, LARGEST_SEED)

    async def _draw(self) -> None:
        """Draw the place that is newest by the time the thread is free, and its map where that has changed."""
        self.again = True
        if self.drawing:
            return
        self.drawing = True
        try:
            while self.again:
                self.again = False
                await self._draw_once(self.place)
        finally:
            self.drawing = False

    async def _draw_once(self, place: Place) -> None:
        made = await self.work(partial(self.explorer.shown, place))
        if made is None:
            return
        self.sample.set_content(picture(f"sample: {place.name}", link(made)))
        say(self.about, f"{self.explorer.told(place)} (synthetic)")
        if not self.again and self.explorer.is_image and not place.has_map_of(self.mapped):
            drawn = await self.work(partial(self.explorer.map, place))
            if drawn is not None:
                self.mapped = place
                self.pad.show(link(drawn))

    async def _download(self) -> None:
        place = self.place
        made = await self.work(partial(self.explorer.shown, place))
        if made is not None:
            ui.download.content(made, self.explorer.file_name(place), "image/png")
