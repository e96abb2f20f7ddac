"""When a call of training ends: steps, images or time, whichever is reached first. A budget only stops; schedules follow the horizon."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """What the user allows. `seconds` counts the whole run, from the first batch on, and sets the horizon."""

    steps: int | None = None
    images: int | None = None
    seconds: float | None = None
