"""What adapts while a run goes on: one small value, saved with each checkpoint; the recipe never changes."""

from typing import Any

from pydantic import Field

from mulligan.recipe import Settings


class Repair(Settings):
    """One thing that was done about a fault: what was found, where, and what has changed since."""

    verdict: str = Field(description="The finding.")
    evidence: str = Field(description="The numbers that decided.")
    failed: int = Field(description="Step at which it was found.")
    back_to: int = Field(description="Step that the run went back to.")
    changes: dict[str, Any] = Field(description="Settings of the recipe that changed, as dotted keys with their new values.")


class Controls(Settings):
    """Multipliers and counters that training itself decides."""

    horizon: int = Field(ge=1, description="Images over which everything is scheduled; set from measured speed where a time is the budget.")
    attempt: int = Field(0, ge=0, description="Raised by a rollback, so that the next try draws other numbers.")
    rate: float = Field(1.0, gt=0, description="Multiplier of all learning rates.")
    strengths: dict[str, float] = Field({}, description="Share of its most that each adaptive augmentation has, by name; absent is 0.")
    known: float = Field(0.0, ge=-1, le=1, description="How well D knew its training samples by heart when that was last measured.")
    reports: int | None = Field(
        None, ge=1, description="Reports over the horizon where a time is the budget and a short one; else as many as the recipe says."
    )
    reported: float = Field(-1.0, ge=-1, le=1, description="Share of the horizon at which the newest report was due; -1 before the first.")
    best_step: int | None = Field(None, description="Step of the best checkpoint: the latest that is no worse, beyond chance, than any.")
    best_distance: float | None = Field(None, description="The lowest distance to the validation slice so far.")
    good_steps: tuple[int, ...] = Field((), description="Steps of checkpoints to go back to, at which no fault was found; repair=on alone.")
    repairs: tuple[Repair, ...] = Field((), description="What was done about faults, in order; the recipe is played with these changes.")
