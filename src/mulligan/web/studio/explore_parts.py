"""Parts of the page Explore beside the sample itself: where to start, walks, the nearest training sample, a picture's latent."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from nicegui import events, ui
from nicegui import run as aside

from mulligan.errors import MulliganError
from mulligan.web.pictures import link
from mulligan.web.studio.exploring import Explorer, Place
from mulligan.web.studio.frame import button, complain, paragraph, say, title
from mulligan.web.studio.frame import picture as shown

SHOWN = 12  # samples that the gallery gains at once
MOST_PICKED = 12
LARGEST_PICTURE = 30 * 1024**2  # bytes

Work = Callable[[Callable[[], Any]], Awaitable[Any]]  # what is done in the thread of the model; None where it failed
Go = Callable[[Place], Awaitable[None]]


class Cancelled(Exception):
    """Nobody waits for this work any more."""


class Gallery:
    """Samples to start from."""

    def __init__(self, explorer: Explorer, work: Work, go: Go) -> None:
        self.explorer, self.work, self.go = explorer, work, go
        self.shown = 0
        title("Start from another one")
        self.frame = ui.element("div").classes("gallery")
        button("More", self.more, quiet=True)

    async def more(self) -> None:
        """Show some more."""
        seeds = range(self.shown, self.shown + SHOWN)
        made = await self.work(partial(self.explorer.gallery, seeds))
        if made is None:
            return
        self.shown += SHOWN
        with self.frame:
            for seed, picture in zip(seeds, made, strict=True):
                with ui.element("button").props(f'type="button" aria-label="start from seed {seed}"') as button:
                    ui.html(shown("", link(picture)), sanitize=False)
                button.on("click", partial(self._start, seed))

    async def _start(self, seed: int) -> None:
        await self.go(self.explorer.start(seed))


class Walk:
    """What lies between samples that were picked."""

    def __init__(self, explorer: Explorer, work: Work) -> None:
        self.explorer, self.work = explorer, work
        self.picked: list[Place] = []
        title("A walk between picked samples")
        self.picture = ui.html(sanitize=False).classes("walk" if explorer.is_image else "walk plot")
        self.hint = paragraph("").props('role="status"')
        self.button = button("Forget them", self._forget, quiet=True)
        self._forget()

    async def pick(self, place: Place) -> None:
        """One more sample to walk to."""
        if len(self.picked) >= MOST_PICKED:
            ui.notify(f"At most {MOST_PICKED} samples.")
            return
        self.picked.append(place)
        self.button.set_visibility(True)
        say(self.hint, f"Picked: {'; '.join(self.explorer.told(each) for each in self.picked)}.")
        if len(self.picked) > 1:
            made = await self.work(partial(self.explorer.walk, tuple(self.picked)))
            if made is not None:
                self.picture.set_content(shown("a walk through the picked samples", link(made)))

    def _forget(self) -> None:
        self.picked = []
        self.picture.set_content("")
        self.button.set_visibility(False)
        say(self.hint, "Pick two samples or more with the button under the sample, and see what lies between them.")


class Nearest:
    """The training sample that a sample is nearest to."""

    def __init__(self, explorer: Explorer, work: Work) -> None:
        self.explorer, self.work = explorer, work
        self.frame = ui.element("div").classes("near").props('role="status"')

    def clear(self) -> None:
        """Show nothing: the sample is another one."""
        self.frame.clear()

    async def show(self, place: Place) -> None:
        """Look for it; at first the training samples have to be read, which can take some seconds."""
        self.clear()
        with self.frame:
            paragraph("Reading the training samples ...", "quiet")
        try:
            await aside.io_bound(self.explorer.originals)  # not by the thread that samples, which others wait for
        except MulliganError as error:
            self.clear()
            complain(error)
            return
        found = await self.work(partial(self.explorer.nearest, place))
        self.clear()
        if found is None:
            return
        picture, ratio = found
        with self.frame:
            ui.html(shown("nearest training sample", link(picture)), sanitize=False).classes("one small")
            paragraph(
                f"The nearest training sample (real), at {ratio:.2f} of the usual distance. Near 1, the sample is as new as real ones are; "
                "near 0, it is a copy."
            )


class Inversion:
    """The latent of a picture that is given."""

    def __init__(self, explorer: Explorer, work: Work, go: Go) -> None:
        self.explorer, self.work, self.go = explorer, work, go
        self.share, self.cancelled = 0.0, False
        title("From a picture to a latent")
        paragraph("Give a picture: the latent is sought whose sample is nearest to it. What the model cannot make shows in the error.")
        self.upload = ui.upload(label="Picture", auto_upload=True, max_file_size=LARGEST_PICTURE, on_upload=self._invert)
        # Its own buttons have no names, so that one of the page's opens it
        self.upload.props('accept="image/*"').classes("hidden").on(
            "rejected", lambda: ui.notify("Give one picture: a PNG, JPEG, WebP or GIF of at most 30 MB.")
        )
        self.choose = button("Choose a picture", quiet=True)
        self.choose.on("click", js_handler=f"() => getElement({self.upload.id}).$refs.qRef.pickFiles()")
        self.progress = ui.linear_progress(value=0.0, show_value=False).props('aria-label="Search"')
        self.button = button("Cancel", self._cancel, quiet=True)
        self.told = paragraph("").props('role="status"')
        ui.context.client.on_delete(self._cancel)
        self._working(False)

    def _working(self, working: bool) -> None:
        self.choose.set_enabled(not working)
        self.progress.set_visibility(working)
        self.button.set_visibility(working)

    def _cancel(self) -> None:
        self.cancelled = True

    def _tick(self, share: float) -> None:
        """Told by the thread."""
        self.share = share
        if self.cancelled:
            raise Cancelled

    async def _invert(self, event: events.UploadEventArguments) -> None:
        content = await event.file.read()
        self.upload.reset()
        self.share, self.cancelled = 0.0, False
        self._working(True)
        showing = asyncio.create_task(self._show_progress())
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "picture.png"  # what it really is, its content tells
                path.write_bytes(content)
                found = await self.work(partial(self.explorer.invert, path, self._tick))
        finally:
            showing.cancel()
            self._working(False)
        if found is None:
            say(self.told, "Cancelled." if self.cancelled else "That picture was not taken.")
            return
        place, error, before = found
        say(
            self.told,
            f"The nearest sample differs by {error:.1f} of 255 (root mean square); before the search, the best of those drawn by chance "
            f"differed by {before:.1f}. It is shown above, and can be moved from there.",
        )
        await self.go(place)

    async def _show_progress(self) -> None:
        while True:
            self.progress.set_value(self.share)
            await asyncio.sleep(0.1)
