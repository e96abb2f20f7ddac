"""Compare the classic remedies against collapse on the two mixtures of Gaussians, twenty seeds each, and write docs/remedies.md's table.

    python benchmarks/remedies.py train [NAME ...] [ring] [grid] [SETTING=VALUE ...] --to DIR    one study for each
    python benchmarks/remedies.py publish --from DIR        benchmarks/results/remedies.json and the table of docs/remedies.md

All of them start from one plain GAN of points (BASE): the loss of 2014, no penalty, no average, no annealing. A remedy is the settings
that turn it on, and nothing else is changed. The protocol is that of `mulligan study`.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from mulligan.resolve import resolve
from mulligan.sampling.asked import parse_seeds
from mulligan.verbs import Quiet, study

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "remedies.json"
PAGE = ROOT / "docs" / "remedies.md"
START, END = "<!-- remedies -->", "<!-- /remedies -->"
SETS = ("ring", "grid")
SEEDS = "0-19"

# A plain GAN: two hidden layers of 64 in both nets, Adam with beta1 0.5 and a rate of 1e-3, 6,000 steps of 128 points. After 1,500 steps
# it has 3 % of its samples on the modes, and no remedy could show what it does (dev/LOG.md).
BASE = (
    "scaling=standard",
    "generator.network.widths=[64,64]",
    "discriminator.network.widths=[64,64]",
    "generator.optimiser.beta1=0.5",
    "discriminator.optimiser.beta1=0.5",
    "generator.optimiser.epsilon=1e-8",
    "discriminator.optimiser.epsilon=1e-8",
    "batch=128",
    "horizon=768000",
)

# Each as somebody would type it, with the strength that its paper or its recipe has.
REMEDIES: dict[str, tuple[str, ...]] = {
    "none": (),
    "feature matching": ("loss.name=feature-matching",),
    # Fewer kernels than the default: with 20 seeds its distances between all pairs are nine tenths of the step.
    "minibatch discrimination": (
        "discriminator.network.minibatch=discrimination",
        "discriminator.network.kernels=8",
        "discriminator.network.kernel_size=4",
    ),
    "minibatch deviation": ("discriminator.network.minibatch=deviation",),
    "historical averaging": ("generator.history.weight=0.001", "discriminator.history.weight=0.001"),
    "one-sided label smoothing": ("loss.smoothing=0.1",),
    "virtual batch normalisation": ("generator.network.normalisation=virtual",),
    "spectral normalisation": ("discriminator.network.spectral=true", "loss.name=hinge"),
    "packing, 2": ("turns.pack=2",),
    "packing, 4": ("turns.pack=4",),
    "two time scales": ("discriminator.optimiser.rate=4e-3",),
    "instance noise": ("augmentations.instance-noise.weight=0.1", "augmentations.instance-noise.final=0"),
    "lookahead": ("generator.lookahead.every=5", "discriminator.lookahead.every=5"),
    "unrolling, 5": ("turns.unroll=5",),
    "zero-centred penalties": ("penalties.zero-centred-real.weight=0.1", "penalties.zero-centred-fake.weight=0.1"),
    "pairing and both penalties": (
        "loss.name=pairing",
        "penalties.zero-centred-real.weight=0.1",
        "penalties.zero-centred-fake.weight=0.1",
    ),
}

# Means over ten trials, as printed in the paper's table 1 (Lin et al. 2018): modes, high quality, reverse KL.
PUBLISHED = {
    "ring": {"GAN": (6.3, 0.982, 0.45), "PacGAN2": (7.9, 0.956, 0.07), "PacGAN4": (7.8, 0.959, 0.07)},
    "grid": {"GAN": (17.3, 0.948, 0.70), "PacGAN2": (23.8, 0.913, 0.13), "PacGAN4": (24.8, 0.936, 0.04)},
}


def train(folder: Path, asked: list[str], seeds: str) -> None:
    """Train what has no result yet. asked: names of remedies and sets (absent for all), and settings."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = [word for word in asked if "=" in word]
    for source in [source for source in SETS if source in asked] or SETS:
        for name in [name for name in REMEDIES if name in asked] or REMEDIES:
            file = folder / f"{source}-{name.replace(' ', '-').replace(',', '')}.json"
            if file.exists():
                continue
            print(f"{name} on {source}", file=sys.stderr, flush=True)
            shutil.rmtree(file.with_suffix(""), ignore_errors=True)  # of one that was broken off
            recipe, dataset = resolve(source, "points", [*BASE, *REMEDIES[name], *settings])
            found = study(
                recipe, dataset, seeds=parse_seeds(seeds), to=file.with_suffix(""), audience=Quiet(), command=["benchmarks/remedies.py"]
            )
            facts = {"remedy": name, "data": source, "settings": [*BASE, *REMEDIES[name], *settings], **found.as_dict()}
            file.write_text(json.dumps(facts, indent=1, default=str))


def rows(folder: Path) -> list[dict[str, Any]]:
    """One row for each remedy and set, in the order of the list."""
    found = []
    for source in SETS:
        for name in REMEDIES:
            file = folder / f"{source}-{name.replace(' ', '-').replace(',', '')}.json"
            if file.exists():
                found.append(json.loads(file.read_text()))
    return found


def table(found: list[dict[str, Any]]) -> str:
    """The rows as Markdown, the published ones below those of their set."""
    lines = []
    for source in SETS:
        mine = [row for row in found if row["data"] == source]
        lines += [
            f"### {source}",
            "",
            "| remedy | modes | high quality | KL | width | seeds that miss a mode | seeds lost |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in mine:
            summary = row["summary"]
            cells = [
                _spread(summary.get(key), form)
                for key, form in (("modes", "{:.3g}"), ("high_quality", "{:.1%}"), ("kl", "{:.3f}"), ("width", "{:.2f}"))
            ]
            missing = "-" if row["collapsed"] is None else f"{row['collapsed']:.0%}"
            lines.append(f"| {row['remedy']} | {' | '.join(cells)} | {missing} | {row['lost']:.0%} |")
        for name, (modes, quality, kl) in PUBLISHED[source].items():
            lines.append(f"| {name}, as published | {modes} | {quality:.1%} | {kl} | - | - | - |")
        lines.append("")
    return "\n".join(lines)


def _spread(spread: dict[str, float] | None, form: str) -> str:
    if spread is None:
        return "-"
    return f"{form.format(spread['median'])} ({form.format(spread['low'])} to {form.format(spread['high'])})"


def publish(folder: Path) -> None:
    """Write the results and the page's table."""
    found = rows(folder)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("[\n" + ",\n".join(json.dumps(row) for row in found) + "\n]\n")  # a study is a line
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(START) + len(START), page.index(END)
    PAGE.write_text(page[:start] + "\n" + table(found) + "\n" + page[end:], encoding="utf-8")


def main() -> None:
    """Read the command line. Training goes on where it stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "publish"))
    parser.add_argument("asked", nargs="*", help="remedies, sets, settings")
    parser.add_argument("--to", "--from", dest="folder", type=Path, required=True)
    parser.add_argument("--seeds", default=SEEDS)
    asked = parser.parse_args()
    unknown = [word for word in asked.asked if "=" not in word and word not in (*REMEDIES, *SETS)]
    if unknown:
        parser.error(f"{unknown[0]} is no remedy or set: {', '.join((*REMEDIES, *SETS))}")
    if asked.what == "publish":
        publish(asked.folder)
        return
    train(asked.folder, asked.asked, asked.seeds)


if __name__ == "__main__":
    main()
