"""The lab's page: a GAN in the plane to watch, to stop, to step and to change while it learns."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from nicegui import ui

from mulligan import find
from mulligan.lab.points import MOST_POINTS, NAMES
from mulligan.lab.settings import LabSettings, Sides, suggested_weight
from mulligan.web.studio.frame import button, title
from mulligan.web.studio.lab_elements import LabCanvas, LabChart
from mulligan.web.studio.lab_frames import Frame
from mulligan.web.studio.lab_worker import AS_FAST, LabWorker
from mulligan.web.studio.slider import Slider

LOOKED = 0.1  # seconds between two looks at what the worker has done
PACES = (1.0, 2.0, 5.0, 15.0, 50.0, AS_FAST)  # steps a second
DRAWN = "drawn"
JOINED = " + "  # between the names of two penalties in one choice
_SETS = {name: name.capitalize() for name in NAMES} | {DRAWN: "Draw my own ..."}
_BOTH = ("zero-centred-real", "zero-centred-fake")
_LAYERS = {"land": "D's landscape", "lines": "G's grid", "pushes": "Pushes on samples"}
_STEPS: tuple[tuple[Sides, str, str], ...] = (("both", "both", "both"), ("discriminator", "D", "D only"), ("generator", "G", "G only"))
_WAITS = "The lab is opening: it lays out its points and gives both players their first weights."
_DRAWS = "Draw the points that G is to learn, then press Use these. Without a pointer, choose one of the built-in sets."


_DRAWING = (
    "G will be asked for points like yours. It is shown none of them: all that it learns, it learns from what D makes of its samples.",
    "Try what is hard for a sheet that cannot tear: two heaps far apart, a closed line, a heap beside a thin stroke.",
)


def lab_page() -> None:
    """Fill the current page of the studio with a lab of its own, which ends with the page."""
    ui.add_css(Path(__file__).with_name("lab.css"))
    page = _Page()
    client = ui.context.client
    client.on_disconnect(lambda: page.worker.hold("away", True))
    client.on_connect(lambda: page.worker.hold("away", False))
    client.on_delete(page.worker.close)


def penalty_choices() -> dict[str, str]:
    """Penalties to choose from: none, each that there is, and the two zero-centred ones together; keys are joined names."""
    return {"": "none", JOINED.join(_BOTH): "both zero-centred", **{name: name for name in find.names("penalties")}}


def pace_words(speed: float) -> str:
    """How fast, in words.

    >>> pace_words(1.0), pace_words(15.0), pace_words(AS_FAST)
    ('1 step a second', '15 steps a second', 'as fast as it can')
    """
    if speed == AS_FAST:
        return "as fast as it can"
    return f"{speed:.0f} step{'' if speed == 1 else 's'} a second"


class _Page:
    """What stands on one page, and the worker behind it."""

    def __init__(self) -> None:
        self.settings = LabSettings()
        self.worker = LabWorker(NAMES[1], self.settings)
        self.drawn: list[float] = []
        self.shown: Frame | None = None
        self.showed_playing = False
        self.points = NAMES[1]
        with ui.element("div").classes("lab"):
            with ui.element("section").classes("lab-stage").props('aria-label="The plane"'):
                self._stage()
            with ui.element("div").classes("lab-beside"):
                self._beside()
        ui.timer(LOOKED, self._look)

    # What stands where

    def _stage(self) -> None:
        self.canvas = LabCanvas(self._on_drawn, self._toggle, lambda hidden: self.worker.hold("hidden", hidden))
        self._legend()
        with ui.element("div").classes("lab-row") as self.transport:
            self.play = button("Play", self._toggle).props("icon=play_arrow")
            ui.label("One step of").classes("lab-step")
            for sides, name, spoken in _STEPS:
                button(name, partial(self._step, sides), quiet=True).props(f'padding="xs sm" aria-label="One step of {spoken}"')
            button("Begin anew", self.worker.restart, quiet=True).props("icon=replay")
            self.again = button("Draw again", self._open_sheet, quiet=True)
            self.again.set_visibility(False)
            last = len(PACES) - 1
            words = [pace_words(speed) for speed in PACES]
            Slider("Speed", 0, last, 1, last, lambda event: self._on_pace(event.value), "choices", words).classes("lab-pace")
        with ui.element("div").classes("lab-row") as self.sheet:
            button("Use these", self._use_drawn).props("icon=check")
            button("Clear", self.canvas.wipe, quiet=True)
            button("Cancel", self._leave_sheet, quiet=True)
        self.sheet.set_visibility(False)
        self.status = ui.label("").classes("lab-status").props('role="status"')

    def _legend(self) -> None:
        with ui.element("div").classes("lab-legend"):
            for key, text in (("real", "real points"), ("fake", "samples of G")):
                with ui.element("span"):
                    ui.element("span").classes(f"lab-key {key}")
                    ui.label(text)
            with ui.element("span"):
                self.low = ui.label("")
                ui.element("span").classes("lab-key land")
                self.high = ui.label("")
            with ui.element("span"):
                ui.element("span").classes("lab-key border")
                self.middle = ui.label("")

    def _beside(self) -> None:
        with ui.element("section").classes("lab-panel lab-said").props('aria-label="What is seen"'):
            title("What is seen")
            self.said = [ui.label(_WAITS if place == 0 else "").classes("lab-sentence").props("role=paragraph") for place in range(4)]
        with ui.element("div").classes("lab-charts"):
            self.losses = self._chart("Losses", "of D, and of G", LabChart(("D", "G")))
            self.distances = self._chart(
                "From data to samples", "in nats; dotted: what fresh real points score", LabChart(("KL", "JS"), (), True)
            )
        with ui.element("section").classes("lab-panel").props('aria-label="What can be changed"'):
            title("Change it while it runs")
            self._changes()
            ui.label(
                "Losses, penalties, rates and updates change at once and keep what has been learnt; other points or networks begin anew."
            ).classes("lab-note")

    def _chart(self, name: str, about: str, chart: LabChart) -> LabChart:
        with ui.element("figure") as figure:
            with ui.element("figcaption"):
                ui.html(f"<strong>{name}</strong> {about}", tag="span")
            chart.move(figure)
        return chart

    def _changes(self) -> None:
        now = self.settings
        with ui.element("div").classes("lab-form"):
            self.source = _select("Points", _SETS, self.points, self._on_source)
            losses = {name: name for name in find.names("losses")}
            _select("Loss", losses, now.loss, lambda loss: self._change(loss=loss))
            _select("Penalty on D", penalty_choices(), JOINED.join(now.penalties), self._on_penalty)
            self.weight = self._power("Weight of the penalty", "weight", -4, 2)
            self._power("Learning rate of D", "discriminator_rate", -5, 0)
            self._power("Learning rate of G", "generator_rate", -5, 0)
            self._number("Updates of D in a step", "discriminator_updates", 1, 20)
            self._number("Updates of G in a step", "generator_updates", 1, 20)
            self._number("Points in an update", "batch", 4, 1024)
        with ui.element("div").classes("lab-row"):
            for layer, name in _LAYERS.items():
                ui.switch(name, value=True, on_change=lambda event, layer=layer: self.canvas.switch(layer, event.value))
        with ui.expansion("Networks and seed (begin anew)").classes("lab-more"), ui.element("div").classes("lab-form"):
            self._number("Width of a layer", "width", 2, 256)
            self._number("Hidden layers", "depth", 1, 4)
            priors = {"uniform": "an even square", "normal": "a normal cloud"}
            _select("Latents from", priors, now.prior, lambda prior: self._change(prior=prior))
            self._number("Seed", "seed", 0, 2**31 - 1)

    def _power(self, label: str, name: str, low: float, high: float) -> Slider:
        """A slider over the powers of ten that a setting may be."""
        now = math.log10(getattr(self.settings, name))
        return Slider(label, low, high, 0.1, now, lambda event: self._on_power(name, event.value), "power")

    def _number(self, label: str, name: str, low: int, high: int) -> None:
        def changed(value: float | None) -> None:
            if value is not None:
                self._change(**{name: round(value)})

        number = ui.number(
            label, value=getattr(self.settings, name), min=low, max=high, precision=0, on_change=lambda event: changed(event.value)
        )
        number.props("dense debounce=400")

    # What is done

    def _toggle(self) -> None:
        if self.canvas.props["drawing"]:
            return
        self.worker.play(not self.worker.playing)

    def _step(self, sides: Sides) -> None:
        self.worker.play(False)
        self.worker.step(sides)

    def _on_pace(self, place: float) -> None:
        self.worker.pace(PACES[round(place)])

    def _on_power(self, name: str, power: float) -> None:
        self._change(**{name: float(f"{10**power:.2g}")})

    def _on_penalty(self, joined: str) -> None:
        penalties = tuple(joined.split(JOINED)) if joined else ()
        weight = suggested_weight(penalties)
        self._change(penalties=penalties, weight=weight)
        self.weight.set_value(math.log10(weight))

    def _change(self, **settings: Any) -> None:
        self.worker.change(settings)

    def _on_source(self, source: str) -> None:
        if source == DRAWN:
            self._open_sheet()
            return
        self._sheet(False)
        if source != self.points:
            self.points = source
            self.again.set_visibility(False)
            self.worker.change({}, source)

    def _open_sheet(self) -> None:
        self._sheet(True)
        self.worker.play(False)
        self.drawn = []

    def _leave_sheet(self) -> None:
        self._sheet(False)
        self.source.set_value(self.points)

    def _sheet(self, drawing: bool) -> None:
        self.canvas.draw(drawing)
        self.transport.set_visibility(not drawing)
        self.sheet.set_visibility(drawing)
        self._tell(_DRAWS if drawing else "", False)
        if drawing:
            self._say(_DRAWING)

    def _on_drawn(self, points: list[float]) -> None:
        self.drawn = points
        full = " That is as many as the lab takes." if len(points) >= 2 * MOST_POINTS else ""
        self._tell(f"{len(points) // 2:,} points.{full}" if points else _DRAWS, False)

    def _use_drawn(self) -> None:
        if not self.drawn:
            self._tell("Nothing has been drawn yet: draw with the mouse or a finger, or press Cancel.", True)
            return
        self.points = DRAWN
        self.again.set_visibility(True)
        self.worker.change({}, np.array(self.drawn, np.float64).reshape(-1, 2))
        self._sheet(False)

    # What is shown

    def _look(self) -> None:
        """Show what the worker has done since the last look."""
        frame, playing = self.worker.frame, self.worker.playing
        if self.canvas.props["drawing"] or (frame is self.shown and playing == self.showed_playing):
            return
        if not playing and not self.worker.resting:  # something that was ordered is being done
            return
        if playing != self.showed_playing:
            self.showed_playing = playing
            self.play.set_text("Pause" if playing else "Play")
            self.play.set_icon("pause" if playing else "play_arrow")
        if frame is not None and frame is not self.shown:
            self.shown = frame
            self._show(frame)
        self._tell(self.worker.said or self._state(frame), self.worker.failed)

    def _show(self, frame: Frame) -> None:
        self.canvas.show(frame.canvas, frame.label)
        figures = frame.figures
        self.losses.show(frame.losses, f"Losses at step {figures['step']}: D {figures['loss of D']}, G {figures['loss of G']}.")
        self.distances.show(
            frame.distances,
            f"At step {figures['step']}: KL {figures['KL']} (fresh real points {figures['KL of real points']}), "
            f"JS {figures['JS']} (fresh real points {figures['JS of real points']}).",
        )
        self._say(frame.said)
        self.low.set_text(f"D: sample {figures['low']}")
        self.high.set_text(f"{figures['high']} real")
        self.middle.set_text(f"border, {figures['middle']}")

    def _say(self, sentences: Sequence[str]) -> None:
        for place, label in enumerate(self.said):
            label.set_text(sentences[place] if place < len(sentences) else "")

    def _state(self, frame: Frame | None) -> str:
        if frame is None:
            return ""
        if frame.trouble:
            return "Stopped."
        return "Playing. The space bar pauses." if self.worker.playing else f"Paused after {_steps(frame)}. The space bar plays."

    def _tell(self, words: str, failed: bool) -> None:
        self.status.set_text(words)
        self.status.classes(add="failed" if failed else "", remove="" if failed else "failed")


def _select(label: str, choices: dict[str, str], value: str, on_change: Callable[[str], None]) -> ui.select:
    return ui.select(choices, value=value, label=label, on_change=lambda event: on_change(event.value)).props("dense")


def _steps(frame: Frame) -> str:
    return f"{frame.figures['step']} step{'' if frame.step == 1 else 's'}"
