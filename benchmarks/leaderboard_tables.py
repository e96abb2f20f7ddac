"""Recorded entries of `leaderboard.py`, and what is published of them: tables, aims, the board of those that led, the picture."""

import json
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mulligan.amounts import parse_seconds

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "leaderboard.json"
FULL_LENGTH = ROOT / "benchmarks" / "results" / "recipes.json"
BOARD = ROOT / "dev" / "LEADERBOARD.md"
PAGE = ROOT / "docs" / "quality.md"
PICTURE = ROOT / "docs" / "pictures" / "minutes.png"
MINUTES = (0.5, 1, 2, 5, 10, 20, 40)  # on the axis of the picture
ONE_CORE = ("machine.threads=1",)
LEAST_COVERAGE, MOST_APART = 0.1, 0.3  # of real data's, and between the shares of classes: beyond, a run has collapsed


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
    verdict: str  # of the doctor, at the end
    digest: str  # of what the recipe came to
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

    @property
    def on_a_gpu(self) -> bool:
        """Whether it ran on an accelerator."""
        return self.device.startswith("NVIDIA")

    @property
    def collapsed(self) -> bool:
        """Whether samples lack most of what is there, or whole classes of it."""
        return self.coverage < LEAST_COVERAGE or self.figures["class_distance"][0] > MOST_APART


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
    """Seeds of one entry together, by (data, time, recipe, settings, device, digest)."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.data, row.time, row.recipe, " ".join(row.settings), row.device, row.digest), []).append(row)
    return groups


def newest(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    """Of each (data, time, recipe, settings, device) the recipe that was recorded last, the shortest time first."""
    groups = {key[:5]: group for key, group in grouped(rows).items()}
    return dict(sorted(groups.items(), key=lambda item: (item[0][0], parse_seconds(item[0][1], "time"), item[0][2:])))


def medians(rows: Sequence[Row]) -> tuple[float, float, float]:
    """Medians over the seeds: Fréchet distance in times real data's, share of real data's coverage, seconds."""
    return tuple(statistics.median(getattr(row, name) for row in rows) for name in ("fd", "coverage", "seconds"))  # type: ignore[return-value]


def table(rows: Sequence[Row]) -> str:
    """A line for each entry as it was recorded last, and below it the machines by number."""
    groups = newest(rows)
    machines = sorted({_machine(row) for group in groups.values() for row in group})
    heads = ("data", "time", "recipe", "labels", "machine", "seeds", "seconds, cold", "images", "Fréchet distance", "over real data")
    lines = [f"| {' | '.join((*heads, 'coverage, of real data'))} |", "|---|---|---|---|---|---:|---:|---:|---:|---:|---:|"]
    for (data, length, recipe, settings, _), group in groups.items():
        fd, coverage, seconds = medians(group)
        value = statistics.median(row.figures[row.distance][0] for row in group)
        spread = "" if len(group) == 1 else f" ({min(row.coverage for row in group):.2f} to {max(row.coverage for row in group):.2f})"
        cells = (
            data,
            length,
            f"{recipe} {settings.replace('conditional=false', '')}".strip(),
            "yes" if group[0].conditional else "no",
            str(machines.index(_machine(group[0])) + 1),
            str(len(group)),
            f"{seconds:.0f}",
            f"{statistics.median(row.images for row in group):,.0f}",
            f"{value:.3g}",
            f"{fd:.1f}",
            f"{coverage:.2f}{spread}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"{number}. {machine}" for number, machine in enumerate(machines, 1))]
    return "\n".join(lines)


def _machine(row: Row) -> str:
    """What a row was measured on."""
    return f"{row.device}, {row.precision}"


@dataclass(frozen=True)
class Aim:
    """What `fast` was to reach after so much time on two cores, and how rows of that say what it came to."""

    said: str
    data: str
    time: str
    told: Callable[[Sequence[Row]], tuple[bool, str]]  # whether it was reached, and the figure


def _as_near(rows: Sequence[Row]) -> tuple[bool, str]:
    wanted, minutes = _after_twenty_epochs()
    value = statistics.median(row.figures[row.distance][0] for row in rows)
    seconds = statistics.median(row.seconds for row in rows)
    return value <= wanted, f"{value:.3g} after {seconds:.0f} s, of {wanted:.2f} after {minutes:.0f} minutes of one core"


def _after_twenty_epochs() -> tuple[float, float]:
    """Fréchet distance and minutes of `dense-dropout` on fashion after its full length."""
    (found,) = (row for row in json.loads(FULL_LENGTH.read_text()) if (row["recipe"], row["data"]) == ("dense-dropout", "fashion"))
    return found["figures"]["fd_fashion"][0], found["seconds"] / 60


def _covers(share: float) -> Callable[[Sequence[Row]], tuple[bool, str]]:
    def told(rows: Sequence[Row]) -> tuple[bool, str]:
        coverage = statistics.median(row.coverage for row in rows)
        return coverage >= share, f"{coverage:.3f}"

    return told


def _teaches(share: float) -> Callable[[Sequence[Row]], tuple[bool, str]]:
    def told(rows: Sequence[Row]) -> tuple[bool, str]:
        found = statistics.median(row.figures["cas"][0] / row.figures["cas"][1] for row in rows)
        return found >= share, f"{found:.1%}"

    return told


def _has_modes(rows: Sequence[Row]) -> tuple[bool, str]:
    modes, divergence = (statistics.median(row.figures[name][0] for row in rows) for name in ("modes", "kl"))
    real_modes, real_divergence = (rows[0].figures[name][1] for name in ("modes", "kl"))
    said = f"{modes:.0f}, {divergence:.2f} (as many real ones: {real_modes:.0f}, {real_divergence:.2f})"
    return modes >= 990 and divergence <= 0.3, said


def _stands(rows: Sequence[Row]) -> tuple[bool, str]:
    collapsed = sum(row.collapsed for row in rows)
    coverage = sorted(row.coverage for row in rows)
    middle = f"coverage {coverage[0]:.2f} to {coverage[-1]:.2f} of real data's, median {statistics.median(coverage):.2f}"
    verdicts = ", ".join(f"{sum(row.verdict == word for row in rows)} {word}" for word in sorted({row.verdict for row in rows}))
    return collapsed == 0 and len(rows) >= 60, f"{collapsed} of {len(rows)}; {middle}; the doctor: {verdicts}"


AIMS = (
    Aim("`fashion`, 30 s: as near as `dense-dropout` after its full 20 epochs", "fashion", "30s", _as_near),
    Aim("`fashion`, 10 minutes: 0.90 of the coverage of real data", "fashion", "10m", _covers(0.90)),
    Aim("`digits`, 10 minutes: 0.93 of the coverage of real data", "digits", "10m", _covers(0.93)),
    Aim("`fashion`, 30 minutes: 93 % of the accuracy that a classifier learns from real data", "fashion", "30m", _teaches(0.93)),
    Aim("`digits`, 30 minutes: 98 % of that accuracy", "digits", "30m", _teaches(0.98)),
    Aim("`stacked`, within 2 hours: 990 of 1,000 modes, KL divergence 0.3", "stacked", "1h", _has_modes),
    Aim("`digits`, 60 runs of a minute: none collapses", "digits", "1m", _stands),
)


def aims(rows: Sequence[Row]) -> str:
    """Each aim with what was reached, of the newest recipe; of processors alone, on two cores or less of them."""
    lines = ["| aim | reached | |", "|---|---|---|"]
    own = [row for row in rows if not row.on_a_gpu and row.recipe == "fast" and row.settings in ((), ONE_CORE)]
    for aim in AIMS:
        found = [row for row in own if (row.data, row.time) == (aim.data, aim.time)]
        found = [row for row in found if row.digest == found[-1].digest]  # of the newest recipe, on any processor
        if not found:
            lines.append(f"| {aim.said} | not recorded yet | |")
            continue
        reached, figure = aim.told(found)
        seeds = f"{len(found)} seed{'s' if len(found) > 1 else ''}"
        cores = ", on one core" if all(row.settings == ONE_CORE for row in found) else ""
        lines.append(f"| {aim.said} | {figure} ({seeds}{cores}) | {'reached' if reached else 'missed'} |")
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
    for (data, length, recipe, settings, device, _), group in grouped(row for row in rows if not row.on_a_gpu).items():
        fd, coverage, _ = medians(group)
        if fd >= best.get((data, length), float("inf")):
            continue
        best[data, length] = fd
        first = group[0]
        value = statistics.median(row.figures[row.distance][0] for row in group)
        lines.append(
            f"| {data} | {length} | {first.date} | {first.version} | {recipe} {first.digest} | {settings} "
            f"| {'yes' if first.conditional else 'no'} | {len(group)} | {value:.3g} | {coverage:.2f} | {device}, {first.threads} threads |"
        )
    return "\n".join(lines) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Quality over minutes: a panel for each of the two sets, a line for each recipe that was given several times, a dot for other runs.

    A point is the median over seeds; runs of one core, and of each maker of processors, have a line of their own.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4), sharey=True, constrained_layout=True)
    others = [row for row in json.loads(FULL_LENGTH.read_text()) if not row["demo"]]
    for panel, data in zip(panels, ("fashion", "digits"), strict=True):
        found: dict[str, dict[str, list[Row]]] = {}
        for group in newest(row for row in rows if row.data == data).values():
            first = group[0]
            named = first.recipe if first.recipe != "fast" else ("fast, with labels" if first.conditional else "fast, without labels")
            named += ", one core" if ONE_CORE[0] in first.settings else ""
            named += f" ({first.device.split()[0].removesuffix('(R)')})"
            found.setdefault(named, {}).setdefault(first.time, []).extend(group)
        lines = {named: {seconds / 60: fd for fd, _, seconds in map(medians, times.values())} for named, times in found.items()}
        for named, points in sorted(lines.items()):
            panel.plot(*zip(*sorted(points.items()), strict=True), marker="o", label=named)
        crosses = sorted((row for row in others if row["data"] == data and row["recipe"] != "fast"), key=lambda row: row["seconds"])
        for place, row in enumerate(crosses):
            fd = next(iter(pair for name, pair in row["figures"].items() if name.startswith("fd_")))
            at = (row["seconds"] / 60, fd[0] / fd[1])
            panel.plot(*at, marker="x", color="grey")
            panel.annotate(row["recipe"], at, fontsize=7, xytext=(4, -9 if place % 2 else 4), textcoords="offset points")  # near ones apart
        panel.set(xscale="log", yscale="log", xlabel="minutes on two cores (crosses: on one)", title=data, xlim=(0.4, 100))
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
    own, gpu = [row for row in rows if not row.on_a_gpu], [row for row in rows if row.on_a_gpu]
    page = PAGE.read_text()
    for name, text in (("leaderboard", table(own)), ("aims", aims(rows)), ("gpu", table(gpu))):
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        page = re.sub(f"{start}.*{end}", lambda _, text=f"{start}\n\n{text}\n\n{end}": text, page, flags=re.DOTALL)
    PAGE.write_text(page)
    draw(own, PICTURE)
