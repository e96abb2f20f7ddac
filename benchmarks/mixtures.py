"""Train `modern` on the two mixtures of Gaussians, ten seeds each, and write how many modes it finds, how well and in what time.

    python benchmarks/mixtures.py                    each seed a run of its own, timed as a whole, one after the other
    python benchmarks/mixtures.py --together         the same seeds at once (`mulligan study`): quicker, and without times of single runs
    python benchmarks/mixtures.py --only ring --seeds 0-2 KEY=VALUE ...

Writes benchmarks/results/mixtures.json and prints the table for the docs. The protocol is that of `mulligan study`: 2,500 samples of the
averaged generator, latents of seed + 1. A time is the wall time of `train`, with compilation, reports and figures; time on a quiet machine.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from mulligan.metrics.modes import mixture_modes
from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.sampling.asked import parse_seeds
from mulligan.sampling.model import Model
from mulligan.verbs import Quiet, study, train
from mulligan.verbs.studying import SAMPLES, centres_of

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mixtures.json"
SETS = ("ring", "grid")
WIDTHS = (0.7, 1.3)
GOALS = {"ring": {"high_quality": 0.95, "kl": 0.02}, "grid": {"high_quality": 0.90, "kl": 0.02}}
MOST_SECONDS = 60.0


def alone(source: str, seed: int, settings: list[str], folder: Path) -> dict[str, Any]:
    """Train one seed as a run of its own, and judge its model."""
    recipe, dataset = resolve(source, "modern", settings, seed)
    begun = time.perf_counter()
    outcome = train(recipe, dataset, run=folder, audience=Quiet(), command=["benchmarks/mixtures.py"])
    seconds = time.perf_counter() - begun
    centres = centres_of(source)
    assert centres is not None, source
    samples = Model.load(outcome.run / "model").sample(range(SAMPLES), seed=seed + 1)
    found = mixture_modes(torch.as_tensor(samples), centres.centres, centres.deviation)
    return {"seed": seed, "seconds": round(seconds, 1), "steps": outcome.steps, **asdict(found)}


def at_once(source: str, seeds: tuple[int, ...], settings: list[str], folder: Path) -> list[dict[str, Any]]:
    """Train all seeds together, and judge each; a seed that was lost has no figures."""
    recipe, dataset = resolve(source, "modern", settings)
    found = study(recipe, dataset, seeds=seeds, to=folder, audience=Quiet(), command=["benchmarks/mixtures.py"])
    return [
        {"seed": each.seed, "seconds": None, "steps": found.steps, **({} if each.modes is None else asdict(each.modes))}
        for each in found.seeds
    ]


def reached(source: str, row: dict[str, Any]) -> bool:
    """Whether a seed is where it should be: every mode, quality, evenness, width, and the time where it is known."""
    goal, width = GOALS[source], row.get("width")
    return (
        row.get("modes", 0) == row.get("of", -1)
        and row["high_quality"] >= goal["high_quality"]
        and row["kl"] <= goal["kl"]
        and width is not None
        and WIDTHS[0] <= width <= WIDTHS[1]
        and (row["seconds"] is None or row["seconds"] <= MOST_SECONDS)
    )


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """The rows for the docs: medians, and the worst of all seeds behind them."""
    lines = ["| data | seeds that reach the goal | modes | high quality | KL | width | seconds |", "|---|---|---|---|---|---|---|"]
    for source, rows in results.items():
        judged = [row for row in rows if "modes" in row]
        cells = [source, f"{sum(reached(source, row) for row in judged)} of {len(rows)}"]
        for name, form, worst in (
            ("modes", "{:.0f}", min),
            ("high_quality", "{:.1%}", min),
            ("kl", "{:.4f}", max),
            ("width", "{:.2f}", min),
        ):
            values = [row[name] for row in judged if row[name] is not None]
            cells.append(f"{form.format(statistics.median(values))} ({form.format(worst(values))})" if values else "")
        times = [row["seconds"] for row in rows if row["seconds"] is not None]
        cells.append(f"{statistics.median(times):.0f} ({max(times):.0f})" if times else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--only", choices=SETS)
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--together", action="store_true")
    asked = parser.parse_args()
    seeds, results = parse_seeds(asked.seeds), {}
    for source in [asked.only] if asked.only else SETS:
        with tempfile.TemporaryDirectory() as folder:
            if asked.together:
                results[source] = at_once(source, seeds, asked.settings, Path(folder) / "study")
            else:
                results[source] = []
                for seed in seeds:
                    results[source].append(alone(source, seed, asked.settings, Path(folder) / str(seed)))
                    print(source, results[source][-1], file=sys.stderr, flush=True)
    found = {
        "schema_version": 1,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": environment.processor(),
        "cores": environment.cores(),
        "torch": torch.__version__,
        "together": asked.together,
        "settings": asked.settings,
        "results": results,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
