"""compare.png: several runs side by side, their newest samples above, their distance to the data below. Reads run folders alone."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from mulligan.errors import UsageError
from mulligan.runs import history
from mulligan.runs.curves import count_text
from mulligan.runs.folder import Run
from mulligan.runs.history import Line

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

MOST = 8  # runs in one picture
_COLOURS = ("#1b5e9c", "#d1495b", "#2a7f62", "#b7791f", "#6b4c9a", "#0f766e", "#9a3412", "#4b5563")  # as dark as a line needs on white
_INK, _QUIET = "#1d2733", "#6b7785"


def picture(runs: Sequence[Run]) -> bytes:
    """A PNG of up to eight runs: at most one row of sample grids, and curves over images seen and over training time.

    Raises UsageError for more runs.
    """
    if len(runs) > MOST:
        raise UsageError(f"{len(runs)} runs do not fit in one picture", f"Compare at most {MOST}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    side = max(12.0 / len(runs), 2.4)
    figure = Figure(figsize=(max(12.0, side * len(runs)), min(side, 5.0) + 4.2), dpi=130, facecolor="#ffffff")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 1, height_ratios=(min(side, 5.0), 3.4), hspace=0.22, left=0.06, right=0.98, top=0.94, bottom=0.08)
    above = grid[0].subgridspec(1, len(runs), wspace=0.04)
    below = grid[1].subgridspec(1, 2, wspace=0.16)
    for place, run in enumerate(runs):
        axes = figure.add_subplot(above[place])
        axes.set_axis_off()
        axes.set_title(run.name[:40], color=_COLOURS[place], fontsize=10, parse_math=False)
        shown = _samples(run)
        if shown is not None:
            axes.imshow(shown, cmap="gray", interpolation="nearest")
    for place, (key, name) in enumerate((("images", "images seen"), ("seconds", "seconds of training"))):
        axes = figure.add_subplot(below[place])
        for order, run in enumerate(runs):
            _curve(axes, history.read(run), key, _COLOURS[order], run.name)
        _dress(axes, name)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", facecolor="#ffffff", metadata={"Software": "Mulligan"})
    return buffer.getvalue()


def _samples(run: Run) -> "np.ndarray | None":
    """The newest sample grid."""
    import numpy as np
    import PIL.Image

    steps = run.sample_steps()
    if not steps:
        return None
    with PIL.Image.open(run.sample_grid(steps[-1])) as opened:
        return np.asarray(opened.convert("RGB"))


def _curve(axes: "Axes", lines: list[Line], key: str, colour: str, name: str) -> None:
    known = [(line[key], line["distance"]) for line in lines if _is_positive(line.get("distance")) and key in line]
    if known:
        axes.plot(*zip(*known, strict=True), color=colour, linewidth=1.8, label=name[:40])
    floors = [line["distance.floor"] for line in lines if _is_positive(line.get("distance.floor"))]
    if floors:
        axes.axhline(floors[-1], color=colour, linewidth=1.0, linestyle=(0, (2, 2)))


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


def _dress(axes: "Axes", name: str) -> None:
    from matplotlib.ticker import FuncFormatter

    if axes.lines:
        axes.set_yscale("log")
    axes.set_xlim(left=0)
    axes.set_xlabel(name, color=_QUIET, fontsize=9)
    axes.set_title("distance to the data (dotted: real data); lower is better", color=_INK, fontsize=9.5, loc="left")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    axes.tick_params(which="both", colors=_QUIET, labelsize=8)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(_QUIET)
