"""Train every recipe for its full length once, and publish what was measured: README's table, docstrings, pictures.

    python benchmarks/recipes.py train --runs DIR [NAME ...]    trains what is not finished there yet; interrupt and repeat as you like
    python benchmarks/recipes.py judge --runs DIR               the score card of every run that is finished there, of 10,000 samples
    python benchmarks/recipes.py publish --runs DIR             writes benchmarks/results/recipes.json and whatever is made from it

A row comes from a run folder alone, so any run that `mulligan train` has finished there counts. What `make demo` shows is published too,
where DIR/demo is a run of `mulligan demo`.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mulligan import find
from mulligan.errors import DataError
from mulligan.resolve import resolve
from mulligan.runs import environment, facts, history
from mulligan.runs.folder import Run, list_runs
from mulligan.verbs import Quiet, evaluate, train

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "recipes.json"
PICTURES = ROOT / "docs" / "pictures"
START, END = "<!-- results -->", "<!-- /results -->"

# What is trained: each recipe on the set that it was published on, and where its introduction shows more than one, on those too.
PLAN = {
    "dense-dropout": ("fashion",),
    "shallow": ("mnist",),
    "shallow-deeper": ("mnist",),
    "shallow-conditional": ("mnist",),
    "autoencoder": ("mnist",),
    "dense-batchnorm": ("mnist", "fashion"),
    "points": ("parabola", "ring", "grid"),
    "dense-smooth": ("mnist",),
    "conv": ("fashion",),
    "modern": ("fashion",),
    "fast": ("digits", "fashion"),
}

DEMO = "demo"  # folder of the run that ends with the time of the demo, not with the length of its recipe

# Pictures that the pages show, beside the last grid of every run: name -> (folder, file in samples/).
SHOWN = {
    "progress-demo.gif": (DEMO, "progress.gif"),
    "points.gif": ("points-parabola", "progress.gif"),
}


class Teller(Quiet):
    """Sentences on stderr."""

    def say(self, text: str) -> None:
        """One line."""
        print(text, file=sys.stderr, flush=True)


def train_all(runs: Path, names: list[str], settings: list[str]) -> None:
    """Train the plan, or the recipes named, one after the other."""
    for name in names or PLAN:
        for source in PLAN[name]:
            try:
                recipe, dataset = resolve(source, name, settings)
            except DataError as error:
                print(f"{name}: {error.message}; digits instead", file=sys.stderr)
                recipe, dataset = resolve("digits", name, settings)
            train(recipe, dataset, run=runs / f"{name}-{recipe.data.source}", audience=Teller(), command=["benchmarks/recipes.py"])


def row(run: Run) -> dict[str, Any]:
    """The row of a finished run."""
    recipe, known = run.read_recipe(), facts.read(run)
    assert known is not None, run.path
    session = environment.sessions(run)[0]
    decisions = session["decisions"]
    counts = {player.name: player.trainable for player in known.players}
    found = {figure.name: [figure.value, figure.floor] for figure in known.figures}
    seconds = max(line["seconds"] for line in history.read(run))
    return {
        "recipe": recipe.name,
        "demo": run.path.name == DEMO,
        "data": recipe.data.source,
        "generator": counts.get("generator"),
        "discriminator": counts.get("discriminator"),
        "steps": known.progress.steps,
        "images": known.progress.images,
        "seconds": round(seconds, 1),
        "figures": {shown: found[name] for shown, name in _shown(found).items()},
        "threads": decisions["threads"],
        "compile": decisions["compile"],
        "processor": session["processor"],
        "cores": session["cores"],
        "torch": session["versions"]["torch"],
        "date": datetime.fromisoformat(session["started"]).astimezone(UTC).date().isoformat(),
    }


def _shown(found: Mapping[str, Any]) -> dict[str, str]:
    """The figures that are published, by the name of their column: the Fréchet distance is in the features of the set's own judge."""
    judged = next(name for name in found if name.startswith("fd") and not name.startswith("fd_random") and not name.endswith("_early"))
    return {"distance": "distance", judged: judged, "coverage": "coverage"}


def publish(runs: Path) -> None:
    """Write the results, and all that is made from them."""
    finished = [run for run in list_runs(runs) if run.status == "finished"]
    order = list(PLAN)
    found = [(row(run), run) for run in finished]
    rows = sorted((r for r, _ in found), key=lambda r: (order.index(r["recipe"]), r["data"], r["demo"]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    _replace_table(ROOT / "README.md", rows)
    PICTURES.mkdir(exist_ok=True)
    for r, run in found:
        shutil.copy(run.sample_grid(run.sample_steps()[-1]), PICTURES / picture(r))
    for name, (folder, file) in SHOWN.items():
        if any(run.path.name == folder for run in finished):
            shutil.copy(runs / folder / "samples" / file, PICTURES / name)
    for name in {r["recipe"] for r in rows}:
        _replace_docstring(name, [r for r in rows if r["recipe"] == name])


def picture(r: dict[str, Any]) -> str:
    """Name of the picture of a row: that of the recipe alone for the set that the recipe was published on, or what stands in for it."""
    if r["demo"]:
        return "demo.png"
    others = PLAN[r["recipe"]][1:]
    return f"recipe-{r['recipe']}-{r['data']}.png" if r["data"] in others else f"recipe-{r['recipe']}.png"


def measured(r: dict[str, Any]) -> str:
    """One line on a row, as it stands in a docstring."""
    figures = ", ".join(f"{name} {value:.3g} (real data {floor:.3g})" for name, (value, floor) in r["figures"].items())
    processor = re.sub(r"\(R\)|\(TM\)|CPU|Processor", "", r["processor"])
    machine = f"{r['threads']} thread{'s' if r['threads'] > 1 else ''} of {' '.join(processor.split())}, compile {r['compile']}"
    demo = " of the demo" if r["demo"] else ""
    return f"{r['data']}: {r['steps']:,} steps in {r['seconds'] / 60:.1f} minutes{demo} ({machine}, {r['date']}, one seed): {figures}."


def _replace_table(page: Path, rows: list[dict[str, Any]]) -> None:
    lines = [
        "| recipe | data | G / D weights | steps | cores | minutes | distance (real) | fd (real) | coverage (real) | samples |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        weights = f"{r['generator']:,} / {r['discriminator']:,}" if r["discriminator"] else f"{r['generator']:,} / none"
        cells = [f"{value:.3g} ({floor:.3g})" for value, floor in r["figures"].values()]
        shown = f"[picture](docs/pictures/{picture(r)})"
        name = f"`{r['recipe']}`, as in `make demo`" if r["demo"] else f"`{r['recipe']}`"
        lines.append(
            f"| {name} | {r['data']} | {weights} | {r['steps']:,} | {r['threads']} "
            f"| {r['seconds'] / 60:.1f} | {' | '.join(cells)} | {shown} |"
        )
    machines = sorted({f"{r['processor']} ({r['cores']} cores), torch {r['torch']}" for r in rows})
    dates = sorted({r["date"] for r in rows})
    note = (
        f"Measured by `benchmarks/recipes.py` on {'; '.join(machines)}, {' to '.join(sorted({dates[0], dates[-1]}))}, one seed each, "
        "on a machine shared with other work, so that times are upper bounds; the figures are those of the best checkpoint, by "
        "`mulligan evaluate`. Where a recipe was published on MNIST and the full set could not be had, `digits` was used, for as many "
        "updates as published."
    )
    before, _, rest = page.read_text().partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{START}\n" + "\n".join(lines) + f"\n\n{note}\n{END}{after}")


def _replace_docstring(name: str, rows: list[dict[str, Any]]) -> None:
    """Put the measured lines at the end of the recipe's docstring, in place of those that stand there."""
    file = Path(find.load("recipes", name).__file__)
    text = file.read_text()
    function = name.replace("-", "_")
    head, signature, body = text.partition(f"def {function}(")
    opening = body.index('"""') + 3
    closing = body.index('"""', opening)
    kept = body[opening:closing].partition("\n\n    Measured")[0].rstrip()
    lines = [_wrapped(f"Measured on {measured(r)}") for r in rows]
    file.write_text(f"{head}{signature}{body[:opening]}{kept}\n\n" + "\n".join(lines) + f"\n    {body[closing:]}")


def _wrapped(text: str, width: int = 136) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width, initial_indent="    ", subsequent_indent="    "))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "judge", "publish"))
    parser.add_argument("names", nargs="*", help="recipes, and settings as key=value")
    parser.add_argument("--runs", type=Path, required=True)
    arguments = parser.parse_intermixed_args()
    names = [name for name in arguments.names if "=" not in name]
    if arguments.what == "train":
        train_all(arguments.runs, names, [name for name in arguments.names if "=" in name])
    elif arguments.what == "judge":
        for run in list_runs(arguments.runs):
            if run.status == "finished":
                card = evaluate(run.path)
                told = ", ".join(f"{name} {card.figures[name].value:.4g}" for name in card.headline())
                print(f"{run.path.name}: {told}", file=sys.stderr, flush=True)
    else:
        publish(arguments.runs)


if __name__ == "__main__":
    main()
