"""Few images: digits cut to 100, 500 and 2,000, with and without augmentations of what D sees, and docs/small.md's table.

    python benchmarks/small.py record --to DIR [WAY ...] [COUNT ...] [--seeds 0-2] [SETTING=VALUE ...]    goes on where it stopped
    python benchmarks/small.py publish --from DIR        benchmarks/results/small.json and the table of docs/small.md

Each is `fast` at one length, whatever the number of images, so that few images are seen more often. What is judged is G's average at the
end and that of the best checkpoint: quality by the 2,000 test images of the whole set, copying by the images that it was trained on.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from mulligan.metrics.evaluating import score_card
from mulligan.metrics.memorisation import Memorisation, Originals
from mulligan.metrics.projection import Projection
from mulligan.metrics.real import real_data
from mulligan.metrics.reference import Reference
from mulligan.recipes.small_data import augmentations_for
from mulligan.resolve import resolve
from mulligan.runs import checkpoints, environment, history
from mulligan.runs.folder import Run
from mulligan.sampling.asked import parse_seeds
from mulligan.training.finishing import made_now, made_so_far
from mulligan.verbs import Quiet, train
from mulligan.verbs.opening import new_session, on_a_cpu

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "small.json"
PAGE = ROOT / "docs" / "small.md"
START, END = "<!-- small -->", "<!-- /small -->"
SET, RECIPE, JUDGE = "digits", "fast", "digits"
COUNTS = (100, 500, 2000)
SEEDS = "0-2"
LENGTH = ("horizon=600000",)
WAYS = ("none", "fixed", "adaptive")
MEANING = {"none": "no augmentation", "fixed": "at probability 1", "adaptive": "at an adaptive probability"}
JUDGED = 2000  # samples, and as many of the test split
HALF = 1000  # of the test split: held-out images that copying is judged by; the others are what fresh images score


class Judged:
    """The whole set, and what is taken of it once: its test images for quality, and its components for copying."""

    def __init__(self) -> None:
        self.whole = real_data(SET, (JUDGE,))
        self.reference = Reference(self.whole, JUDGED)
        assert self.whole.seen is not None  # digits end
        self.projection = Projection.fit(self.whole.seen)  # not of the few: they would be nearer in a space of their own

    def originals(self, trained_on: torch.Tensor) -> Originals:
        """What may have been copied."""
        return Originals(self.projection.apply(trained_on), self.projection.apply(self.whole.test[:HALF]))

    def figures(self, made: torch.Tensor, originals: Originals) -> dict[str, float]:
        """Quality and signs of copying of decoded samples."""
        card = score_card(self.reference, made)
        found = {name: card[name].value for name in (f"fd_{JUDGE}", "precision", "coverage")}
        return {**found, **copying(originals.compare(self.projection.apply(made[:HALF])))}

    def floors(self) -> dict[str, float]:
        """Quality of real training images."""
        return {name: self.reference.known.floors[name] for name in (f"fd_{JUDGE}", "precision", "coverage")}

    def trivial(self, trained_on: torch.Tensor) -> dict[str, dict[str, float]]:
        """What fresh images score, and what the training images themselves do, drawn again and again."""
        originals = self.originals(trained_on)
        fresh = copying(originals.compare(self.projection.apply(self.whole.test[HALF:])))
        again = torch.randint(len(trained_on), (JUDGED,), generator=torch.Generator().manual_seed(0))
        return {"real": {**self.floors(), **fresh}, "copies": self.figures(trained_on[again], originals)}


def copying(found: Memorisation) -> dict[str, float]:
    """Signs of copying as plain numbers."""
    ratio = {} if found.ratio is None else {"nearest_ratio": found.ratio.value}
    return {**ratio, "authenticity": found.authenticity.value, "copies": found.copies, "duplicates": found.duplicates}


def settings(way: str, count: int) -> list[str]:
    """The settings of one way to train on so many images."""
    if way == "none":
        return [f"data.limit={count}", "augmentations={}"]
    _, dataset = resolve(SET, RECIPE, [f"data.limit={count}"])
    own = {name: each.model_dump(exclude_unset=True) for name, each in augmentations_for(dataset.data).items()}
    given = own if way == "adaptive" else {name: {"weight": 1.0} for name in own}
    return [f"data.limit={count}", f"augmentations={json.dumps(given)}"]


def record(folder: Path, ways: list[str], counts: list[int], seeds: str, asked: list[str]) -> None:
    """Train and judge what has no result yet, seed after seed."""
    folder.mkdir(parents=True, exist_ok=True)
    judged = None
    for seed in parse_seeds(seeds):
        for count in counts:
            for way in ways:
                file = folder / f"{count}-{way}-{seed}.json"
                if not file.exists():
                    print(file.stem, file=sys.stderr, flush=True)
                    judged = judged or Judged()
                    file.write_text(json.dumps(recorded(file.with_suffix(""), judged, way, count, seed, asked)))


def recorded(folder: Path, judged: Judged, way: str, count: int, seed: int, asked: list[str]) -> dict[str, Any]:
    """The result of one run, trained to its end."""
    recipe, dataset = resolve(SET, RECIPE, [*LENGTH, *settings(way, count), *asked], seed)
    outcome = train(recipe, dataset, run=folder, audience=Quiet(), command=["benchmarks/small.py"])
    run = Run(folder)
    session = new_session(run, on_a_cpu(run.read_recipe()), dataset)
    newest = checkpoints.newest(run)
    assert newest is not None  # a run ends with one
    session.restore(newest)
    originals = judged.originals(real_data(dataset, (JUDGE,)).train)
    found = {}
    for which, model in (("end", made_now(session)), ("best", made_so_far(session))):
        assert model is not None  # `fast` makes samples
        found[which] = judged.figures(torch.from_numpy(model.sample(range(JUDGED), seed=seed + 1)), originals)
    first = environment.sessions(run)[0]
    return {
        "count": count,
        "way": way,
        "seed": seed,
        "settings": [*LENGTH, *settings(way, count), *asked],
        "images": outcome.images,
        "seconds": outcome.seconds,
        "best_step": session.controls.best_step,
        "steps": outcome.steps,
        **found,
        "trivial": judged.trivial(real_data(dataset, (JUDGE,)).train),
        "known": _last(run, "discriminator.heldout.auc"),
        "strength": _last(run, "augmentation.translation"),
        "curve": [
            {name: line.get(name) for name in ("images", "distance", "discriminator.heldout.auc", "augmentation.translation")}
            for line in history.read(run)
        ],
        "threads": first["decisions"]["threads"],
        "processor": first["processor"],
        "torch": first["versions"]["torch"],
        "date": datetime.fromisoformat(first["started"]).date().isoformat(),
    }


def _last(run: Run, name: str) -> float | None:
    value: float | None = history.read(run)[-1].get(name)
    return value


COLUMNS = (
    (f"fd_{JUDGE}", f"fd_{JUDGE}", "{:.2f}"),
    ("coverage", "coverage", "{:.2f}"),
    ("nearest_ratio", "nearest ratio", "{:.2f}"),
    ("authenticity", "authenticity", "{:.2f}"),
    ("copies", "copies", "{:.1%}"),
)


def table(found: list[dict[str, Any]]) -> str:
    """The runs as Markdown, a table for each number of images: medians over the seeds, with their range."""
    lines: list[str] = []
    for count in sorted({row["count"] for row in found}):
        rows = [row for row in found if row["count"] == count]
        heads = [head for _, head, _ in COLUMNS]
        lines += [
            f"### {count:,} images",
            "",
            f"| what D sees | {' | '.join(heads)} | fd of the best checkpoint | D knows | strength |",
            "|" + "---|" * (len(heads) + 4),
        ]
        for way in [way for way in WAYS if any(row["way"] == way for row in rows)]:
            mine = [row for row in rows if row["way"] == way]
            cells = [_spread([row["end"].get(name) for row in mine], form) for name, _, form in COLUMNS]
            cells.append(_spread([row["best"][f"fd_{JUDGE}"] for row in mine], "{:.2f}"))
            cells += [_spread([2 * row["known"] - 1 for row in mine], "{:.2f}"), _spread([row["strength"] for row in mine], "{:.2f}")]
            lines.append(f"| {MEANING[way]} | {' | '.join(cells)} |")
        for name, told in (("real", "real images that it never saw"), ("copies", "its training images again")):
            values = rows[0]["trivial"][name]
            lines.append(f"| {told} | {' | '.join(_spread([values.get(key)], form) for key, _, form in COLUMNS)} | - | - | - |")
        lines.append("")
    return "\n".join([*lines, _note(found)])


def _spread(values: list[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    middle, low, high = (form.format(value) for value in (statistics.median(known), min(known), max(known)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _note(found: list[dict[str, Any]]) -> str:
    def one(name: str) -> str:
        return ", ".join(sorted({str(row[name]) for row in found}))

    minutes = _spread([row["seconds"] / 60 for row in found], "{:.1f}")
    seeds = len({row["seed"] for row in found})
    return (
        f"{seeds} seed{'s' if seeds > 1 else ''}, {max(row['images'] for row in found):,} images seen in each run, {minutes} minutes of "
        f"{one('threads')} thread(s); {one('processor')}, torch {one('torch')}, {one('date')}."
    )


def publish(folder: Path) -> None:
    """Write the results and the page's table."""
    found = list(_results(folder))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(row) for row in found) + "\n]\n")  # a run is a line
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(START) + len(START), page.index(END)
    PAGE.write_text(page[:start] + "\n" + table(found) + "\n" + page[end:], encoding="utf-8")


def _results(folder: Path) -> Iterator[dict[str, Any]]:
    rows = [json.loads(file.read_text()) for file in folder.glob("*-*-*.json")]
    yield from sorted(rows, key=lambda row: (row["count"], WAYS.index(row["way"]), row["seed"]))


def main() -> None:
    """Read the command line. Recording goes on where it stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("record", "publish"))
    parser.add_argument("asked", nargs="*", help="ways, numbers of images, settings")
    parser.add_argument("--to", "--from", dest="folder", type=Path, required=True)
    parser.add_argument("--seeds", default=SEEDS)
    asked = parser.parse_intermixed_args()
    given = [word for word in asked.asked if "=" in word]
    counts = [int(word) for word in asked.asked if word.isdecimal()]
    ways = [word for word in asked.asked if word in WAYS]
    unknown = [word for word in asked.asked if word not in (*given, *ways) and not word.isdecimal()]
    if unknown:
        parser.error(f"{unknown[0]} is no way to train: {', '.join(WAYS)}")
    if asked.what == "publish":
        publish(asked.folder)
        return
    record(asked.folder, ways or list(WAYS), counts or list(COUNTS), asked.seeds, given)


if __name__ == "__main__":
    main()
