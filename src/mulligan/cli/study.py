"""`mulligan study`: several seeds of one recipe at once, and how far they agree."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Images, Steps, Time, Trusted, budget, call, trust
from mulligan.errors import UsageError

if TYPE_CHECKING:
    from mulligan.verbs import Seeded, Study

# How a figure is headed and written.
_FIGURES = {
    "modes": ("modes", "{:.0f}"),
    "high_quality": ("high quality", "{:.1%}"),
    "off_mode": ("off modes", "{:.1%}"),
    "kl": ("KL", "{:.4f}"),
    "width": ("width", "{:.2f}"),
    "distance": ("distance", "{:.4g}"),
}


def run(arguments: list[str]) -> int:
    """Study."""
    return call("study", study, arguments)


def study(
    data: Annotated[str | None, typer.Argument(metavar="DATA", help="Built-in data, a folder of images, an .npz, .npy or .csv.")] = None,
    settings: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings; `mulligan recipes show NAME`.")] = None,
    recipe: Annotated[str | None, typer.Option(metavar="NAME", help="A name, FILE.json or FILE.py:NAME; modern if absent.")] = None,
    seeds: Annotated[str, typer.Option(metavar="A-B", help="Seeds, such as 0-9 or 3,5,8.")] = "0-9",
    to: Annotated[Path | None, typer.Option(metavar="FOLDER", help="A new or an empty folder; the next in ./studies if absent.")] = None,
    steps: Steps = None,
    images: Images = None,
    time: Time = None,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Train several seeds of a recipe at once, and say how far they agree: modes, quality and distance of each.

    Ends when the recipe does, or with the first of --steps, --images and --time that is reached. A study is kept when it is whole.
    """
    allowed = budget(steps, images, time)
    trust(trusted)
    words = list(settings or ())
    if data is not None and "=" in data and not Path(data).exists():
        words.insert(0, data)
        data = None
    if data is None and recipe is None:
        raise UsageError("no data were given", "For instance `mulligan study ring`")
    if any(word.startswith("seed=") for word in words):
        raise UsageError("a study has several seeds, and seed= names one", "Write them as --seeds 0-9")

    from mulligan.resolve import resolve
    from mulligan.sampling.asked import parse_seeds

    chosen = parse_seeds(seeds)
    resolved, dataset = resolve(data, recipe or "modern", words)
    from mulligan import verbs
    from mulligan.terminal import Terminal

    with Terminal() as terminal:
        found = verbs.study(resolved, dataset, seeds=chosen, to=to, budget=allowed, audience=terminal)
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "study": str(found.folder), **found.as_dict()}, ensure_ascii=False))
    else:
        print(_text(found))


def _text(found: "Study") -> str:
    summary, floors = found.summary(), found.floors()
    names = [name for name in _FIGURES if name in summary]
    rows = [("seed", *(_FIGURES[name][0] for name in names))]
    rows += [_row(seeded, names) for seeded in found.seeds]
    if names:
        for part in ("median", "low", "high"):
            rows.append((part, *(_FIGURES[name][1].format(getattr(summary[name], part)) for name in names)))
        rows.append(("floor", *(_FIGURES[name][1].format(floors[name]) if name in floors else "" for name in names)))
    whole = [row for row in rows if len(row) == len(rows[0])]  # the row of a seed that was lost ends in a sentence
    widths = [max(len(row[place]) for row in whole) for place in range(len(rows[0]))]
    table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False)) for row in rows]
    count = len(found.seeds)
    lines = [
        *table,
        f"{count} seeds, {found.steps:,} steps, {found.images:,} images each, {found.seconds:.1f} s ({found.seconds / count:.1f} s a seed)",
    ]
    if found.collapsed is not None:
        lines.append(f"collapsed (a mode is missing): {found.collapsed:.0%} of the seeds")
    if found.lost:
        lines.append(f"not finite: {found.lost:.0%} of the seeds")
    return "\n".join([*lines, f"samples  {found.folder / 'samples.png'}", f"figures  {found.folder / 'study.json'}"])


def _row(seeded: "Seeded", names: list[str]) -> tuple[str, ...]:
    if seeded.lost is not None:
        return (str(seeded.seed), f"not finite at step {seeded.lost:,}")
    figures = seeded.figures()
    cells = [_FIGURES[name][1].format(figures[name]) if name in figures else "" for name in names]
    if seeded.modes is not None:
        cells[0] = f"{seeded.modes.modes}/{seeded.modes.of}"
    return (str(seeded.seed), *cells)
