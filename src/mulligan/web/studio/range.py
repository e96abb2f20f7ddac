"""The browser's own slider, as an element of a page: NiceGUI's gives the focus to a part of itself that has no name."""

from nicegui.elements.mixins.value_element import ValueElement
from nicegui.events import Handler, ValueChangeEventArguments


class Range(ValueElement[float], component="range.js"):
    """A number between two others. label: its name for those who do not see it."""

    LOOPBACK = False  # the browser has moved it already

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        step: float,
        value: float,
        on_change: Handler[ValueChangeEventArguments[float]] | None = None,
    ) -> None:
        super().__init__(value=value, on_value_change=on_change, throttle=0.05)
        self.props["aria-label"] = label
        self.props["min"], self.props["max"], self.props["step"] = low, high, step
