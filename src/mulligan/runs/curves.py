"""curves.png: the history as a picture. Matplotlib is imported when one is drawn."""

from io import BytesIO
from typing import TYPE_CHECKING

from mulligan.runs import facts, history
from mulligan.runs.facts import Reading
from mulligan.runs.folder import Run
from mulligan.runs.history import Line
from mulligan.runs.panels import Colour, Curve, Panel, panels
from mulligan.runs.writing import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
WIDTH, ROW = 12.0, 3.2  # inches; a row is one panel with its title
_LIGHT = {"paper": "#ffffff", "ink": "#1d2733", "quiet": "#6b7785", "grid": "#e6eaee", "real": "#1b5e9c", "fake": "#d1495b"}
_DARK = {"paper": "#161b22", "ink": "#e6edf3", "quiet": "#9aa7b4", "grid": "#2a323c", "real": "#6cb2f5", "fake": "#ff8593"}
_LIGHT |= {"goal": "#6b7785", "third": "#2a7f62", "fourth": "#b7791f"}
_DARK |= {"goal": "#9aa7b4", "third": "#5fd0a5", "fourth": "#e8b45a"}
_WIDE = 20.0  # a positive figure that spans more than this factor is drawn on a logarithmic axis
_LABEL_STEP = 0.09  # of the height of a panel: labels nearer than this would cover each other


def write(run: Run) -> None:
    """Draw curves.png from the folder; nothing is written while the history is empty. Raises DiskError."""
    lines = history.read(run)
    known = facts.read(run)
    if lines:
        write_bytes(run.curves_file, picture(lines, known.loss.reading if known and known.loss else None))


def picture(lines: list[Line], reading: Reading | None, dark: bool = False) -> bytes:
    """The curves of a history as a PNG.

    lines: as in history.jsonl. reading: how D's scores are read (of its loss); None in a game without a discriminator.
    dark: for a dark page.
    """
    return drawn(panels(lines, reading), dark)


def drawn(shown: list[Panel], dark: bool = False) -> bytes:
    """Panels as a PNG; dark: for a dark page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours = _DARK if dark else _LIGHT
    columns = 2 if len(shown) in (2, 4) else COLUMNS
    rows = max(1, -(-len(shown) // columns))
    height = ROW * rows
    figure = Figure(figsize=(WIDTH, height), dpi=140, facecolor=colours["paper"])
    FigureCanvasAgg(figure)  # stands in for a window, whatever back end the user has set
    edges = {"left": 0.045, "right": 0.925, "top": 1 - 0.62 / height, "bottom": 0.5 / height}
    grid = figure.add_gridspec(rows, columns, wspace=0.46, hspace=0.64, **edges)
    for place, panel in enumerate(shown):
        axes = figure.add_subplot(grid[place // columns, place % columns])
        _draw(axes, panel, colours)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", facecolor=colours["paper"], metadata={"Software": "Mulligan"})
    return buffer.getvalue()


def _draw(axes: "Axes", panel: Panel, colours: dict[str, str]) -> None:
    _dress(axes, panel, colours)
    for curve in panel.curves:
        x, y = zip(*curve.points, strict=True)
        style = (0, (4, 2.5)) if curve.dashed else "solid"
        marker = "o" if len(x) == 1 else ""
        axes.plot(x, y, color=colours[curve.colour], linewidth=1.8, linestyle=style, marker=marker, markersize=5, solid_capstyle="round")
    if panel.level is not None:
        axes.axhline(panel.level, color=colours["goal"], linewidth=1.1, linestyle=(0, (2, 2)), zorder=1)
    if panel.positive and _is_wide(panel):
        _logarithmic(axes)
    if panel.limits:
        low, high = panel.limits
        axes.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    last = max(point[0] for curve in panel.curves for point in curve.points)
    axes.set_xlim(0, last or 1)
    _label(axes, panel, colours)


def _dress(axes: "Axes", panel: Panel, colours: dict[str, str]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_facecolor(colours["paper"])
    axes.text(
        0,
        1.15,
        panel.title,
        transform=axes.transAxes,
        color=colours["ink"],
        fontsize=12.5,
        fontweight="bold",
        va="baseline",
        parse_math=False,
    )
    axes.text(0, 1.045, panel.reading, transform=axes.transAxes, color=colours["quiet"], fontsize=9.4, va="baseline", parse_math=False)
    axes.grid(axis="y", color=colours["grid"], linewidth=0.9)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(colours["quiet"])
        spine.set_linewidth(0.8)
    axes.tick_params(which="both", colors=colours["quiet"], labelsize=9, length=0)
    axes.tick_params(axis="x", which="major", length=3)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    axes.set_xlabel("images seen", color=colours["quiet"], fontsize=9, loc="left")


def _logarithmic(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _is_wide(panel: Panel) -> bool:
    values = [value for curve in panel.curves for _, value in curve.points]
    return min(values) > 0 and max(values) > _WIDE * min(values)


def _label(axes: "Axes", panel: Panel, colours: dict[str, str]) -> None:
    """Names at the ends of the curves, moved apart where they would meet."""
    wanted: list[tuple[float, str, str]] = [
        (_height(axes, curve.points[-1][1]), curve.name, _ink(curve, colours)) for curve in panel.curves
    ]
    if panel.level is not None and panel.level_name:
        wanted.append((_height(axes, panel.level), panel.level_name, colours["goal"]))
    for height, name, colour in _apart(sorted(wanted)):
        axes.text(1.02, height, name, transform=axes.transAxes, color=colour, fontsize=9.4, va="center", clip_on=False, parse_math=False)


def _ink(curve: Curve, colours: dict[str, str]) -> str:
    colour: Colour = curve.colour
    return colours[colour]


def _height(axes: "Axes", value: float) -> float:
    """Where a value lies between the lower (0) and the upper (1) end of an axis."""
    place = axes.transData.transform((axes.get_xlim()[0], value))
    return min(1.0, max(0.0, float(axes.transAxes.inverted().transform(place)[1])))


def _apart(wanted: list[tuple[float, str, str]]) -> list[tuple[float, str, str]]:
    """Rising heights pushed up to a distance, then all down if the last went over the top."""
    heights: list[float] = []
    for height, _, _ in wanted:
        heights.append(max(height, heights[-1] + _LABEL_STEP) if heights else height)
    for place in reversed(range(len(heights))):
        highest = 1.0 if place == len(heights) - 1 else heights[place + 1] - _LABEL_STEP
        heights[place] = min(heights[place], highest)
    return [(height, name, colour) for height, (_, name, colour) in zip(heights, wanted, strict=True)]


def count_text(count: float) -> str:
    """A count for people.

    >>> count_text(0), count_text(850), count_text(12_500), count_text(3_000_000)
    ('0', '850', '12.5k', '3M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.4g}{letter}"
    return f"{count:.4g}"
