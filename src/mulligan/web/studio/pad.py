"""A square to drag in, as an element of a page."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments


class Pad(Element, component="pad.js"):
    """Two numbers between -1 and 1, by pointer or arrow keys.

    side: samples along a side of the map that is its background. moved: is told both numbers.
    """

    def __init__(self, label: str, side: int, moved: Callable[[float, float], Awaitable[None]]) -> None:
        super().__init__()
        self.props["label"], self.props["side"] = label, side
        self.props["x"], self.props["y"], self.props["background"] = 0.0, 0.0, ""

        async def told(event: GenericEventArguments) -> None:
            x, y = (min(1.0, max(-1.0, float(event.args[name]))) for name in ("x", "y"))
            self.place(x, y)
            await moved(x, y)

        self.on("moved", told, throttle=0.04)

    def place(self, x: float, y: float) -> None:
        """Put the spot somewhere."""
        self.props["x"], self.props["y"] = x, y

    def show(self, background: str) -> None:
        """Lay a picture under it; empty for none."""
        self.props["background"] = background
