"""Are samples in bfloat16 as good as in float32 after equally many images?

    python benchmarks/precisions.py record --to DIR [SYSTEM ...]   trains and judges what is not there yet
    python benchmarks/precisions.py publish --from DIR             benchmarks/results/precisions.json and the table of docs/speed.md

The image systems of `steps.py`, and `fast`, three seeds each in both precisions, 64,000 images, not compiled: a compiled step rounds less
often, since what it fuses stays in float32. Equal is what is no worse than the worst seed in float32: the median of bfloat16.
"""

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cells
from systems import DIGITS, PRECISIONS, SYSTEMS, images_of

from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.verbs import Quiet, evaluate, train

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "precisions.json"
PAGE = ROOT / "docs" / "speed.md"
FAST = ("fast-digits", "fast-fashion")
SEEDS = 3
IMAGES = 64_000


def names() -> list[str]:
    """What is compared: systems of images, and `fast` on two sets."""
    with tempfile.TemporaryDirectory() as folder:
        return [name for name, system in SYSTEMS.items() if images_of(system.resolved(Path(folder))[1]) is not None] + list(FAST)


def record(folder: Path, asked: Sequence[str]) -> None:
    """Train and judge what has no result yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in asked or names():
        for seed in range(SEEDS):
            for precision in PRECISIONS:
                file = folder / f"{name}-{precision}-{seed}.json"
                if not file.exists():
                    print(file.stem, file=sys.stderr, flush=True)
                    found = trained(name, file.with_suffix(""), folder, precision, seed)
                    file.write_text(json.dumps({"system": name, "precision": precision, "seed": seed, **found}) + "\n")


def trained(name: str, run: Path, folder: Path, precision: str, seed: int) -> dict[str, Any]:
    """What a run comes to: Fréchet distances in the features of the judge of digits or fashion, where there is one, and of random ones."""
    settings = (f"horizon={IMAGES}", "machine.compile=off", f"machine.precision={precision}", "keeping.reports=4")
    if name in FAST:
        recipe, dataset = resolve(name.removeprefix("fast-"), "fast", settings, seed)
    else:
        recipe, dataset = SYSTEMS[name].resolved(folder, settings)
        recipe = recipe.model_copy(update={"seed": seed})
    train(recipe, dataset, run=run, audience=Quiet(), command=["benchmarks/precisions.py"])
    judged = SYSTEMS[name].source if name in SYSTEMS else name.removeprefix("fast-")
    card = evaluate(run, features=("random",) if judged not in (DIGITS, "fashion") else (judged,))
    figure = next(figure for figure in card.figures if re.fullmatch(r"fd_[a-z]+", figure))
    return {"figure": figure, "value": card[figure].value, "floor": card[figure].floor, "processor": environment.processor()}


def publish(folder: Path) -> None:
    """Results and table."""
    rows = cells.rows_in(folder)
    cells.keep(rows, RESULTS)
    cells.put(PAGE, "precisions", table(rows))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """For each system the distances in both precisions, and whether bfloat16 is as good."""
    lines = ["| system | distance | float32 (its seeds) | bfloat16 (its seeds) | as good |", "|---|---|---:|---:|---|"]
    for name in dict.fromkeys(row["system"] for row in rows):
        found = values(rows, name)
        medians = [f"{statistics.median(seeds):.3g} ({min(seeds):.3g} to {max(seeds):.3g})" for seeds in found.values()]
        figure = next(row["figure"] for row in rows if row["system"] == name)
        lines.append(f"| {name} | {figure} | {' | '.join(medians)} | {'yes' if equal(rows, name) else 'no'} |")
    processors = sorted({row["processor"] for row in rows})
    return "\n".join([*lines, "", f"{IMAGES:,} images, {SEEDS} seeds; {', '.join(processors)}."])


def values(rows: Sequence[dict[str, Any]], name: str) -> dict[str, list[float]]:
    """Distances of a system by precision."""
    return {precision: [row["value"] for row in rows if (row["system"], row["precision"]) == (name, precision)] for precision in PRECISIONS}


def equal(rows: Sequence[dict[str, Any]], name: str) -> bool:
    """Whether the median in bfloat16 is no worse than the worst seed in float32; False where it was not measured."""
    found = values(rows, name)
    return all(found.values()) and statistics.median(found["bfloat16"]) <= max(found["float32"])


def equal_in_bfloat16() -> list[str]:
    """The systems that were published as equal."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    return [name for name in dict.fromkeys(row["system"] for row in rows) if equal(rows, name)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Record or publish."""
    cells.main(__doc__, "systems of steps.py, or fast-digits, fast-fashion", record, publish, arguments)


if __name__ == "__main__":
    main()
