"""Break trainings on purpose and count what the doctor notices: detection, false alarms, and what repair saves.

    python benchmarks/doctor.py record [images points repair] --to DIR   trains healthy and broken runs; goes on where it stopped
    python benchmarks/doctor.py judge --from DIR                         verdicts on what was recorded, as a table
    python benchmarks/doctor.py publish --from DIR                       the same into benchmarks/results/doctor.json and docs/doctor.md

A record is the history that a run has written: rules are judged on it again in seconds. Thresholds were chosen on the faults marked
`tuned` (and half of the healthy runs, those of even seeds); what is published is counted on the others.

Whether a run was harmed, and since when, is not for the doctor to say: the referee is the distance of samples to real ones in the data's
own space (sliced Wasserstein over pixels or coordinates), beside the median of the runs of `REFEREES` on that data at the same time. A run
is harmed since the first report from which on it is above `HARM` times that, to the end. A fault that harms nothing is listed and not
counted: nobody can notice what did not happen; and a recipe that is still that far off when its time is over is no healthy run.
"""

import argparse
import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from breaking import FAULTS
from broken_runs import POINT_BATCH, POINT_STEPS, record

from mulligan.diagnostics.diagnosis import diagnose

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "doctor.json"
PAGE = ROOT / "docs" / "doctor.md"
START, END = "<!-- fault suite -->", "<!-- /fault suite -->"
HARM = 2.0  # times the referees' distance
REFEREES = ("modern",)  # the healthy runs whose median distance is the measure
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
    distances: tuple[tuple[float, float], ...]  # of the referee
    harmed: float | None = None  # share of the horizon from which on it was; None if it was not
    excess: float = math.inf  # distance at the end, in times the referees'

    @property
    def noticed(self) -> float | None:
        """Share of the horizon at which a fault was first named, from the onset on; None if never."""
        return next((where for where, verdict in self.verdicts if verdict not in NO_FAULT and where >= self.onset), None)

    @property
    def delay(self) -> float | None:
        """From the harm to the first name of a fault; 0 where it was named before."""
        return None if self.noticed is None or self.harmed is None else max(self.noticed - self.harmed, 0.0)

    @property
    def in_time(self) -> bool:
        """Whether that was within a tenth of the run after the harm had begun."""
        return self.delay is not None and self.delay <= WITHIN + 1e-9

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
            horizon = POINT_STEPS * POINT_BATCH if record["kind"] == "points" else None
            times: list[float] = [round(line.get("progress") or line["step"] / (POINT_STEPS * POINT_BATCH), 4) for line in lines]
            verdicts = [(where, diagnose(lines[: place + 1], horizon).verdict) for place, where in enumerate(times)]
            distances = [(where, _distance(record["kind"], line)) for where, line in zip(times, lines, strict=True)]
            if run["given_up"] is not None:
                verdicts.append((run["given_up"], "diverged"))
                distances.append((run["given_up"], math.inf))
            facts = {key: record[key] for key in ("kind", "data", "recipe", "fault", "strength", "onset")}
            found.append(Outcome(**facts, seed=run["seed"], verdicts=tuple(verdicts), repairs=run["repairs"], distances=tuple(distances)))
    usual = {key: _usual([one for one in found if _set(one) == key]) for key in {_set(one) for one in found}}
    return [replace(one, harmed=_harmed(one, usual[_set(one)]), excess=_excess(one, usual[_set(one)])) for one in found]


def _set(one: Outcome) -> tuple[bool, str]:
    return one.kind == "points", one.data


def _distance(kind: str, line: dict[str, Any]) -> float:
    value = line.get("probe.distance" if kind == "points" else "distance")
    return math.inf if value is None else float(value)


def _usual(found: Sequence[Outcome]) -> dict[float, float]:
    """Median distance of the referees at each time."""
    referees = [dict(one.distances) for one in found if one.fault is None and one.recipe in REFEREES]
    return {where: statistics.median([each[where] for each in referees if where in each]) for where in set().union(*referees)}


def _excess(one: Outcome, usual: dict[float, float]) -> float:
    return one.distances[-1][1] / usual[max(usual)] if usual else math.inf


def _harmed(one: Outcome, usual: dict[float, float]) -> float | None:
    """The time from which on it was farther off than the referees, and stayed so; never before the onset of a fault."""
    since = None
    for where, distance in reversed(one.distances):
        nearest = min(usual, key=lambda time: abs(time - where), default=None)
        if nearest is None or distance <= HARM * usual[nearest]:
            break
        since = where
    return None if since is None else max(since, one.onset)


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
        ones = [one for one in found if one.kind == kind]
        broken = [one for one in ones if one.fault is not None and by_name[one.fault].tuned == tuned]
        harmed = [one for one in broken if one.harmed is not None]
        healthy = [one for one in ones if one.fault is None and (one.seed % 2 == 0) == tuned and one.harmed is None]
        table[kind] = {
            "noticed in time": _share([one.in_time for one in harmed]),
            "noticed by the end": _share([one.noticed is not None for one in harmed]),
            "named rightly by the end": _share([_named(one) for one in harmed]),
            "alarm before the fault": _share([one.early for one in broken if one.onset > 0]),
            "false alarm at the end of a healthy run": _share([one.last not in NO_FAULT for one in healthy]),
            "false alarm at any report of a healthy run": _share([one.noticed is not None for one in healthy]),
            "faults that did no harm": _share([one.harmed is None for one in broken]),
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
            last = sorted({one.last for one in ones}, key=lambda verdict: (-sum(one.last == verdict for one in ones), verdict))
            harmed = [one for one in ones if one.harmed is not None]
            delays = sorted(one.delay for one in harmed if one.delay is not None)
            rows.append(
                {
                    "kind": kind,
                    "fault": name,
                    "strength": strength,
                    "runs": len(ones),
                    "harmed": len(harmed),
                    "in time": sum(one.in_time for one in harmed),
                    "by the end": len(delays),
                    "median delay": delays[len(delays) // 2] if delays else None,
                    "verdicts at the end": ", ".join(last),
                }
            )
    return rows


def repaired(found: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    """The runs with broken settings that were trained twice: as they are, and with repair=on."""
    known = {(one.data, one.recipe, one.fault, one.strength, one.seed): one for one in found if one.kind == "unrepaired"}
    again = [one for one in found if one.kind == "repair"]
    pairs = [(known.get((one.data, one.recipe, one.fault, one.strength, one.seed)), one) for one in again]
    return [(before, after) for before, after in pairs if before is not None]


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
        "| | fault | strength | harmed | of these noticed in time | by the end | median delay | verdicts at the end |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in families(found):
        delay = "-" if row["median delay"] is None else f"{row['median delay']:.0%}"
        cells = (
            row["kind"],
            row["fault"],
            f"{row['strength']:g}",
            f"{row['harmed']} of {row['runs']}",
            f"{row['in time']} of {row['harmed']}",
            f"{row['by the end']} of {row['harmed']}",
        )
        lines.append("| " + " | ".join((*cells, delay, row["verdicts at the end"])) + " |")
    pairs = repaired(found)
    if pairs:
        harmed = [pair for pair in pairs if pair[0].harmed is not None]
        saved = [after.harmed is None for _, after in harmed]
        nearer = sum(before.excess > 1.1 * after.excess for before, after in harmed)
        farther = sum(after.excess > 1.1 * before.excess for before, after in harmed)
        lines += [
            "",
            "### What `repair=on` saves",
            "",
            "Runs of `modern` on small nets with the loss of least squares on fashion whose settings are broken from the start: of those "
            f"that are harmed, {_cell(_share(saved))} are not when the same is trained with `repair=on`; {nearer} end nearer to the "
            f"healthy ones by more than a tenth, {farther} farther. The distance at the end is in times that of the referees. Remedies "
            "were chosen with other runs in view, of the same nets with their own loss on digits and fashion.",
            "",
            "| fault | strength | distance without | with | repairs | verdict at the end without | with |",
            "|---|---|---|---|---|---|---|",
        ]
        for before, after in pairs:
            distances = f"{before.excess:.1f} | {after.excess:.1f}"
            lines.append(f"| {before.fault} | {before.strength:g} | {distances} | {after.repairs} | {before.last} | {after.last} |")
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
    kinds["repaired"] = [
        {"fault": before.fault, "strength": before.strength, "without": before.excess, "with": after.excess, "repairs": after.repairs}
        for before, after in repaired(found)
    ]
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
