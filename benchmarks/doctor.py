"""Break trainings on purpose and count what the doctor notices: detection, false alarms, and what repair saves.

    python benchmarks/doctor.py record --to DIR [images points repair]   trains healthy and broken runs; goes on where it stopped
    python benchmarks/doctor.py judge --from DIR                         verdicts on what was recorded, as a table
    python benchmarks/doctor.py publish --from DIR                       the same into benchmarks/results/doctor.json and docs/doctor.md

A record is the history that a run has written: rules are judged on it again in seconds. Thresholds were chosen on the faults marked
`tuned` (and half of the healthy runs, those of even seeds); what is published is counted on the others.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breaking import FAULTS
from broken_runs import POINT_BATCH, POINT_STEPS, record

from mulligan.diagnostics.diagnosis import diagnose

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "doctor.json"
PAGE = ROOT / "docs" / "doctor.md"
START, END = "<!-- fault suite -->", "<!-- /fault suite -->"
WITHIN = 0.10  # share of a run's length after the onset in which a fault is to be noticed
NO_FAULT = ("healthy", "warming-up")


@dataclass(frozen=True)
class Outcome:
    """What the doctor said of one run: at each report a verdict, by share of the horizon."""

    kind: str
    data: str
    recipe: str
    fault: str | None
    strength: float
    onset: float
    seed: int
    verdicts: tuple[tuple[float, str], ...]
    repairs: int

    @property
    def noticed(self) -> float | None:
        """Share of the horizon at which a fault was first named, from the onset on; None if never."""
        return next((where for where, verdict in self.verdicts if verdict not in NO_FAULT and where >= self.onset), None)

    @property
    def in_time(self) -> bool:
        """Whether that was within a tenth of the run after the onset."""
        return self.noticed is not None and self.noticed <= self.onset + WITHIN + 1e-9

    @property
    def early(self) -> bool:
        """Whether a fault was named before there was one."""
        return any(verdict not in NO_FAULT for where, verdict in self.verdicts if where < self.onset)

    @property
    def last(self) -> str:
        """The verdict at the end."""
        return self.verdicts[-1][1]


def outcomes(folder: Path) -> list[Outcome]:
    """The verdicts on everything recorded: the rules as they are now, at every report of each run."""
    found = []
    for file in sorted(folder.glob("*.json")):
        record = json.loads(file.read_text())
        for run in record["runs"]:
            lines = [line for line in run["lines"] if "repair" not in line]
            verdicts = []
            for place, line in enumerate(lines):
                where = line.get("progress") or line["step"] / (POINT_STEPS * POINT_BATCH)
                horizon = POINT_STEPS * POINT_BATCH if record["kind"] == "points" else None
                verdicts.append((round(where, 4), diagnose(lines[: place + 1], horizon).verdict))
            if run["given_up"] is not None:
                verdicts.append((run["given_up"], "diverged"))
            facts = {key: record[key] for key in ("kind", "data", "recipe", "fault", "strength", "onset")}
            found.append(Outcome(**facts, seed=run["seed"], verdicts=tuple(verdicts), repairs=run["repairs"]))
    return found


def interval(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson 1927 (Journal of the American Statistical Association 22).

    >>> [round(end, 3) for end in interval(9, 10)]
    [0.596, 0.982]
    """
    if of == 0:
        return (0.0, 1.0)
    z = 1.959964
    share, room = hits / of, 1 + z * z / of
    middle = (share + z * z / (2 * of)) / room
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / room
    return (max(middle - half, 0.0), min(middle + half, 1.0))


def counted(found: Sequence[Outcome], tuned: bool) -> dict[str, Any]:
    """Shares with intervals, of the half that thresholds were chosen on, or of the other."""
    by_name = {fault.name: fault for fault in FAULTS}
    table: dict[str, Any] = {}
    for kind in ("images", "points"):
        broken = [one for one in found if one.kind == kind and one.fault is not None and by_name[one.fault].tuned == tuned]
        healthy = [one for one in found if one.kind == kind and one.fault is None and (one.seed % 2 == 0) == tuned]
        ends = [one.last not in NO_FAULT for one in healthy]
        table[kind] = {
            "noticed in time": _share([one.in_time for one in broken]),
            "noticed by the end": _share([one.noticed is not None for one in broken]),
            "named rightly by the end": _share([_named(one) for one in broken]),
            "alarm before the fault": _share([one.early for one in broken if one.onset > 0]),
            "false alarm at the end of a healthy run": _share(ends),
            "false alarm at any report of a healthy run": _share([one.noticed is not None for one in healthy]),
        }
    return table


def _named(one: Outcome) -> bool:
    """Whether any verdict after the onset is among those that name the fault."""
    known = next(fault for fault in FAULTS if fault.name == one.fault)
    return any(verdict in known.named for where, verdict in one.verdicts if where >= one.onset)


def _share(hits: Sequence[bool]) -> dict[str, Any]:
    low, high = interval(sum(hits), len(hits))
    return {"hits": sum(hits), "of": len(hits), "low": round(low, 3), "high": round(high, 3)}


def families(found: Sequence[Outcome]) -> list[dict[str, Any]]:
    """A row for each fault and strength: how many were noticed, when, and as what."""
    rows = []
    for kind in ("images", "points"):
        for name, strength in sorted({(one.fault, one.strength) for one in found if one.kind == kind and one.fault is not None}):
            ones = [one for one in found if (one.kind, one.fault, one.strength) == (kind, name, strength)]
            last = sorted({one.last for one in ones}, key=lambda verdict: -sum(one.last == verdict for one in ones))
            delays = sorted(one.noticed - one.onset for one in ones if one.noticed is not None)
            rows.append(
                {
                    "kind": kind,
                    "fault": name,
                    "strength": strength,
                    "runs": len(ones),
                    "in time": sum(one.in_time for one in ones),
                    "by the end": len(delays),
                    "median delay": delays[len(delays) // 2] if delays else None,
                    "verdicts at the end": ", ".join(last),
                }
            )
    return rows


def table(found: Sequence[Outcome]) -> str:
    """Everything as Markdown."""
    lines = []
    for tuned, title in ((False, "Faults and runs that no threshold was chosen on"), (True, "Those that thresholds were chosen on")):
        lines += [f"### {title}", "", "| | images | points |", "|---|---|---|"]
        kinds = counted(found, tuned)
        for what in kinds["images"]:
            lines.append(f"| {what} | {_cell(kinds['images'][what])} | {_cell(kinds['points'][what])} |")
        lines.append("")
    lines += [
        "### By fault",
        "",
        "| | fault | strength | noticed in time | by the end | median delay | verdicts at the end |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in families(found):
        delay = "-" if row["median delay"] is None else f"{row['median delay']:.0%}"
        cells = (
            row["kind"],
            row["fault"],
            f"{row['strength']:g}",
            f"{row['in time']} of {row['runs']}",
            f"{row['by the end']} of {row['runs']}",
        )
        lines.append("| " + " | ".join((*cells, delay, row["verdicts at the end"])) + " |")
    repaired = [one for one in found if one.kind == "repair"]
    if repaired:
        saved = [one.last in NO_FAULT for one in repaired]
        lines += [
            "",
            f"With `repair=on`, {sum(saved)} of {len(saved)} runs with broken settings end without a fault ({_cell(_share(saved))}).",
        ]
    return "\n".join(lines)


def _cell(share: dict[str, Any]) -> str:
    if not share["of"]:
        return "-"
    return f"{share['hits'] / share['of']:.0%} ({share['hits']} of {share['of']}; {share['low']:.0%} to {share['high']:.0%})"


def publish(folder: Path) -> None:
    """Write the results and the page's table."""
    found = outcomes(folder)
    RESULTS.parent.mkdir(exist_ok=True)
    kinds = {"published": counted(found, False), "tuned": counted(found, True), "families": families(found)}
    RESULTS.write_text(json.dumps(kinds, indent=1) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(START) + len(START), page.index(END)
    PAGE.write_text(page[:start] + "\n" + table(found) + "\n" + page[end:], encoding="utf-8")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "judge", "publish"))
    parser.add_argument("kinds", nargs="*", default=["images", "points"])
    parser.add_argument("--to", "--from", dest="folder", type=Path, required=True)
    asked = parser.parse_args()
    if asked.what == "record":
        record(asked.folder, asked.kinds)
    elif asked.what == "judge":
        print(table(outcomes(asked.folder)))
    else:
        publish(asked.folder)


if __name__ == "__main__":
    main()
