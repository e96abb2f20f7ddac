"""New training: a form made of a recipe's own fields, with what each of them says of itself."""

import asyncio
import json
import os
from typing import Any

from nicegui import run as aside
from nicegui import ui

from mulligan import catalogue, find
from mulligan.data.opening import built_in
from mulligan.errors import MulliganError
from mulligan.resolve import DEFAULT_RECIPE, resolve
from mulligan.web.studio.frame import button, frame, paragraph, say, title, where
from mulligan.web.studio.jobs import Jobs, checked

_TIMES = {"2m": "2 minutes", "10m": "10 minutes", "30m": "half an hour", "2h": "2 hours", "": "as long as the recipe says"}
_OFFERED = ("data.", "seed")  # asked for above the settings


async def new_page(jobs: Jobs) -> None:
    """A form that begins a training."""
    with frame("New training", "New training"):
        entries = await aside.io_bound(catalogue.listing)
        _Form(jobs, {entry.name: entry for entry in entries or ()})


class _Form:
    """Data, recipe and time; below, every setting of that recipe on that data."""

    def __init__(self, jobs: Jobs, entries: dict[str, catalogue.Entry]) -> None:
        self.jobs, self.entries = jobs, entries
        self.fields: dict[str, tuple[Any, Any]] = {}  # key -> its field on the page, its value in the recipe
        with ui.element("section").classes("form"):
            self.data = ui.select(list(built_in()), value="digits", label="Data that come with Mulligan", on_change=self._forget)
            self.path = ui.input("or your own, by its path", on_change=self._forget)
            self.path.props('hint="A folder of pictures, an .npz, .npy or .csv on this machine."')
            with ui.element("div"):
                self.recipe = ui.select(list(entries), value=DEFAULT_RECIPE, label="Recipe", on_change=self._choose)
                self.about = paragraph("", "quiet")
            self.time = ui.select(_TIMES, value="2m", label="How long")
            self.seed = ui.number("Seed", value=0, min=0, precision=0)
            self.seed.props('hint="The same seed and settings give the same training."')
        title("Settings")
        paragraph("Nothing here has to be changed. Each says what it does; those that you change are given to the training.", "quiet")
        self.show = button("Show all settings", self._show_settings, quiet=True)
        self.settings = ui.element("section").classes("settings").props('aria-label="Settings of the recipe"')
        self.more = ui.input("Further settings, as key=value with spaces between them").classes("wide")
        with ui.row().classes("actions"):
            self.go = button("Train", self._train)
            self.cancel = button("Cancel", self._cancel, quiet=True)
            self.waiting = ui.spinner(size="1.5em")
        self._set_busy(False)
        self.reading: asyncio.Task[Any] | None = None
        self.error = paragraph("", "wrong").props('role="alert"')
        self._choose()

    @property
    def source(self) -> str:
        path = (self.path.value or "").strip()
        return os.path.expanduser(path) if path else str(self.data.value)

    def _choose(self) -> None:
        say(self.about, self.entries[self.recipe.value].description)
        self._forget()

    def _forget(self) -> None:
        """The settings of another recipe or other data are no longer those of this one."""
        self.settings.clear()
        self.fields = {}
        self.show.set_visibility(True)

    async def _show_settings(self) -> None:
        resolved = await self._done(lambda: resolve(self.source, self.recipe.value, trusting=False)[0])
        if resolved is None:
            return
        self.show.set_visibility(False)
        groups: dict[str, list[catalogue.Setting]] = {}
        for setting in catalogue.described(resolved):
            if not setting.key.startswith(_OFFERED) and setting.key != "name":
                groups.setdefault(setting.key.partition(".")[0] if "." in setting.key else "training", []).append(setting)
        with self.settings:
            for name, settings in groups.items():
                title(name, 3)
                for setting in settings:
                    self._add(setting)

    def _add(self, setting: catalogue.Setting) -> None:
        choices = setting.choices or (find.names("losses") if setting.key == "loss.name" else ())
        text = f"{setting.value:.6g}" if isinstance(setting.value, float) else _text(setting.value)
        with ui.element("div").classes("setting"):
            if isinstance(setting.value, bool):
                field: Any = ui.switch(setting.key, value=setting.value)
            elif choices:
                field = ui.select(list(choices), value=setting.value, label=setting.key)
            else:
                field = ui.input(setting.key, value=text)
            paragraph(setting.description.replace(", or path.py:name", ""), "quiet")  # which is refused here
        self.fields[setting.key] = field, setting.value if isinstance(setting.value, bool) or choices else text

    def words(self) -> list[str]:
        """`key=value` of what was changed."""
        changed = [f"{key}={_text(field.value)}" for key, (field, before) in self.fields.items() if field.value != before]
        return [*changed, *(self.more.value or "").split()]

    async def _train(self) -> None:
        source, recipe, words, time = self.source, self.recipe.value, self.words(), self.time.value
        seed = self.seed.value
        if seed is None or seed != int(seed):
            say(self.error, f"seed {seed}: expected a whole number from 0 on")
            return
        training = await self._done(lambda: checked(source, recipe, words, time, int(seed)))
        started = None if training is None else await self._done(lambda: self.jobs.begin(training))
        if started is not None:
            ui.navigate.to(where("run", started.name))

    async def _done(self, work: Any) -> Any:
        """What the work gives, which reads the data and can take its time; None where it failed, which is told, or was cancelled."""
        say(self.error, "")
        self._set_busy(True)
        self.reading = asyncio.create_task(aside.io_bound(work))
        try:
            return await self.reading
        except asyncio.CancelledError:
            return None
        except MulliganError as error:
            say(self.error, str(error))
            return None
        finally:
            self._set_busy(False)

    def _set_busy(self, busy: bool) -> None:
        self.go.set_enabled(not busy)
        self.cancel.set_visibility(busy)
        self.waiting.set_visibility(busy)

    def _cancel(self) -> None:
        if self.reading is not None:
            self.reading.cancel()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
