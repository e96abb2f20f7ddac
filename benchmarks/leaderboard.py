"""What each recipe reaches after so many minutes on this kind of machine, from a cold start, and who led when.

    python benchmarks/leaderboard.py record --runs DIR [--only fast:fashion:2m ...] [--seeds 0-2]   trains and judges what is not there
    python benchmarks/leaderboard.py publish                                      writes tables and pictures from what is recorded

An entry is `mulligan train DATA --recipe R --time T` in a process of its own, with an empty folder of compilations, and the score card
of the model that it leaves: 10,000 samples against as many held-out images (2,000 of digits). Its time is the wall clock from the start
of the process until training ends, compilation included; not the last figures and pictures. Record on a machine that does nothing else.
Recorded entries are kept for good (benchmarks/results/leaderboard.json), so that dev/LEADERBOARD.md tells every one that led.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from mulligan import __version__
from mulligan.amounts import parse_seconds
from mulligan.runs import environment, facts, history
from mulligan.runs.folder import Run
from mulligan.verbs import evaluate

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "leaderboard.json"
FULL_LENGTH = ROOT / "benchmarks" / "results" / "recipes.json"
BOARD = ROOT / "dev" / "LEADERBOARD.md"
PAGE = ROOT / "docs" / "quality.md"
PICTURE = ROOT / "docs" / "pictures" / "minutes.png"
MINUTES = (0.5, 1, 2, 5, 10, 20, 40)  # on the axis of the picture
START, END = "<!-- leaderboard -->", "<!-- /leaderboard -->"


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


UNLABELLED = ("conditional=false",)
PLAN = (
    *(Entry("fast", data, length) for length in ("30s", "2m", "10m", "30m") for data in ("fashion", "digits")),
    *(Entry("fast", data, length, UNLABELLED) for length in ("2m", "10m", "30m") for data in ("fashion", "digits")),
    *(Entry("modern", "fashion", length) for length in ("2m", "10m")),
    Entry("fast", "stacked", "2h"),
)


@dataclass(frozen=True)
class Row:
    """One entry as it came out. seconds: wall clock until training ended; started: of these, before training began."""

    recipe: str
    settings: tuple[str, ...]
    data: str
    time: str
    seed: int
    conditional: bool
    seconds: float
    started: float
    steps: int
    images: int
    figures: dict[str, tuple[float, float]]  # by name: value, and that of real data
    device: str
    threads: int
    compile: str
    precision: str
    version: str
    date: str

    @property
    def distance(self) -> str:
        """Name of the Fréchet distance in the features of the set's judge."""
        return next(name for name in self.figures if name.startswith("fd_"))

    @property
    def fd(self) -> float:
        """Fréchet distance in times that of real data."""
        value, floor = self.figures[self.distance]
        return value / floor

    @property
    def coverage(self) -> float:
        """Share of the coverage of real data."""
        value, ceiling = self.figures["coverage"]
        return value / ceiling


def record(runs: Path, entries: Iterable[Entry], seeds: Sequence[int]) -> None:
    """Train and judge what is not recorded yet; each row is kept as soon as it is there."""
    known = {(row.recipe, row.data, row.time, row.settings, row.seed, row.version) for row in read()}
    for seed in seeds:
        for entry in entries:
            if (entry.recipe, entry.data, entry.time, entry.settings, seed, __version__) in known:
                continue
            print(f"{entry.name}, seed {seed}", file=sys.stderr, flush=True)
            row = trained(runs / f"{entry.name.replace(':', '-').replace('=', '-')}-{seed}", entry, seed)
            print(json.dumps(asdict(row)), flush=True)
            write([*read(), row])


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
    card, known, recipe = evaluate(run.path), facts.read(run), run.read_recipe()
    assert known is not None, run.path
    session = environment.sessions(run)[-1]
    decisions, started = session["decisions"], datetime.fromisoformat(session["started"]).timestamp() - begun
    wanted = [name for name in card.figures if name in ("coverage", "modes", "modes_kl") or re.fullmatch(r"fd_[a-z]+", name)]
    judged = next(name for name in wanted if name.startswith("fd_") and name != "fd_random")
    figures = {name: (card[name].value, card[name].floor) for name in wanted if name == judged or not name.startswith("fd_")}
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
        version=__version__,
        date=time.strftime("%Y-%m-%d"),
    )


def _short(value: Any) -> float:
    return float(f"{value:.4g}") if value is not None else float("nan")


def read() -> list[Row]:
    """All rows that were ever recorded, the oldest first."""
    if not RESULTS.exists():
        return []
    found = json.loads(RESULTS.read_text())
    return [
        Row(**{**row, "settings": tuple(row["settings"]), "figures": {k: (v[0], v[1]) for k, v in row["figures"].items()}}) for row in found
    ]


def write(rows: Sequence[Row]) -> None:
    """Keep these rows."""
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(asdict(row)) for row in rows) + "\n]\n")


def grouped(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    """Seeds of one entry together, by (data, time, recipe, settings, version)."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.data, row.time, row.recipe, " ".join(row.settings), row.version, row.date), []).append(row)
    return groups


def medians(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Medians over the seeds: Fréchet distance in times real data's, share of real data's coverage, seconds."""
    return tuple(statistics.median(getattr(row, name) for row in rows) for name in ("fd", "coverage", "seconds"))  # type: ignore[return-value]


def table(rows: Sequence[Row]) -> str:
    """The newest entry of each (data, time, recipe, settings), the shortest time first."""
    newest = {key[:4]: group for key, group in grouped(rows).items()}
    lines = [
        "| data | time | recipe | labels | seeds | seconds, cold | images | Fréchet distance | over real data | coverage, of real data |",
        "|---|---|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for (data, length, recipe, settings), group in sorted(
        newest.items(), key=lambda item: (item[0][0], parse_seconds(item[0][1], "time"), item[0][2:])
    ):
        fd, coverage, seconds = medians(group)
        value = statistics.median(row.figures[row.distance][0] for row in group)
        spread = "" if len(group) == 1 else f" ({min(row.coverage for row in group):.2f} to {max(row.coverage for row in group):.2f})"
        named = f"{recipe} {settings.replace('conditional=false', '')}".strip()
        labels = "yes" if group[0].conditional else "no"
        images = f"{statistics.median(row.images for row in group):,.0f}"
        lines.append(
            f"| {data} | {length} | {named} | {labels} | {len(group)} | {seconds:.0f} | {images} "
            f"| {value:.3g} | {fd:.1f} | {coverage:.2f}{spread} |"
        )
    return "\n".join(lines)


def board(rows: Sequence[Row]) -> str:
    """Every entry that led its (data, time) when it was recorded, by the median distance of its seeds."""
    lines = [
        "# Leaderboard",
        "",
        "Every entry that led when it was recorded: the lowest Fréchet distance in the features of the set's own judge, after so much time",
        "from a cold start on two cores. Made by `python benchmarks/leaderboard.py publish`; what did not lead stands in LOG.md.",
        "",
        "| data | time | date | version | recipe | settings | labels | seeds | Fréchet distance | coverage, of real data | machine |",
        "|---|---|---|---|---|---|---|---:|---:|---:|---|",
    ]
    best: dict[tuple[str, str], float] = {}
    for (data, length, recipe, settings, version, date), group in grouped(rows).items():
        fd, coverage, _ = medians(group)
        if fd >= best.get((data, length), float("inf")):
            continue
        best[data, length] = fd
        first = group[0]
        value = statistics.median(row.figures[row.distance][0] for row in group)
        lines.append(
            f"| {data} | {length} | {date} | {version} | {recipe} | {settings} | {'yes' if first.conditional else 'no'} | {len(group)} "
            f"| {value:.3g} | {coverage:.2f} | {first.device}, {first.threads} threads |"
        )
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Quality over minutes: a panel for each of the two sets, a line for each recipe that was given several times, a dot for other runs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True, constrained_layout=True)
    others = [row for row in json.loads(FULL_LENGTH.read_text()) if not row["demo"]]
    for panel, data in zip(panels, ("fashion", "digits"), strict=True):
        lines: dict[str, dict[float, float]] = {}
        for (source, _, recipe, _, _, _), group in grouped(rows).items():
            if source == data:
                named = recipe if recipe != "fast" else ("fast, with labels" if group[0].conditional else "fast, without labels")
                fd, _, seconds = medians(group)
                lines.setdefault(named, {})[seconds / 60] = fd
        for named, points in sorted(lines.items()):
            panel.plot(*zip(*sorted(points.items()), strict=True), marker="o", label=named)
        for row in others:
            fd = next(iter(pair for name, pair in row["figures"].items() if name.startswith("fd_")))
            if row["data"] == data and row["recipe"] != "fast":
                panel.plot(row["seconds"] / 60, fd[0] / fd[1], marker="x", color="grey")
                panel.annotate(row["recipe"], (row["seconds"] / 60, fd[0] / fd[1]), fontsize=7, xytext=(4, 2), textcoords="offset points")
        panel.set(xscale="log", yscale="log", xlabel="minutes on two cores (crosses: on one)", title=data, xlim=(0.4, 60))
        panel.set_xticks(MINUTES, [f"{minutes:g}" for minutes in MINUTES])
        panel.minorticks_off()
        panel.grid(alpha=0.3, which="both")
        if lines:
            panel.legend(fontsize=8)
    panels[0].set_ylabel("Fréchet distance, times real data's")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def publish() -> None:
    """Tables and pictures from what is recorded."""
    rows = read()
    BOARD.write_text(board(rows))
    machines = sorted({f"{row.device}, {row.threads} threads, {row.date}" for row in rows})
    text = f"{START}\n\n{table(rows)}\n\nMeasured on: {'; '.join(machines)}.\n\n{END}"
    PAGE.write_text(re.sub(f"{re.escape(START)}.*{re.escape(END)}", lambda _: text, PAGE.read_text(), flags=re.DOTALL))
    draw(rows, PICTURE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Record or publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record", help="train and judge what is not recorded yet")
    recording.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    recording.add_argument("--only", action="append", help="RECIPE:DATA:TIME[:SETTING...]; may be given again (default: the whole plan)")
    recording.add_argument("--seeds", default="0-2", help="first and last seed (default: %(default)s)")
    verbs.add_parser("publish", help="tables and pictures from what is recorded")
    given = parser.parse_args(arguments)
    if given.verb == "publish":
        publish()
        return
    first, _, last = given.seeds.partition("-")
    entries = PLAN
    if given.only:
        entries = tuple(Entry(*word.split(":")[:3], settings=tuple(word.split(":")[3:])) for word in given.only)
    record(given.runs, entries, range(int(first), int(last or first) + 1))


if __name__ == "__main__":
    main()
