"""Plots of points: real ones, generated ones, and where the discriminator believes them. Matplotlib is imported when one is drawn."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Decision = Callable[[np.ndarray], np.ndarray]

_REAL, _FAKE = "#1b5e9c", "#d1495b"
_MOST = 2000  # points of one colour: more only hide each other
_CELLS = 80  # of the decision along each axis
_ACROSS = 5  # small plots in a row


def preview_points(
    real: np.ndarray | None, fake: np.ndarray | None, decision: Decision | None = None, names: Sequence[str] = ()
) -> PIL.Image.Image:
    """Plot real and generated points (N, D) in their own units, the first two columns of them; one column as histograms.

    decision: what D says of points (M, 2) -> (M,), larger for more real, drawn behind the points where D is 2. Numbers in [0, 1] are
    probabilities and coloured over that whole range; others around 0. names: of the columns.
    The axes follow the real points, if given, so that the frames of a GIF stand still; generated points outside are counted.
    Returns an RGB picture of 480 x 480.

    >>> preview_points(np.zeros((4, 2)), np.ones((4, 2))).size
    (480, 480)
    """
    from matplotlib.figure import Figure

    shown = [points for points in (real, fake) if points is not None]
    if not shown:
        raise ValueError("neither real nor generated points to plot")
    figure = Figure(figsize=(4.8, 4.8), dpi=100)
    axes = figure.add_axes((0.15, 0.12, 0.8 if decision is None else 0.67, 0.8))  # fixed, so that frames of a GIF stand still
    labels = tuple(names) or tuple(f"x{place + 1}" for place in range(shown[0].shape[1]))
    axes.set_xlabel(_plain(labels[0]))
    if shown[0].shape[1] == 1:
        _histograms(axes, real, fake)
    else:
        axes.set_ylabel(_plain(labels[1]))
        _scatter(figure, axes, real, fake, decision)
    if len(shown) > 1:
        axes.legend(loc="upper right", fontsize=8)
    return _drawn(figure)


def preview_groups(real: np.ndarray, groups: Sequence[np.ndarray], headings: Sequence[str]) -> PIL.Image.Image:
    """Several sets of generated points (N, D), each in a small plot of its own over the same real points, with its heading.

    The first two columns are shown, one column as histograms; all plots have the axes of the real points. Returns an RGB picture,
    200 pixels for each plot, five in a row.

    >>> preview_groups(np.zeros((4, 2)), [np.ones((4, 2))] * 6, list("abcdef")).size
    (1000, 400)
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(groups))
    down = -(-len(groups) // across)
    figure = Figure(figsize=(2 * across, 2 * down), dpi=100)
    for place, (group, heading) in enumerate(zip(groups, headings, strict=True)):
        axes = figure.add_subplot(down, across, place + 1)
        axes.set_title(_plain(heading), fontsize=7)
        if real.shape[1] == 1:
            _histograms(axes, real, group)
        else:
            low, high = _limits(real[:, :2])
            for points, colour, size in ((real, _REAL, 3), (group, _FAKE, 1)):
                axes.scatter(points[:_MOST, 0], points[:_MOST, 1], s=size, c=colour, alpha=0.5, linewidths=0)
            axes.set_xlim(low[0], high[0])
            axes.set_ylim(low[1], high[1])
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_ylabel("")
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=1 - 0.16 / down, wspace=0.06, hspace=0.16)
    return _drawn(figure)


def _drawn(figure: "Figure") -> PIL.Image.Image:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return PIL.Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])  # white throughout, so that alpha says nothing


def _scatter(figure: "Figure", axes: "Axes", real: np.ndarray | None, fake: np.ndarray | None, decision: Decision | None) -> None:
    first = real if real is not None else fake
    assert first is not None
    low, high = _limits(first[:, :2])
    if decision is not None and first.shape[1] == 2:
        _background(figure, axes, decision, low, high)
    for points, colour, label in ((real, _REAL, "real"), (fake, _FAKE, "generated")):
        if points is not None:
            axes.scatter(points[:_MOST, 0], points[:_MOST, 1], s=5, c=colour, alpha=0.6, linewidths=0, label=label, zorder=2)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    if real is not None and fake is not None:
        outside = int(((fake[:, :2] < low) | (fake[:, :2] > high)).any(axis=1).sum())
        if outside:
            axes.set_title(f"{outside} of {len(fake)} generated points lie outside", fontsize=8)


def _background(figure: "Figure", axes: "Axes", decision: Decision, low: np.ndarray, high: np.ndarray) -> None:
    across, up = (np.linspace(low[place], high[place], _CELLS) for place in (0, 1))
    places = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    values = np.asarray(decision(places), np.float64).reshape(_CELLS, _CELLS)
    if values.min() >= 0 and values.max() <= 1:
        bounds = (0.0, 1.0)
    else:
        largest = float(np.abs(values).max())
        bounds = (-largest, largest)
    half = (high - low) / (_CELLS - 1) / 2  # the middle of a cell is where it was asked for
    extent = (low[0] - half[0], high[0] + half[0], low[1] - half[1], high[1] + half[1])
    drawn = axes.imshow(values, "PRGn", vmin=bounds[0], vmax=bounds[1], origin="lower", extent=extent, aspect="auto", zorder=1)
    figure.colorbar(drawn, cax=figure.add_axes((0.85, 0.12, 0.03, 0.8)), label="D: the larger, the more real")


def _histograms(axes: "Axes", real: np.ndarray | None, fake: np.ndarray | None) -> None:
    first = real if real is not None else fake
    assert first is not None
    low, high = _limits(first)
    bins = np.linspace(low[0], high[0], 61).tolist()
    axes.set_ylabel("share of the points")
    axes.set_xlim(low[0], high[0])
    for points, colour, label in ((real, _REAL, "real"), (fake, _FAKE, "generated")):
        if points is not None:
            shares = np.full(len(points), 1 / max(1, len(points)))
            axes.hist(points[:, 0], bins=bins, weights=shares, color=colour, alpha=0.5, label=label)


def _limits(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Room around the points, also where they are all the same."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    room = np.maximum(0.25 * (high - low), np.maximum(1e-3 * np.abs(low), 1e-3))
    return low - room, high + room


def _plain(name: str) -> str:
    """A user's name of a column, kept short, and with no sign that Matplotlib would read as mathematics."""
    return name[:40].replace("$", r"\$")
