"""What each recipe reaches after so many minutes on this kind of machine, from a cold start, and who led when.

    python benchmarks/leaderboard.py record --runs DIR [--only fast:fashion:2m ...] [--seeds 0-2]   trains and judges what is not there
    python benchmarks/leaderboard.py publish [--runs DIR ...]         writes tables and pictures from what is recorded, and samples of runs

An entry is `mulligan train DATA --recipe R --time T` in a process of its own, with an empty folder of compilations, and the score card
of the model that it leaves: 10,000 samples against as many held-out images (2,000 of digits; 26,000 of stacked). Its time is the wall
clock from the start of the process until training ends, compilation included; not the last figures and pictures. Record on a machine
that does nothing else; entries of one thread (`machine.threads=1`) may share it, a core each (`taskset`).
Recorded entries are kept for good (benchmarks/results/leaderboard.json), so that dev/LEADERBOARD.md tells every one that led. A recipe
that has changed since is another entry: rows carry a digest of what their recipe came to.

The sixty runs of a minute are `--only fast:digits:1m --seeds 0-59`.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import leaderboard_tables as tables
from leaderboard_tables import Row

from mulligan import __version__
from mulligan.amounts import parse_seconds
from mulligan.recipe import MAY_CHANGE, Recipe
from mulligan.resolve import resolve
from mulligan.runs import environment, facts, history
from mulligan.runs.folder import Run
from mulligan.runs.safe_json import read_object
from mulligan.verbs import evaluate, helps

OTHERS = ("coverage", "class_distance", "modes", "kl")  # figures of a card that are kept beside the distance
SAMPLES = {"stacked": 26_000}  # that are judged, where the protocol of a set asks for another number than 10,000
LONG = 30 * 60  # seconds, from which on the classification accuracy score is taken too, where there are labels


class Entry(NamedTuple):
    """What is trained: a recipe with settings, on a set, for a time."""

    recipe: str
    data: str
    time: str
    settings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As --only takes it, and as its folder is called but for the colons."""
        return ":".join((self.recipe, self.data, self.time, *self.settings))


# Pictures of docs/quality.md, by the folder of the run.
SHOWN = {
    "fast-fashion-30m-machine.threads-1-0": "fast-fashion-30m.png",
    "fast-stacked-1h-machine.threads-1-0": "fast-stacked-1h.png",
}
UNLABELLED = ("conditional=false",)
PLAN = (
    *(Entry("fast", data, length) for length in ("30s", "2m", "10m", "30m") for data in ("fashion", "digits")),
    *(Entry("fast", data, length, UNLABELLED) for length in ("2m", "10m", "30m") for data in ("fashion", "digits")),
    *(Entry("modern", "fashion", length) for length in ("2m", "10m")),
    Entry("fast", "stacked", "1h"),
)


def digest_of(recipe: Recipe) -> str:
    """What tells a recipe from another one: everything in it but its seed, its length, the machine and what is kept."""
    left_out = {*MAY_CHANGE, "seed", "horizon", "schema_version"}
    return sha256(json.dumps(recipe.model_dump(mode="json", exclude=left_out), sort_keys=True).encode()).hexdigest()[:8]


def record(runs: Path, entries: Iterable[Entry], seeds: Sequence[int]) -> None:
    """Train and judge what is not recorded yet; each row is kept as soon as it is there."""
    known = {(row.recipe, row.data, row.time, row.settings, row.seed, row.digest) for row in tables.read()}
    for seed in seeds:
        for entry in entries:
            recipe, _ = resolve(entry.data, entry.recipe, list(entry.settings))
            if (entry.recipe, entry.data, entry.time, entry.settings, seed, digest_of(recipe)) in known:
                continue
            print(f"{entry.name}, seed {seed}", file=sys.stderr, flush=True)
            row = trained(runs / f"{entry.name.replace(':', '-').replace('=', '-')}-{seed}", entry, seed)
            print(json.dumps(asdict(row)), flush=True)
            tables.write([*tables.read(), row])


def trained(folder: Path, entry: Entry, seed: int) -> Row:
    """Train one entry in a process of its own and judge it; a run that is there already is refused by `mulligan train` or resumed."""
    words = ["train", entry.data, "--recipe", entry.recipe, "--time", entry.time, "--seed", str(seed), "--run", str(folder)]
    with tempfile.TemporaryDirectory() as empty:
        begun = time.time()
        cold = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": empty}
        subprocess.run([sys.executable, "-m", "mulligan", *words, *entry.settings], env=cold, check=True, stdout=subprocess.DEVNULL)
    run = Run(folder)
    return row_of(run, entry, seed, begun)


def row_of(run: Run, entry: Entry, seed: int, begun: float) -> Row:
    """The row of a run that has just been trained. begun: when its process was started, in seconds since the epoch."""
    card, known, recipe = evaluate(run.path, n=SAMPLES.get(entry.data)), facts.read(run), run.read_recipe()
    assert known is not None, run.path
    session = environment.sessions(run)[-1]
    decisions, started = session["decisions"], datetime.fromisoformat(session["started"]).timestamp() - begun
    judges = [name for name in card.figures if re.fullmatch(r"fd_[a-z]+", name)]
    judged = next((name for name in judges if name != "fd_random"), "fd_random")  # by the set's own judge, where it has one
    figures = {name: (card[name].value, card[name].floor) for name in (judged, *OTHERS) if name in card.figures}
    if recipe.conditional and parse_seconds(entry.time, "time") >= LONG:
        found = helps(run.path, sizes=["all"])
        figures["cas"] = (found.cas.value, found.sizes[-1].accuracy["real"].value)
    return Row(
        recipe=entry.recipe,
        settings=entry.settings,
        data=entry.data,
        time=entry.time,
        seed=seed,
        conditional=recipe.conditional,
        seconds=round(started + max(line["seconds"] for line in history.read(run)), 1),
        started=round(started, 1),
        steps=known.progress.steps,
        images=known.progress.images,
        figures={name: (_short(value), _short(floor)) for name, (value, floor) in figures.items()},
        device=session["processor"] if decisions["device"] == "cpu" else session["accelerator"],
        threads=decisions["threads"],
        compile=decisions["compile"],
        precision=decisions["precision"],
        verdict=str(read_object(run.diagnosis_file)["verdict"]),
        digest=digest_of(recipe),
        version=__version__,
        date=time.strftime("%Y-%m-%d"),
    )


def _short(value: Any) -> float:
    return float(f"{value:.4g}") if value is not None else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Record or publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="train and judge what is not recorded yet")
    recording.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    recording.add_argument("--only", action="append", help="RECIPE:DATA:TIME[:SETTING...]; may be given again (default: the whole plan)")
    recording.add_argument("--seeds", default="0-2", help="first and last seed (default: %(default)s)")
    publishing = verbs.add_parser("publish", help="tables and pictures from what is recorded")
    publishing.add_argument("--runs", type=Path, nargs="*", default=(), help="folders of runs, to show the last samples of some")
    given = parser.parse_args(arguments)
    if given.verb == "publish":
        tables.publish()
        for folder in (found for runs in given.runs for found in runs.iterdir() if found.name in SHOWN):
            run = Run(folder)
            shutil.copyfile(run.sample_grid(max(run.sample_steps())), tables.PICTURE.parent / SHOWN[folder.name])
        return
    first, _, last = given.seeds.partition("-")
    entries = PLAN
    if given.only:
        entries = tuple(Entry(*word.split(":")[:3], settings=tuple(word.split(":")[3:])) for word in given.only)
    record(given.runs, entries, range(int(first), int(last or first) + 1))


if __name__ == "__main__":
    main()
