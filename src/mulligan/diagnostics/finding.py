"""What a rule says, and what the doctor says of all of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Finding:
    """A fault, with what shows it and what mends it.

    name: the verdict it stands for. evidence: a sentence with the numbers that decided, each beside its limit. since_step: the first
    step of those at which it has held without a break; None for samples without a history. remedy: a sentence. change: the same for a
    program: what to change, to a number that multiplies it or a value (`rate`, `penalty`, `discriminator.rate`, `packing`, ...).
    signals: names of the independent signals that agree; what acts on a finding should ask for two. curve: keys of the history that
    show it.
    """

    name: str
    evidence: str
    since_step: int | None
    remedy: str
    change: Mapping[str, float | str] = field(default_factory=dict)
    signals: tuple[str, ...] = ()
    curve: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """The verdict in one word, and the findings behind it, the gravest first.

    notes: what could not be looked at, and why.

    >>> Diagnosis("healthy").as_dict()["verdict"]
    'healthy'
    """

    verdict: str
    findings: tuple[Finding, ...] = ()
    step: int | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and words, ready for JSON."""
        findings = [{**asdict(found), "change": dict(found.change), "signals": list(found.signals)} for found in self.findings]
        for found in findings:
            found["curve"] = list(found["curve"])
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": self.verdict,
            "step": self.step,
            "findings": findings,
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """The same for people."""
        told = [f"verdict: {self.verdict}"]
        for found in self.findings:
            since = "" if found.since_step is None else f" (since step {found.since_step:,})"
            told += [f"{found.name}{since}: {found.evidence}", f"  remedy: {found.remedy}"]
        return told + [f"note: {note}" for note in self.notes]
