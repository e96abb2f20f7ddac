"""A time as the budget: the horizon follows from measured speed, and each decision is recorded, so that a resumed run repeats it."""

import time
from dataclasses import dataclass, field

from mulligan.runs import history
from mulligan.runs.folder import Run
from mulligan.training.session import Session

SETTLING = 1.0  # seconds of warm steps before the speed is believed
RESERVE = 0.5  # seconds kept for the last report and save
STEP, REPORT = "step", "report"  # where a decision falls: after a step, before its report; or at the end of a report


@dataclass
class Horizon:
    """Sets and corrects `controls.horizon` where time is the budget; otherwise it does nothing."""

    run: Run
    seconds: float | None
    _recorded: dict[tuple[int, str], int] = field(init=False)  # (step, after a step or at a report) -> horizon
    _warm_since: float | None = field(init=False, default=None)
    _warm_images: int = field(init=False, default=0)
    _set: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        lines = history.read_lines(self.run.path / "decisions.jsonl")
        self._recorded = {(int(line["step"]), str(line["at"])): int(line["horizon"]) for line in lines}
        self._set = bool(self._recorded)

    def steer(self, session: Session, warm: bool) -> bool:
        """After a step: set the horizon for the first time, or repeat a recorded decision. Returns whether it was set just now."""
        if self._repeat(session, STEP) or self.seconds is None or not warm:
            return False
        now = time.perf_counter()
        if self._warm_since is None:
            self._warm_since, self._warm_images = now, session.images
        if self._set or now - self._warm_since < SETTLING:
            return False
        self._decide(session, now, STEP)
        self._set = True
        return True

    def correct(self, session: Session) -> None:
        """At a report: correct the horizon by the speed so far."""
        newest = max((step for step, _ in self._recorded), default=0)
        if self._repeat(session, REPORT) or not self._set or session.step <= newest:
            return
        self._decide(session, time.perf_counter(), REPORT)

    def _decide(self, session: Session, now: float, at: str) -> None:
        if self.seconds is None or self._warm_since is None:
            return
        speed = (session.images - self._warm_images) / max(now - self._warm_since, 1e-9)
        left = max(self.seconds - session.seconds - RESERVE, 0.0)
        horizon = max(session.images + int(speed * left), 1)
        history.append_line(self.run.path / "decisions.jsonl", {"step": session.step, "at": at, "horizon": horizon})
        self._recorded[session.step, at] = horizon
        self._repeat(session, at)

    def _repeat(self, session: Session, at: str) -> bool:
        """Apply what was decided at this very place, if something was."""
        horizon = self._recorded.get((session.step, at))
        if horizon is not None:
            session.controls = session.controls.model_copy(update={"horizon": horizon})
        return horizon is not None
