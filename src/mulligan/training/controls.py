"""What adapts while a run goes on: one small value, saved with each checkpoint; the recipe never changes."""

from pydantic import Field

from mulligan.recipe import Settings


class Controls(Settings):
    """Multipliers and counters that training itself decides."""

    horizon: int = Field(ge=1, description="Images over which everything is scheduled; set from measured speed where a time is the budget.")
    attempt: int = Field(0, ge=0, description="Raised by a rollback, so that the next try draws other numbers.")
    rate: float = Field(1.0, gt=0, description="Multiplier of all learning rates.")
    reported: float = Field(-1.0, ge=-1, le=1, description="Share of the horizon at which the newest report was due; -1 before the first.")
    best_step: int | None = Field(None, description="Step of the best checkpoint.")
    best_distance: float | None = Field(None, description="Its distance to the validation slice.")
