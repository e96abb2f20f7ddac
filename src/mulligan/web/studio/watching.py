"""What pages show of runs, read from their folders, which are the only record. Nothing is written, and no torch is needed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mulligan.diagnostics.diagnosis import diagnose
from mulligan.diagnostics.finding import Diagnosis
from mulligan.errors import MulliganError
from mulligan.runs import facts, history
from mulligan.runs.facts import Facts
from mulligan.runs.folder import Run, list_runs
from mulligan.runs.history import Line
from mulligan.runs.lock import is_held
from mulligan.runs.panels import Panel, panels
from mulligan.runs.summary import summary

_LOG = 20_000  # bytes of a log that are shown, from its end


@dataclass(frozen=True)
class Card:
    """A run in the list: what `mulligan runs` says of it, its verdict, and its newest picture (a step; None before the first)."""

    told: dict[str, Any]
    verdict: str
    shown: int | None

    @property
    def speed(self) -> float | None:
        """Images per second so far."""
        images, seconds = self.told["images"], self.told["seconds"]
        return images / seconds if images and seconds else None


@dataclass(frozen=True)
class Look:
    """A run as it stands: its list entry, history, facts, findings, steps that have pictures, and its log."""

    card: Card
    lines: list[Line]
    facts: Facts | None
    diagnosis: Diagnosis
    steps: list[int]
    log: str

    def panels(self) -> list[Panel]:
        """Its curves."""
        loss = self.facts.loss if self.facts else None
        return panels(self.lines, loss.reading if loss else None)

    @property
    def mark(self) -> str:
        """What its pictures show: those of points and of games without D hold real samples as well."""
        alone = self.facts is None or (self.facts.data.kind == "image" and self.facts.loss is not None)
        return "synthetic" if alone else "synthetic, beside real ones"


def find_run(base: Path, name: str) -> Run | None:
    """The run of that very name in a folder of runs; None where there is none."""
    return next((run for run in list_runs(base) if run.name == name), None)


class Cards:
    """The list of a folder of runs; a run whose files are as they were is not read again."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._known: dict[Path, tuple[object, Card]] = {}

    def newest_first(self) -> list[Card]:
        """All runs as they are now."""
        runs = list(reversed(list_runs(self.base)))
        known, self._known = self._known, {}
        for run in runs:
            now = (is_held(run), *stamp(run))
            before = known.get(run.path)
            self._known[run.path] = before if before is not None and before[0] == now else (now, card(run))
        return [self._known[run.path][1] for run in runs]


def card(run: Run) -> Card:
    """One run, for a list."""
    return _card(run, _verdict(run, _lines(run)), run.sample_steps())


def look(run: Run) -> Look:
    """One run, as it stands now; what is broken is left out."""
    lines, steps = _lines(run), run.sample_steps()
    diagnosis = _verdict(run, lines)
    return Look(_card(run, diagnosis, steps), lines, _facts(run), diagnosis, steps, _tail(run.log_file))


def stamp(run: Run) -> tuple[object, ...]:
    """What changes when a page about the run would."""
    return (
        *(_changed(path) for path in (run.history_file, run.log_file, run.diagnosis_file, run.status_file, run.report_file)),
        run.exists,
    )


def _card(run: Run, diagnosis: Diagnosis, steps: list[int]) -> Card:
    return Card(summary(run), diagnosis.verdict, steps[-1] if steps else None)


def _lines(run: Run) -> list[Line]:
    try:
        return [line for line in history.read(run) if all(isinstance(line.get(key), int | float) for key in ("step", "images"))]
    except MulliganError:
        return []


def _facts(run: Run) -> Facts | None:
    try:
        return facts.read(run)
    except MulliganError:
        return None


def _verdict(run: Run, lines: list[Line]) -> Diagnosis:
    try:
        return diagnose(lines, run.read_recipe().horizon)
    except MulliganError:
        return diagnose(lines)


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LOG))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
