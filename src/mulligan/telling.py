"""What a run is made of, in words for a terminal: its data, its networks layer by layer, its figures, and what to open."""

from collections.abc import Sequence

from mulligan.runs.facts import DataFacts, Facts, FigureFacts, PlayerFacts
from mulligan.runs.folder import Run

_HEAD = ("layer", "activation", "output", "parameters")


def facts_text(facts: Facts) -> str:
    """The data first, then each network."""
    return "\n\n".join([data_text(facts.data), *(player_text(player) for player in facts.players)])


def data_text(data: DataFacts) -> str:
    """Shape, range and number of samples.

    >>> print(data_text(DataFacts(name="digits", kind="image", shape=(1, 28, 28), train=8000, test=2000, stored=(0, 255), seen=(-1, 1))))
    data: digits, images of 28 x 28, grey; 8,000 to train on, 2,000 held out
      numbers from 0 to 255, seen by the networks as -1 to 1
    """
    many = "endless" if data.train is None else f"{data.train:,} to train on, {f'{data.test:,}' if data.test else 'none'} held out"
    classes = f"; {len(data.classes)} classes" if data.classes else ""
    moments = "" if data.mean is None or data.std is None else f" (mean {data.mean:.3g}, standard deviation {data.std:.3g})"
    stored, seen = ((f"{low:.4g}", f"{high:.4g}") for low, high in (data.stored, data.seen))
    first = f"data: {data.name}, {_sample(data)}; {many}{classes}"
    return f"{first}\n  numbers from {stored[0]} to {stored[1]}, seen by the networks as {seen[0]} to {seen[1]}{moments}"


def player_text(player: PlayerFacts) -> str:
    """The table of a network's layers."""
    rows = [_HEAD, *((row.layer, row.activation, " x ".join(map(str, row.shape)), f"{row.parameters:,}") for row in player.layers)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    table = [
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1].rjust(widths[-1])])
        for row in rows
    ]
    note = f" ({player.note})" if player.note else ""
    rest = player.parameters - player.trainable
    total = f"{player.trainable:,} trainable" + (f" and {rest:,} moving statistics, {player.parameters:,} in all" if rest else "")
    network = f" ({player.network})" if player.network else ""
    return "\n".join([f"{player.name}{network}", *table, f"  {total}{note}"])


def figure_lines(figures: Sequence[FigureFacts]) -> list[str]:
    """A line for each figure, beside what real data score."""
    width = max((len(figure.name) for figure in figures), default=0)
    return [f"{figure.name:<{width}}  {_number(figure.value)}, real data {_number(figure.floor)} ({figure.meaning})" for figure in figures]


def to_open(run: Run) -> dict[str, str]:
    """Paths of what people look at, those that are there."""
    steps = run.sample_steps()
    places = {
        "report": run.report_file,
        "progress": run.progress_gif,
        "samples": run.sample_grid(steps[-1]) if steps else run.samples / "none",
        "model": run.model,
    }
    return {name: str(path) for name, path in places.items() if path.exists()}


def open_lines(run: Run) -> list[str]:
    """The same as lines for people."""
    return [f"{name:<9} {path}" for name, path in to_open(run).items()]


def _sample(data: DataFacts) -> str:
    if len(data.shape) == 3:
        return f"images of {data.shape[2]} x {data.shape[1]}, {'grey' if data.shape[0] == 1 else 'RGB'}"
    return f"points of {data.shape[0]} columns" if data.kind == "points" else f"{data.kind} of shape {tuple(data.shape)}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"
