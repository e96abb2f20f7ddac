"""What the times of `steps.py` come to: rows, goals, tables, and the page that they are published on."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from precisions import equal_in_bfloat16
from systems import (
    BOUNDS,
    BYTES,
    COMPILED,
    EMPTY,
    FUSED,
    GOALS,
    LARGEST,
    PLAIN,
    SYSTEMS,
    Goal,
)
from timing import Times, quartiles, ratios

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "steps.json"
PAGE = ROOT / "docs" / "speed.md"
START, END = "<!-- steps -->", "<!-- /steps -->"


def rows(times: Times) -> list[dict[str, Any]]:
    """A row for each loop and precision: seconds of a step, and medians of ratios over the rounds, with quartiles."""
    found = []
    for (loop, precision), blocks in times.items():
        every = [seconds for block in blocks for seconds in block]
        low, high = quartiles(every)
        to_plain = ratios(blocks, times[PLAIN, "float32"])
        lower, upper = quartiles(to_plain)
        found.append(
            {
                "loop": loop,
                "precision": precision,
                "seconds": statistics.median(every),
                "low": low,
                "high": high,
                "to plain": statistics.median(to_plain),
                "to plain, low": lower,
                "to plain, high": upper,
                "to fused": statistics.median(ratios(blocks, times[FUSED, "float32"])),
            }
        )
    return found


def judged(system: str, times: Times, has_bfloat16: bool) -> list[dict[str, Any]]:
    """The goals of a system that what was timed can be held against, with the figure, and whether it was reached."""
    found = []
    for goal in (goal for goal in GOALS if goal.system == system):
        figures = _figures(goal, times)
        if not figures:
            continue
        figure = statistics.median(figures)
        low, high = quartiles(figures)
        remark = "" if goal.precision == "float32" else _remark(system, has_bfloat16)
        found.append(
            {
                "goal": goal.said,
                "precision": goal.precision,
                "wanted": goal.factor,
                "measured": figure,
                "low": low,
                "high": high,
                "reached": figure <= goal.factor if goal.than == LARGEST else figure >= goal.factor,
                "remark": remark,
            }
        )
    return found


def _figures(goal: Goal, times: Times) -> list[float]:
    """By round, how many times as fast Mulligan is as the other; against the bounds, how many times as slow. Empty where one is missing."""
    ours = times.get((COMPILED, goal.precision))
    if ours is None:
        return []
    if goal.than == LARGEST:
        bounds = [
            blocks for (loop, precision), blocks in times.items() if loop in BOUNDS and precision in (goal.precision, *_of_both(loop))
        ]
        return [min(each) for each in zip(*(ratios(ours, blocks) for blocks in bounds), strict=True)]
    theirs = times.get((goal.than, goal.precision)) or times.get((goal.than, "float32"))  # originals have one precision
    return [] if theirs is None else ratios(theirs, ours)


def _of_both(bound: str) -> tuple[str, ...]:
    """Precisions of a bound that is the same in all."""
    return ("float32",) if bound in (BYTES, EMPTY) else ()


def _remark(system: str, has_bfloat16: bool) -> str:
    """Why a row in bfloat16 does not count; empty where it does."""
    reasons = [] if has_bfloat16 else ["this processor has no bfloat16 instructions"]
    if system not in equal_in_bfloat16():
        reasons.append("samples in bfloat16 were not shown to be as good at equal images")
    return f"does not count: {'; '.join(reasons)}" if reasons else ""


def markdown(found: Sequence[dict[str, Any]]) -> str:
    """Goals, rows, and what they were measured on."""
    lines = ["| system | precision | goal | measured (quartiles) | |", "|---|---|---|---:|---|"]
    for system in found:
        for goal in system["goals"]:
            verdict = f"{'reached' if goal['reached'] else 'missed'}{' *' if goal['remark'] else ''}"
            measured = f"{goal['measured']:.2f} ({goal['low']:.2f} - {goal['high']:.2f})"
            lines.append(f"| {_name(system)} | {goal['precision']} | {goal['goal']} | {measured} | {verdict} |")
    remarks = {goal["remark"] for system in found for goal in system["goals"] if goal["remark"]}
    lines += [line for remark in sorted(remarks) for line in ("", f"\\* {remark}.")]
    lines += [
        "",
        "| system | loop | precision | threads | ms a step (quartiles) | to plain (quartiles) | to plain with fused Adam |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for system in found:
        for row in system["rows"]:
            milliseconds = f"{_ms(row['seconds'])} ({_ms(row['low'])} - {_ms(row['high'])})"
            to_plain = f"{row['to plain']:.2f} ({row['to plain, low']:.2f} - {row['to plain, high']:.2f})"
            cells = (_name(system), row["loop"], row["precision"], system["threads"], milliseconds, to_plain, f"{row['to fused']:.2f}")
            lines.append(f"| {' | '.join(map(str, cells))} |")
    lines.append("")
    lines += sorted({f"Left out: {line}." for system in found for line in system["left out"]})
    told: dict[str, list[str]] = {}
    for system in found:
        blocks = f"{system['rounds']} blocks"
        told.setdefault(", ".join([*(f"{name} {value}" for name, value in system["machine"].items()), blocks]), []).append(_name(system))
    lines += [f"Measured ({', '.join(systems)}): {what}." for what, systems in told.items()]
    return "\n".join(lines)


def _name(system: dict[str, Any]) -> str:
    return str(system["system"]) if system["device"] == "cpu" else f"{system['system']} on {system['device']}"


def _ms(seconds: float) -> str:
    """Milliseconds with three digits.

    >>> _ms(0.2), _ms(0.01234), _ms(0.0000012)
    ('200', '12.3', '0.0012')
    """
    milliseconds = seconds * 1e3
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}" if milliseconds >= 0.01 else f"{milliseconds:.4f}"


def publish(found: Sequence[dict[str, Any]]) -> None:
    """Put systems in the place of what was published of them, and write the page's tables anew."""
    known = json.loads(RESULTS.read_text()).get("systems", []) if RESULTS.exists() else []
    every = {(system["device"], system["system"]): system for system in [*known, *found]}
    order = list(SYSTEMS)
    systems = [every[key] for key in sorted(every, key=lambda key: (key[0], order.index(key[1])))]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"systems": systems}, indent=1) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(START) + len(START), page.index(END)
    PAGE.write_text(page[:start] + "\n" + markdown(systems) + "\n" + page[end:], encoding="utf-8")
