"""Is the rule by which `fast` chooses the weight of its penalties and its rate as good as a search? Four data sets, nine settings each.

    python benchmarks/strengths.py record --to DIR [DATA ...]   trains and judges what is not there yet
    python benchmarks/strengths.py publish --from DIR           benchmarks/results/strengths.json and the table of docs/quality.md

The rule costs no run: the weight is the numbers in a sample over 256, the rates are always the same. The grid is a tenth, one and ten
times that weight with half, one and twice those rates, one seed each; the rule's own cell has three, whose spread is the noise. A run
sees 48,000 images.

Two of the sets are not like MNIST: patches of the two photographs that scikit-learn carries (it comes with the extra dev), in grey, and the
signs of Google's font of coloured emoji (Debian's package fonts-noto-color-emoji), each in three places. All are judged by distances in
the features of the network of random weights, which is the same for every set.
"""

import json
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cells
import numpy as np

from mulligan.errors import DataError
from mulligan.resolve import resolve
from mulligan.verbs import Quiet, evaluate, train

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "strengths.json"
PAGE = ROOT / "docs" / "quality.md"
FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
WEIGHTS = (0.1, 1.0, 10.0)  # times the rule's
RATES = (0.5, 1.0, 2.0)
SEEDS = 3  # of the rule
IMAGES = 48_000
SIDE = 32
PATCHES = 8000


def photographs() -> np.ndarray:
    """Grey patches uint8 (N, 32, 32) from random places of two photographs, each reduced to a half first."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(0)
    patches = []
    for photograph in load_sample_images().images:
        picture = Image.fromarray(photograph).convert("L")
        pixels = np.asarray(picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX))
        tops = generator.integers(0, pixels.shape[0] - SIDE, PATCHES // 2)
        lefts = generator.integers(0, pixels.shape[1] - SIDE, PATCHES // 2)
        patches += [pixels[top : top + SIDE, left : left + SIDE] for top, left in zip(tops, lefts, strict=True)]
    return np.stack(patches)


def emoji() -> np.ndarray:
    """Coloured signs uint8 (N, 32, 32, 3) on white, each in three places. Raises DataError without the font."""
    from PIL import Image, ImageDraw, ImageFont

    if not FONT.exists():
        raise DataError(f"{FONT} is not there", "Install fonts-noto-color-emoji")
    font = ImageFont.truetype(str(FONT), 109)  # the one size that the font's pictures have
    signs = [chr(code) for first, last in ((0x1F300, 0x1F650), (0x1F680, 0x1F6FD), (0x1F900, 0x1FA00)) for code in range(first, last)]
    generator = np.random.default_rng(0)
    found = []
    for sign in signs:
        canvas = Image.new("RGB", (150, 150), "white")
        ImageDraw.Draw(canvas).text((75, 75), sign, font=font, embedded_color=True, anchor="mm")
        if np.asarray(canvas).std() < 5:  # a sign that the font does not have
            continue
        for across, down in generator.integers(-6, 7, (3, 2)):
            moved = canvas.transform(canvas.size, Image.Transform.AFFINE, (1, 0, across, 0, 1, down), fillcolor="white")
            found.append(np.asarray(moved.resize((SIDE, SIDE), Image.Resampling.BOX)))
    return np.stack(found)


MADE: dict[str, Callable[[], np.ndarray]] = {"photographs": photographs, "emoji": emoji}
SETS = ("digits", "fashion", *MADE)


def source(name: str, folder: Path) -> str:
    """What `mulligan train` is given for a set: the name of a built-in one, or the path of an array, made once."""
    if name not in MADE:
        return name
    path = folder / f"{name}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, images=MADE[name]())
    return str(path)


def record(folder: Path, names: Sequence[str]) -> None:
    """Train and judge each cell of the grid that has no result yet."""
    for name in names or SETS:
        for weight in WEIGHTS:
            for rate in RATES:
                for seed in range(SEEDS if weight == rate == 1 else 1):
                    file = folder / f"{name}-{weight:g}-{rate:g}-{seed}.json"
                    if not file.exists():
                        print(file.stem, file=sys.stderr, flush=True)
                        found = trained(source(name, folder), file.with_suffix(""), weight, rate, seed)
                        file.write_text(json.dumps({"data": name, "weight": weight, "rate": rate, "seed": seed, **found}) + "\n")


def trained(data: str, run: Path, weight: float, rate: float, seed: int) -> dict[str, Any]:
    """What a run of `fast` with other strengths comes to."""
    plain, _ = resolve(data, "fast", [])
    settings = [f"penalties.{name}.weight={penalty.weight * weight}" for name, penalty in plain.penalties.items()]
    for name, player in plain.players.items():
        assert player.optimiser is not None
        settings.append(f"{name}.optimiser.rate={player.optimiser.rate * rate}")
    recipe, dataset = resolve(data, "fast", [*settings, f"horizon={IMAGES}", "machine.compile=off", "keeping.reports=4"], seed=seed)
    train(recipe, dataset, run=run, audience=Quiet(), command=["benchmarks/strengths.py"])
    card = evaluate(run, features=("random",))
    return {figure: [card[figure].value, card[figure].floor] for figure in ("fd_random", "coverage")}


def publish(folder: Path) -> None:
    """Results and table."""
    rows = cells.rows_in(folder)
    cells.keep(rows, RESULTS)
    cells.put(PAGE, "strengths", table(rows))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """For each set: the rule, its spread over seeds, the best cell of the grid and the worst."""
    lines = [
        "| data | by the rule | its seeds | best of the grid | where (weight, rate) | worst of the grid | within noise of the best |",
        "|---|---:|---:|---:|---|---:|---|",
    ]
    for name in SETS:
        own = [row for row in rows if row["data"] == name]
        if not own:
            continue
        ruled = sorted(_distance(row) for row in own if row["weight"] == row["rate"] == 1)
        grid = [row for row in own if row["seed"] == 0]
        best, worst = min(grid, key=_distance), max(grid, key=_distance)
        within = "yes" if statistics.median(ruled) <= _distance(best) * (ruled[-1] / ruled[0]) else "no"
        lines.append(
            f"| {name} | {statistics.median(ruled):.3g} | {ruled[0]:.3g} to {ruled[-1]:.3g} | {_distance(best):.3g} "
            f"| {best['weight']:g}, {best['rate']:g} | {_distance(worst):.3g} | {within} |"
        )
    return "\n".join(lines)


def _distance(row: dict[str, Any]) -> float:
    value = row["fd_random"][0]
    return float(value) if value is not None else math.inf


def main(arguments: Sequence[str] | None = None) -> None:
    """Record or publish."""
    cells.main(__doc__, ", ".join(SETS), record, publish, arguments)


if __name__ == "__main__":
    main()
