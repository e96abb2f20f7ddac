"""The panels of a history (`mulligan.runs.panels`) as live charts, of one run or of several over the images that they have seen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nicegui import ui

from mulligan.runs.panels import Curve, Panel

_COLOURS = {"real": "#2f7fd1", "fake": "#d9536a", "goal": "#808a94", "third": "#2d9a74", "fourth": "#c08a2a"}
_RUNS = ("#2f7fd1", "#d9536a", "#2d9a74", "#c08a2a", "#8b6cc2", "#12939a", "#c8603a", "#808a94")
_STROKES = {"fake": "solid", "real": "dashed"}
_OF = ": "  # between the name of a run and that of a curve
_INK, _LINE = "#7c8791", "#80808040"  # readable on white and on black
_LEGEND = {"top": 0, "left": 0, "itemWidth": 16, "textStyle": {"color": _INK}, "type": "scroll"}
_COUNT = "value => value >= 1e6 ? value / 1e6 + 'M' : value >= 1e3 ? value / 1e3 + 'k' : value"
_WIDE = 20.0  # a positive figure that spans more than this factor has a logarithmic axis


class Chart:
    """One panel that is kept up to date. colours: by run, where its curves are of several runs (`joined`)."""

    def __init__(self, panel: Panel, colours: dict[str, str] | None = None) -> None:
        self.colours = colours
        with ui.element("figure").classes("chart") as self.frame:
            ui.html(f"<strong>{panel.title}</strong> {panel.reading}", tag="figcaption")
            self._chart = ui.echart(self._options(panel)).props('role="img"').classes("curve")
        self._label(panel)

    def update(self, panel: Panel) -> None:
        """Show another state of the panel."""
        self._chart.options.update(self._options(panel))
        self._label(panel)
        self._chart.update()

    def _label(self, panel: Panel) -> None:
        newest = "; ".join(f"{curve.name}: {curve.points[-1][1]:.4g}" for curve in panel.curves)
        self._chart.props["aria-label"] = f"{panel.title}, newest values: {newest}"

    def _options(self, panel: Panel) -> dict[str, Any]:
        # Of several runs, the page itself says which colour is whose
        return {**_options(panel), "legend": {**_LEGEND, "show": self.colours is None}, "series": self._series(panel)}

    def _series(self, panel: Panel) -> list[dict[str, Any]]:
        shown = [self._curve(curve) for curve in panel.curves]
        if panel.level is not None and shown:
            shown[0]["markLine"] = {
                "silent": True,
                "symbol": "none",
                "data": [{"yAxis": panel.level}],
                "label": {"formatter": panel.level_name, "position": "insideEndTop", "color": _INK},
                "lineStyle": {"color": _INK, "type": "dotted"},
            }
        return shown

    def _curve(self, curve: Curve) -> dict[str, Any]:
        if self.colours is None:
            colour, style = _COLOURS[curve.colour], "dashed" if curve.dashed else "solid"
        else:  # colours tell the runs, so that strokes tell the curves
            colour, style = self.colours[curve.name.partition(_OF)[0]], _STROKES.get(curve.colour, "dotted")
        return {
            "type": "line",
            "name": curve.name,
            "data": [list(point) for point in curve.points],
            "showSymbol": len(curve.points) == 1,
            "lineStyle": {"type": style, "width": 2},
            "color": colour,
        }


class Charts:
    """All panels of a run or of several, side by side; a panel that was not there before is added."""

    def __init__(self, colours: dict[str, str] | None = None) -> None:
        self.colours = colours
        self.frame = ui.element("div").classes("charts")
        self.shown: dict[tuple[str, str], Chart] = {}

    def update(self, panels: Sequence[Panel]) -> None:
        """Show the panels as they are now."""
        for place, panel in enumerate(panels):
            key = (panel.title, panel.reading)
            if key not in self.shown:
                with self.frame:
                    self.shown[key] = Chart(panel, self.colours)
                self.shown[key].frame.move(target_index=place)
            self.shown[key].update(panel)


def joined(runs: Sequence[tuple[str, Sequence[Panel]]]) -> list[Panel]:
    """The panels of several runs, those that are read alike in one: (name of the run, its panels)."""
    found: dict[tuple[str, str], Panel] = {}
    for name, panels in runs:
        for panel in panels:
            curves = tuple(replace(curve, name=f"{name}{_OF}{curve.name}") for curve in panel.curves)
            before = found.get((panel.title, panel.reading))
            found[panel.title, panel.reading] = replace(panel, curves=(*(before.curves if before else ()), *curves))
    return list(found.values())


def run_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each run."""
    return {name: _RUNS[place % len(_RUNS)] for place, name in enumerate(names)}


def _options(panel: Panel) -> dict[str, Any]:
    values = [value for curve in panel.curves for _, value in curve.points]
    wide = panel.positive and bool(values) and min(values) > 0 and max(values) > _WIDE * min(values)
    axis = {"axisLabel": {"color": _INK}, "splitLine": {"lineStyle": {"color": _LINE}}, "axisLine": {"lineStyle": {"color": _INK}}}
    vertical: dict[str, Any] = {**axis, "type": "log" if wide else "value", "scale": True}
    if panel.limits:
        vertical |= {"min": panel.limits[0], "max": panel.limits[1]}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 34, "bottom": 4, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True},
        "xAxis": {**axis, "type": "value", "axisLabel": {"color": _INK, ":formatter": _COUNT}, "splitLine": {"show": False}},
        "yAxis": vertical,
    }
