"""The browser's own slider, as an element of a page: NiceGUI's gives the focus to a part of itself that has no name."""

from collections.abc import Sequence
from typing import Literal

from nicegui.elements.mixins.value_element import ValueElement
from nicegui.events import Handler, ValueChangeEventArguments


class Slider(ValueElement[float], component="slider.js"):
    """A number between two others.

    label: its name. words: how the value is told above it: as one of the choices (whose place the value is), as the power of ten that it
    is the exponent of, as a number, or not at all.
    """

    LOOPBACK = False  # the browser has moved it already

    def __init__(
        self,
        label: str,
        low: float,
        high: float,
        step: float,
        value: float,
        on_change: Handler[ValueChangeEventArguments[float]] | None = None,
        words: Literal["choices", "power", "number", ""] = "",
        choices: Sequence[str] = (),
    ) -> None:
        super().__init__(value=value, on_value_change=on_change, throttle=0.05)
        self.props["label"], self.props["words"], self.props["choices"] = label, words, list(choices)
        self.props["min"], self.props["max"], self.props["step"] = low, high, step
