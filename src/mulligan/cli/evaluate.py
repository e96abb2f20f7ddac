"""`mulligan evaluate`: the score card of a run, a model, or samples in a folder or a file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Trusted, call, trust

if TYPE_CHECKING:
    from mulligan.metrics.figures import ScoreCard


def run(arguments: list[str]) -> int:
    """Evaluate."""
    return call("evaluate", evaluate, arguments)


def evaluate(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL_OR_FOLDER", help="A run, a model folder, or samples in a folder or file.")],
    against: Annotated[str | None, typer.Option(metavar="DATA", help="Real data; absent, those that it was trained on.")] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, metavar="N", help="Samples of each side; at most 10,000 if absent.")] = None,
    features: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Feature networks: digits, fashion, random, inception.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Seed of the samples and of every choice.")] = None,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Judge samples by real data: distances, fidelity, diversity, modes, signs of copying; each beside what real data score."""
    trust(trusted)
    target = located(which)
    from mulligan import verbs

    card = verbs.evaluate(target, against, n=n, seed=seed, features=features or ())
    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "target": str(target), **card.as_dict()}, ensure_ascii=False))
    else:
        print(table(card))


def located(which: str) -> Path:
    """A path, or the folder of a run by its name or number. Raises UsageError."""
    from mulligan.runs.folder import open_run

    return Path(which) if Path(which).exists() else open_run(which).path


def table(card: "ScoreCard") -> str:
    """The score card as a table, a heading for each group, the protocol below."""
    from mulligan.metrics.figures import BASELINES, grouped, meaning, number

    head = ("", "value", "95 % interval", "real data", "share", *BASELINES)
    rows: list[tuple[str, ...]] = [head]
    for group, names in grouped(card):
        rows.append((group.upper(),))
        for name in names:
            figure = card[name]
            share = figure.calibrated(meaning(name).better)
            interval = "" if figure.low is None or figure.high is None else f"{number(figure.low)} - {number(figure.high)}"
            trivial = [number(figure.baselines[which]) if which in figure.baselines else "" for which in BASELINES]
            known = "" if figure.floor is None else number(figure.floor)
            rows.append((f"  {name}", number(figure.value), interval, known, "" if share is None else f"{share:.0%}", *trivial))
    widths = [max(len(row[place]) for row in rows if len(row) > place) for place in range(len(head))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=False))]).rstrip()
        for row in rows
    ]
    lines.append("")
    if card.classes:
        shares = "  ".join(f"{own:.1%} ({data:.1%})" for own, data in zip(card.classes["samples"], card.classes["data"], strict=True))
        lines.append(f"classes, samples (data): {shares}")
    lines.append(card.about())
    lines.append(
        "real data: the same figure of as many training samples, which no generator beats honestly; share: of what real data reach"
    )
    lines.append("gaussian: drawn from a Gaussian fitted to the training samples; resampled: training samples drawn again")
    return "\n".join(lines)
