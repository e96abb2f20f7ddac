"""The canvases of the lab, drawn in the browser by scripts of their own."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from mulligan.lab.points import FRAME, MOST_POINTS
from mulligan.web.studio.lab_frames import GRAIN, Json


class LabCanvas(Element, component="lab_canvas.js"):
    """The plane: what a frame shows, or a sheet to draw points on.

    on_drawn: is told the points drawn so far, x and y in turn, whenever the pointer is lifted. on_space: the space bar was pressed where
    nothing else takes it. on_hidden: is told whether the tab is out of sight.
    """

    def __init__(self, on_drawn: Callable[[Any], None], on_space: Callable[[], None], on_hidden: Callable[[bool], None]) -> None:
        super().__init__()
        for name, value in (("most", MOST_POINTS), ("grain", GRAIN), ("side", FRAME), ("drawing", False), ("label", "The lab is opening.")):
            self._props[name] = value
        self._props["layers"] = {"land": True, "lines": True, "pushes": True}

        def drawn(event: GenericEventArguments) -> None:
            on_drawn(event.args)

        def hidden(event: GenericEventArguments) -> None:
            on_hidden(bool(event.args))

        self.on("drawn", drawn)
        self.on("space", lambda: on_space(), [])
        self.on("hidden", hidden)

    def show(self, frame: Json, label: str) -> None:
        """Draw a frame; label: the same for who does not see it."""
        self._props["frame"] = frame
        self._props["label"] = label

    def switch(self, layer: str, shown: bool) -> None:
        """Show a layer or leave it out: land, lines or pushes."""
        self._props["layers"] = {**self._props["layers"], layer: shown}

    def draw(self, drawing: bool) -> None:
        """Whether the pointer draws points, on an empty sheet."""
        self._props["drawing"] = drawing

    def wipe(self) -> None:
        """An empty sheet again."""
        self.run_method("clear")


class LabChart(Element, component="lab_chart.js"):
    """Two curves over the steps. names: of the curves. levels: of the line that each is to be compared with, if there is one."""

    def __init__(self, names: Sequence[str], levels: Sequence[str] = (), logarithmic: bool = False) -> None:
        super().__init__()
        self._props["names"] = list(names)
        self._props["levels"] = list(levels)
        self._props["logarithmic"] = logarithmic
        self._props["label"] = f"{' and '.join(names)} over the steps; nothing yet."

    def show(self, chart: Json, label: str) -> None:
        """Draw the curves; label: their newest values."""
        self._props["chart"] = chart
        self._props["label"] = label
