"""The panels of a history (`mulligan.runs.panels`) as live charts, of one run or of several over the images that they have seen."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from mulligan.runs.panels import Curve, Panel

_COLOURS = {"real": "#2f7fd1", "fake": "#d9536a", "goal": "#808a94", "third": "#2d9a74", "fourth": "#c08a2a"}
_RUNS = ("#2f7fd1", "#d9536a", "#2d9a74", "#c08a2a", "#8b6cc2", "#12939a", "#c8603a", "#808a94")
_INK, _LINE = "#7c8791", "#80808040"  # readable on white and on black
_COUNT = "value => value >= 1e6 ? value / 1e6 + 'M' : value >= 1e3 ? value / 1e3 + 'k' : value"
_WIDE = 20.0  # a positive figure that spans more than this factor has a logarithmic axis


class Chart:
    """One panel that is kept up to date."""

    def __init__(self, panel: Panel) -> None:
        with ui.element("figure").classes("chart"):
            ui.html(f"<strong>{panel.title}</strong> {panel.reading}", tag="figcaption")
            self._chart = ui.echart(_options(panel, _series(panel))).props('role="img"').classes("curve")
        self._label(panel)

    def update(self, panel: Panel) -> None:
        """Show another state of the panel."""
        self._chart.options.update(_options(panel, _series(panel)))
        self._label(panel)
        self._chart.update()

    def _label(self, panel: Panel) -> None:
        newest = "; ".join(f"{curve.name}: {curve.points[-1][1]:.4g}" for curve in panel.curves)
        self._chart._props["aria-label"] = f"{panel.title}, newest values: {newest}"


def joined(panels: Sequence[tuple[str, Panel]]) -> Panel:
    """The same panel of several runs as one: (name of the run, its panel)."""
    first = panels[0][1]
    curves = tuple(
        Curve(f"{name}: {curve.name}" if len(panel.curves) > 1 else name, curve.colour, curve.points, curve.dashed)
        for name, panel in panels
        for curve in panel.curves
    )
    return Panel(first.title, first.reading, curves, first.level, first.level_name, first.limits, first.positive)


def run_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each run."""
    return {name: _RUNS[place % len(_RUNS)] for place, name in enumerate(names)}


def _series(panel: Panel, colours: dict[str, str] | None = None) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for curve in panel.curves:
        colour = _COLOURS[curve.colour] if colours is None else colours[curve.name.partition(":")[0]]
        shown.append(
            {
                "type": "line",
                "name": curve.name,
                "data": [list(point) for point in curve.points],
                "showSymbol": len(curve.points) == 1,
                "lineStyle": {"type": "dashed" if curve.dashed else "solid", "width": 2},
                "color": colour,
            }
        )
    if panel.level is not None and shown:
        shown[0]["markLine"] = {
            "silent": True,
            "symbol": "none",
            "data": [{"yAxis": panel.level}],
            "label": {"formatter": panel.level_name, "position": "insideEndTop", "color": _INK},
            "lineStyle": {"color": _INK, "type": "dotted"},
        }
    return shown


def _options(panel: Panel, series: list[dict[str, Any]]) -> dict[str, Any]:
    values = [value for curve in panel.curves for _, value in curve.points]
    wide = panel.positive and bool(values) and min(values) > 0 and max(values) > _WIDE * min(values)
    axis = {"axisLabel": {"color": _INK}, "splitLine": {"lineStyle": {"color": _LINE}}, "axisLine": {"lineStyle": {"color": _INK}}}
    vertical: dict[str, Any] = {**axis, "type": "log" if wide else "value", "scale": True}
    if panel.limits:
        vertical |= {"min": panel.limits[0], "max": panel.limits[1]}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 34, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "itemWidth": 16, "textStyle": {"color": _INK}, "type": "scroll"},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {**axis, "type": "value", "axisLabel": {"color": _INK, ":formatter": _COUNT}, "splitLine": {"show": False}},
        "yAxis": vertical,
        "series": series,
    }
