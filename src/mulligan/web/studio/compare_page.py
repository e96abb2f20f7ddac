"""Compare: two runs or more side by side, at the same number of images seen."""

from nicegui import run as aside
from nicegui import ui

from mulligan.amounts import say_count
from mulligan.web.studio.charts import Charts, joined, run_colours
from mulligan.web.studio.frame import frame, paragraph, picture, say, title, where
from mulligan.web.studio.jobs import Jobs
from mulligan.web.studio.runs_page import figures
from mulligan.web.studio.slider import Slider
from mulligan.web.studio.watching import Look, find_run, look, stamp

EVERY = 2.0  # seconds between two looks at the folders
MOST = 8  # runs in one comparison


async def compare_page(jobs: Jobs, names: list[str]) -> None:
    """Runs by name, kept up to date."""
    with frame("Compare"):
        runs = [run for name in dict.fromkeys(names) if (run := find_run(jobs.base, name)) is not None]
        if len(runs) > MOST:
            paragraph(f"The first {MOST} of {len(runs)} runs: more do not fit side by side.", "quiet")
            runs = runs[:MOST]
        if len(runs) < 2:
            paragraph("Choose two runs or more on the page of all runs, and press Compare there.")
            ui.link("All runs", "/")
            return
        shown = _Compared([run.name for run in runs])
        stamps: dict[str, object] = {}

        async def refresh() -> None:
            now: dict[str, object] = {run.name: stamp(run) for run in runs}
            if now == stamps:
                return
            stamps.update(now)
            found = await aside.io_bound(lambda: [look(run) for run in runs])
            if found is not None:
                shown.update(found)

        await refresh()
        ui.timer(EVERY, refresh, immediate=False)


class _Compared:
    """Sample grids in a row, led by one slider, and below curves of all runs."""

    def __init__(self, names: list[str]) -> None:
        self.names, self.looks = names, list[Look]()
        colours = run_colours(names)
        self.pictures, self.captions, self.lines = {}, {}, {}
        self.slider = Slider("Images seen", 0, 1, 1, 0, self._show)
        self.at = paragraph("", "quiet").props('role="status"')
        with ui.element("section").classes("beside"):
            for name in names:
                with ui.element("figure"):
                    with ui.element("h2").style(f"border-bottom: 4px solid {colours[name]}"):
                        ui.link(name, where("run", name))
                    self.pictures[name] = ui.html(sanitize=False).classes("grid")
                    self.captions[name] = ui.html(tag="figcaption")
                    self.lines[name] = paragraph("", "quiet")
        title("Curves")
        paragraph("A colour for each run; solid is what is generated, dashed what is real.", "quiet")
        self.charts = Charts(colours)

    def update(self, looks: list[Look]) -> None:
        """Take in what the runs have done."""
        follows = not self.looks or self.slider.value >= self.slider.props["max"]
        self.looks = looks
        most = max((line.get("images", 0) for found in looks for line in found.lines), default=0)
        self.slider.props["max"] = max(most, 1)
        self.slider.props["step"] = max(1, most // 200)
        if follows:
            self.slider.set_value(most)
        for name, found in zip(self.names, looks, strict=True):
            say(self.lines[name], figures(found.card))
        self.charts.update(joined([(name, found.panels()) for name, found in zip(self.names, looks, strict=True)]))
        self._show()

    def _show(self) -> None:
        wanted = self.slider.value
        say(self.at, f"after {say_count(int(wanted))} images")
        for name, found in zip(self.names, self.looks, strict=True):
            images = {line["step"]: line.get("images", 0) for line in found.lines if "step" in line}
            steps = [step for step in found.steps if step in images]
            if steps:
                step = max((step for step in steps if images[step] <= wanted), default=steps[0])
                self.pictures[name].set_content(picture(f"samples of {name}", where("runs", name, "samples", f"{step}.png")))
                self.captions[name].set_content(f"step {step:,}, {say_count(images[step])} images ({found.mark})")
