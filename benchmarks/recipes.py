"""Train every recipe for its full length once, and publish what was measured: README's table, docstrings, pictures.

    python benchmarks/recipes.py train --runs DIR [NAME ...]    trains what is not finished there yet; interrupt and repeat as you like
    python benchmarks/recipes.py publish --runs DIR             writes benchmarks/results/recipes.json and whatever is made from it

A row comes from a run folder alone, so any run that `mulligan train` has finished there counts.
"""

import argparse
import json
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mulligan import find
from mulligan.errors import DataError
from mulligan.resolve import resolve
from mulligan.runs import environment, facts, history
from mulligan.runs.folder import Run, list_runs
from mulligan.verbs import Quiet, train

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

# Pictures that the pages show, beside the last grid of every run: name -> (recipe, data, file in samples/; None for the last grid).
SHOWN = {
    "digits-fast.png": ("fast", "digits", None),
    "progress-fast.gif": ("fast", "digits", "progress.gif"),
    "fashion-dense-dropout.png": ("dense-dropout", "fashion", None),
    "points-ring.png": ("points", "ring", None),
    "points.gif": ("points", "parabola", "progress.gif"),
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
    figures = {figure.name: [figure.value, figure.floor] for figure in known.figures}
    seconds = max(line["seconds"] for line in history.read(run))
    return {
        "recipe": recipe.name,
        "data": recipe.data.source,
        "generator": counts.get("generator"),
        "discriminator": counts.get("discriminator"),
        "steps": known.progress.steps,
        "images": known.progress.images,
        "seconds": round(seconds, 1),
        "figures": figures,
        "threads": decisions["threads"],
        "compile": decisions["compile"],
        "processor": session["processor"],
        "cores": session["cores"],
        "torch": session["versions"]["torch"],
        "date": datetime.fromisoformat(session["started"]).astimezone(UTC).date().isoformat(),
    }


def publish(runs: Path) -> None:
    """Write the results, and all that is made from them."""
    finished = [run for run in list_runs(runs) if run.status == "finished"]
    order = list(PLAN)
    rows = sorted((row(run) for run in finished), key=lambda r: (order.index(r["recipe"]), r["data"]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    _replace_table(ROOT / "README.md", rows)
    PICTURES.mkdir(exist_ok=True)
    by_name = {(run.read_recipe().name, run.read_recipe().data.source): run for run in finished}
    for (name, source), run in by_name.items():
        shutil.copy(run.sample_grid(run.sample_steps()[-1]), PICTURES / picture(name, source))
    for name, (recipe, source, file) in SHOWN.items():
        if (recipe, source) in by_name:
            run = by_name[recipe, source]
            shutil.copy(run.samples / file if file else run.sample_grid(run.sample_steps()[-1]), PICTURES / name)
    for name in {r["recipe"] for r in rows}:
        _replace_docstring(name, [r for r in rows if r["recipe"] == name])


def picture(recipe: str, source: str) -> str:
    """Name of the picture of a run: that of the recipe alone for the set that the recipe was published on, or what stands in for it."""
    others = PLAN[recipe][1:]
    return f"recipe-{recipe}-{source}.png" if source in others else f"recipe-{recipe}.png"


def measured(r: dict[str, Any]) -> str:
    """One line on a row, as it stands in a docstring."""
    figures = ", ".join(f"{name} {value:.3g} (floor {floor:.3g})" for name, (value, floor) in r["figures"].items())
    processor = re.sub(r"\(R\)|\(TM\)|CPU|Processor", "", r["processor"])
    machine = f"{r['threads']} thread{'s' if r['threads'] > 1 else ''} of {' '.join(processor.split())}, compile {r['compile']}"
    return f"{r['data']}: {r['steps']:,} steps in {r['seconds'] / 60:.1f} minutes ({machine}, {r['date']}, one seed): {figures}."


def _replace_table(page: Path, rows: list[dict[str, Any]]) -> None:
    lines = [
        "| recipe | data | G / D weights | steps | minutes | distance (floor) | fd_random (floor) | samples |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        weights = f"{r['generator']:,} / {r['discriminator']:,}" if r["discriminator"] else f"{r['generator']:,} / none"
        cells = [f"{value:.3g} ({floor:.3g})" for value, floor in r["figures"].values()]
        shown = f"[picture](docs/pictures/{picture(r['recipe'], r['data'])})"
        lines.append(
            f"| `{r['recipe']}` | {r['data']} | {weights} | {r['steps']:,} | {r['seconds'] / 60:.1f} | {' | '.join(cells)} | {shown} |"
        )
    machines = sorted({f"{r['processor']}, {r['threads']} of {r['cores']} cores, torch {r['torch']}" for r in rows})
    dates = sorted({r["date"] for r in rows})
    note = (
        f"Measured by `benchmarks/recipes.py` on {'; '.join(machines)} ({' to '.join(sorted({dates[0], dates[-1]}))}), one seed each, "
        "on a machine shared with other work, so that times are upper bounds; the figures are those of the best checkpoint. Where a "
        "recipe was published on MNIST and the full set could not be had, `digits` was used, for as many updates as published. `fast` on "
        "digits is what `make demo` trains, in 110 s. A recipe without a row has not been trained at its full length yet."
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
    parser.add_argument("what", choices=("train", "publish"))
    parser.add_argument("names", nargs="*", help="recipes, and settings as key=value")
    parser.add_argument("--runs", type=Path, required=True)
    arguments = parser.parse_intermixed_args()
    names = [name for name in arguments.names if "=" not in name]
    if arguments.what == "train":
        train_all(arguments.runs, names, [name for name in arguments.names if "=" in name])
    else:
        publish(arguments.runs)


if __name__ == "__main__":
    main()
