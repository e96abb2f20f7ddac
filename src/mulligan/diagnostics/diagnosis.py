"""From a history to a verdict: every rule looks, the gravest finding gives the word.

A rule is a file in this folder with `examine(seen) -> Finding | None`; a new file is a new rule. Where several find something, the order
below decides; rules that it does not name come after those that it does.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from mulligan import find
from mulligan.diagnostics.finding import Diagnosis, Finding
from mulligan.diagnostics.seen import Line, Seen, limit_above, number
from mulligan.runs import safe_json
from mulligan.runs.folder import Run
from mulligan.runs.writing import write_text

HEALTHY, WARMING_UP = "healthy", "warming-up"
EARLY = ("bad-data", "diverged")  # what is a finding from the first report on
GRAVITY = (
    *EARLY,
    "memorising",
    "mode-collapse",
    "discriminator-wins",
    "generator-wins",
    "mode-dropping",
    "oscillating",
    "overfitting-discriminator",
    WARMING_UP,
)
UNEXPLAINED = 0.5  # distance above that of real data, in units of what the mean of the data scores
NEEDED = ("probe.coverage", "probe.distance")


def diagnose(lines: Sequence[Line], horizon: float | None = None, snapshot: bool = False, notes: Iterable[str] = ()) -> Diagnosis:
    """The verdict on a history.

    lines: as in history.jsonl, oldest first. horizon: images (or steps, where lines have no images) after which training ends, for
    lines that do not say how far they are. snapshot: the only line is a look at samples without a history, so rules that need one are
    silent. notes: what else a reader should know.

    >>> diagnose([{"step": 0, "images": 0}], horizon=1000).verdict
    'warming-up'
    """
    seen = Seen([_with_progress(line, horizon) for line in lines if isinstance(line.get("step", 0), int)], snapshot)
    told = list(notes)
    if seen.lines and not all(key in seen.last for key in NEEDED):
        told.append("the history has no probes of samples: it was written before there were any, or the data are too few")
    findings = sorted(_findings(seen), key=lambda found: _gravity(found.name))
    distance = number(seen.last, "probe.distance")
    limit = limit_above(seen.last, "probe.distance", UNEXPLAINED)
    if not findings and distance is not None and distance > limit:
        told.append(f"no rule names a fault, but the distance of samples to the data is {distance:.3g} (limit {limit:.3g})")
    step = seen.last.get("step") if not snapshot else None
    return Diagnosis(findings[0].name if findings else HEALTHY, tuple(findings), step, tuple(told))


def rules() -> dict[str, Any]:
    """Every rule by the name of its verdict.

    >>> "mode-collapse" in rules()
    True
    """
    return {name: find.load("diagnostics", name) for name in find.names("diagnostics")}


def write(run: Run, diagnosis: Diagnosis, caption: str = "") -> None:
    """Write diagnosis.json; caption: of diagnosis.png beside it. Raises DiskError."""
    write_text(run.diagnosis_file, safe_json.dumps({**diagnosis.as_dict(), "picture": caption}))


def _findings(seen: Seen) -> list[Finding]:
    if not seen.lines:
        return []
    found = []
    for name, rule in rules().items():
        if name in EARLY or name == WARMING_UP or seen.warm:
            finding = find.attribute(rule, "examine")(seen)
            if finding is not None:
                found.append(finding)
    # A run that has another fault does not merely warm up
    return [finding for finding in found if finding.name != WARMING_UP] or found


def _gravity(name: str) -> int:
    return GRAVITY.index(name) if name in GRAVITY else len(GRAVITY) - 1


def _with_progress(line: Line, horizon: float | None) -> Line:
    if "progress" in line or not horizon:
        return line
    where = number(line, "images")
    where = number(line, "step") if where is None else where
    return line if where is None else {**line, "progress": where / horizon}
