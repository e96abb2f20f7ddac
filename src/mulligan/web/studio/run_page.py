"""Run: one training as it goes, or as it went: samples over time, curves, what the doctor finds, log, stop and resume."""

from pathlib import Path

from nicegui import run as aside
from nicegui import ui

from mulligan.errors import MulliganError
from mulligan.runs.folder import Run
from mulligan.runs.panels import evidence
from mulligan.web.studio.charts import Chart, Charts
from mulligan.web.studio.frame import button, complain, frame, paragraph, picture, say, title, where
from mulligan.web.studio.jobs import Jobs
from mulligan.web.studio.runs_page import figures, verdict_colour
from mulligan.web.studio.slider import Slider
from mulligan.web.studio.watching import Look, look, stamp

EVERY = 1.0  # seconds between two looks at the folder


async def run_page(jobs: Jobs, name: str) -> None:
    """One run, kept up to date."""
    with frame(name):
        run = Run(jobs.base / name)
        if not _is_inside(jobs.base, name):
            paragraph("There is no such run.")
            ui.link("All runs", "/")
            return
        shown = _Shown(jobs, run)
        await shown.refresh()
        ui.timer(EVERY, shown.refresh, immediate=False)


def _is_inside(base: Path, name: str) -> bool:
    """Whether it is the name of a folder of runs, of one that has no recipe yet too; a path of several parts is not."""
    return base.is_dir() and any(path.name == name and path.is_dir() for path in base.iterdir())


class _Shown:
    """The page of a run; it is made once its recipe is there."""

    def __init__(self, jobs: Jobs, run: Run) -> None:
        self.jobs, self.run = jobs, run
        self.stamp: tuple[object, ...] = ()
        self.there = False  # whether there has been a run
        with ui.row().classes("badges"):
            self.status = ui.label("starting").classes("badge working").props('role="status"')
            self.verdict = ui.label().classes("badge plain")
            self.verdict.set_visibility(False)
        self.figures = paragraph("", "quiet")
        self.progress = ui.linear_progress(value=0.0, show_value=False).props('aria-label="Progress"')
        with ui.row().classes("actions"):
            self.stop = button("Stop", self._stop, quiet=True)
            self.resume = button("Resume", self._resume)
            self.explore = ui.link("Explore its samples", where("explore", run.name))
            self.report = ui.link("Report", where("runs", run.name, "report.html"), new_tab=True)
        self.waiting = paragraph("Reading the data and making the networks: the first picture comes in some seconds.")
        self.error = paragraph("", "wrong").props('role="alert"')
        self.parts = ui.element("div").classes("parts")
        with self.parts:
            self.samples = _Samples(run)
            title("Curves")
            self.charts = Charts()
            title("What the doctor finds")
            self.doctor = _Doctor(run)
            title("Log")
            self.log = ui.html(tag="pre").classes("log").props('tabindex="0" aria-label="Log"')

    async def refresh(self) -> None:
        """Look at the folder, and show what has changed."""
        working = self.jobs.is_working(self.run)
        now = (working, *stamp(self.run))
        if now == self.stamp:
            return
        self.stamp = now
        self.parts.set_visibility(self.run.exists)
        self.waiting.set_visibility(not self.run.exists)
        self.stop.set_visibility(working)
        if not self.run.exists:
            self.progress.set_visibility(False)
            self.resume.set_visibility(False)
            self.explore.set_visibility(False)
            self.report.set_visibility(False)
            self._say_why_there_is_none(working)
            return
        self.there = True
        say(self.error, self.jobs.failures().get(self.run.name, ""))
        found = await aside.io_bound(look, self.run)
        if found is not None:
            self._show(found, working)

    def _say_why_there_is_none(self, working: bool) -> None:
        if self.there:
            self.status.set_text("removed")
            say(self.waiting, "This run has been removed. Runs, above, shows those that there are.")
        elif not working:
            self.status.set_text("did not start")
            say(self.waiting, f"The training ended before there was a run. {self.jobs.failures().get(self.run.name, '')}")

    def _show(self, found: Look, working: bool) -> None:
        status = "training" if working else found.card.told["status"]
        self.status.set_text(status)
        self.status.classes(replace=f"badge {'working' if working else 'plain'}")
        self.verdict.set_visibility(True)
        self.verdict.set_text(found.diagnosis.verdict)
        self.verdict.classes(replace=f"badge {verdict_colour(found.diagnosis.verdict)}")
        say(self.figures, figures(found.card))
        share = found.lines[-1].get("progress") if found.lines else 0.0
        self.progress.set_value(share if isinstance(share, int | float) else 0.0)
        self.progress.set_visibility(working)
        self.resume.set_visibility(not working and status == "unfinished")
        self.explore.set_visibility((self.run.checkpoints / "").is_dir() and bool(self.run.checkpoint_steps()))
        self.report.set_visibility(self.run.report_file.is_file())
        self.samples.update(found)
        self.charts.update(found.panels())
        self.doctor.update(found)
        say(self.log, found.log)

    async def _stop(self) -> None:
        try:
            await aside.io_bound(self.jobs.stop, self.run)
            ui.notify("It saves its state and ends.")
        except MulliganError as error:
            complain(error)

    async def _resume(self) -> None:
        try:
            await aside.io_bound(self.jobs.resume, self.run)
        except MulliganError as error:
            complain(error)
        self.stamp = ()


class _Samples:
    """The same latents at each report, with a slider over time; it follows the newest until it is moved back."""

    def __init__(self, run: Run) -> None:
        self.run, self.steps, self.mark = run, list[int](), ""
        with ui.element("section").classes("beside"):
            with ui.element("figure"):
                self.picture = ui.html(sanitize=False).classes("grid")
                self.caption = ui.html(tag="figcaption").props('role="status"')
                self.slider = Slider("Samples over time", 0, 1, 1, 0, self._show)
            with ui.element("figure"):
                self.real = ui.html(sanitize=False).classes("grid")
                ui.html("real samples", tag="figcaption")

    def update(self, found: Look) -> None:
        """Take in new pictures."""
        follows = not self.steps or self.slider.value >= len(self.steps) - 1
        if found.steps == self.steps:
            return
        if not self.steps:
            self.real.set_content(picture("real samples", where("runs", self.run.name, "real.png")))
        self.steps, self.mark = found.steps, found.mark
        self.slider.props["max"] = max(len(self.steps) - 1, 1)
        if follows:
            self.slider.set_value(len(self.steps) - 1)
        self._show()

    def _show(self) -> None:
        if self.steps:
            step = self.steps[min(int(self.slider.value), len(self.steps) - 1)]
            self.picture.set_content(picture(f"samples at step {step}", where("runs", self.run.name, "samples", f"{step}.png")))
            self.caption.set_content(f"samples at step {step:,} ({self.mark})")


class _Doctor:
    """Findings with what shows them."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.frame = ui.element("section").props('aria-label="Findings"')
        self.told: object = None

    def update(self, found: Look) -> None:
        """Show the findings of now."""
        told = (found.diagnosis, self.run.diagnosis_picture.is_file())
        if told == self.told:
            return
        self.told = told
        self.frame.clear()
        with self.frame:
            if not found.diagnosis.findings:
                paragraph("Nothing: no rule sees a fault in this history.")
            for finding in found.diagnosis.findings:
                title(finding.name + ("" if finding.since_step is None else f", since step {finding.since_step:,}"), 3)
                paragraph(finding.evidence)
                paragraph(f"Remedy: {finding.remedy}")
                shown = evidence(found.lines, finding.name, finding.curve)
                if shown.curves:
                    Chart(shown)
            for note in found.diagnosis.notes:
                paragraph(note, "quiet")
            if told[1] and found.diagnosis.findings:
                ui.html(picture("what shows the finding", where("runs", self.run.name, "diagnosis.png")), sanitize=False).classes("grid")
