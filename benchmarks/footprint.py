"""What Mulligan needs beside time: memory of training, the start of a run on a large folder, and how soon a model gives samples.

    python benchmarks/footprint.py                 measures, and prints the table
    python benchmarks/footprint.py publish         the same, and writes benchmarks/results/footprint.json and the table of docs/footprint.md
    python benchmarks/footprint.py --images 2000 --times 1        a short one

Each measurement is a process of its own, in an empty cache folder of Mulligan's where it says cold. Times are medians, with the least and
the most. The folder of 100,000 pictures is made first, which takes a minute, and removed at the end. Linux alone: it reads /proc.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "footprint.json"
PAGE = ROOT / "docs" / "footprint.md"
START, END = "<!-- footprint -->", "<!-- /footprint -->"
DATA = "fashion"  # that the training is on whose memory is read
IMAGES, SIDE = 100_000, 32
SAMPLES = 10_000
STEPS = 60  # of a training whose memory is read
MACHINE = ["machine.device=cpu", "machine.compile=off", "machine.precision=float32", "machine.threads=2"]
TIMES = 3


# Children: each prints what it found as the last line of its output. What they import is a part of what is measured.


class Enough(Exception):
    """What was to be seen has been seen."""


def memory() -> dict[str, int]:
    """Bytes of this process: `all` of it, and what is its own alone (`own`)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[key].split()[0]) * 1024 for name, key in (("all", "VmRSS"), ("own", "RssAnon"))}


def training(folder: str, data: str) -> dict[str, Any]:
    """Memory of a run of `dense-dropout` between two steps, beside what it has to hold."""
    import torch

    torch.ones(64, 64) @ torch.ones(64, 64)
    with_torch = memory()
    from mulligan.data.dataset import Split
    from mulligan.resolve import resolve
    from mulligan.training.state import initial
    from mulligan.verbs import Quiet, made_game, train

    imported = memory()
    most = {"all": 0, "own": 0}

    class Watch(Quiet):
        def tick(self, tick: Any) -> None:
            most.update({name: max(most[name], size) for name, size in memory().items()})
            if tick.step >= STEPS:
                raise Enough

    recipe, dataset = resolve(data, "dense-dropout", MACHINE)
    with suppress(Enough):
        train(recipe, dataset, run=Path(folder) / "run", audience=Watch())
    game = made_game(recipe, dataset)
    state = initial(game.actors)
    kept = [t for player in state.values() for t in (player.parameters, player.first, player.second, player.ema) if t is not None]
    needed = {
        "weights and moments": sum(tensor.nbytes for tensor in kept),
        "data": sum(split.target.nbytes for split in (dataset.train, dataset.test) if isinstance(split, Split)),
        "activations": activations(game.actors, recipe.batch, recipe.latent.size, dataset.data.shape),
    }
    return {
        **{name: {"torch": with_torch[name], "modules": imported[name], "training": most[name]} for name in most},
        "gradients": max(player.parameters.nbytes for player in state.values()),
        "needed": needed,
    }


def activations(actors: Any, batch: int, latent: int, shape: Sequence[int]) -> int:
    """Bytes of what all layers of both players give for one batch."""
    import torch
    from torch.func import functional_call

    found = 0

    def add(layer: Any, inputs: Any, output: Any) -> None:
        nonlocal found
        if not list(layer.children()) and isinstance(output, torch.Tensor):
            found += output.nbytes

    for name, inputs in (("generator", torch.zeros(batch, latent)), ("discriminator", torch.zeros(batch, *shape))):
        network = actors[name].training
        hooks = [layer.register_forward_hook(add) for layer in network.modules()]
        weights = {key: torch.zeros(tensor.shape) for key, tensor in (*network.named_parameters(), *network.named_buffers())}
        functional_call(network, weights, (inputs,))
        for hook in hooks:
            hook.remove()
    return found


def starting(folder: str, run: str, begun: str) -> dict[str, Any]:
    """Seconds from the beginning of the process until training goes on, and memory then."""
    from mulligan.resolve import resolve
    from mulligan.verbs import Quiet, train

    seen: dict[str, Any] = {}

    class Watch(Quiet):
        def tick(self, tick: Any) -> None:
            seen.setdefault("seconds", time.time() - float(begun))
            seen.update(own=memory()["own"], step=tick.step)
            if tick.step >= STEPS:
                raise Enough

    recipe, dataset = resolve(folder, "fast", ["machine.compile=off"])
    with suppress(Enough):
        train(recipe, dataset, run=run, audience=Watch())
    return seen


def sampling(model: str, begun: str) -> dict[str, Any]:
    """Seconds until the first image of a new process, and for ten thousand after that."""
    from mulligan import GAN

    gan = GAN.load(model)
    gan.sample(1)
    first = time.time() - float(begun)
    before = time.perf_counter()
    gan.sample(SAMPLES, seed=1)
    return {"first": first, "many": time.perf_counter() - before}


CHILDREN: dict[str, Callable[..., dict[str, Any]]] = {"training": training, "starting": starting, "sampling": sampling}


def child(name: str, *words: str, home: Path | None = None) -> dict[str, Any]:
    """What a child of that name finds."""
    environment = {**os.environ, **({} if home is None else {"MULLIGAN_HOME": str(home)})}
    said = subprocess.run([sys.executable, __file__, name, *words], env=environment, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


# What is asked of them


def pictures(folder: Path, count: int) -> None:
    """So many different coloured pictures of SIDE pixels."""
    import numpy as np
    from PIL import Image

    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    folder.mkdir(parents=True)
    for place, colours in enumerate(coarse):
        Image.fromarray(colours).resize((SIDE, SIDE), Image.Resampling.BILINEAR).save(folder / f"{place:06}.png", compress_level=1)


def measure(place: Path, images: int, times: int, data: str = DATA) -> dict[str, Any]:
    """Every figure, and what it was measured on."""
    from mulligan import __version__
    from mulligan.resolve import resolve
    from mulligan.runs import environment
    from mulligan.training.budget import Budget
    from mulligan.verbs import train

    found: dict[str, Any] = {"training": child("training", str(place), data)}
    for count in (images // 10, images):
        folder, home = place / f"pictures-{count}", place / f"home-{count}"
        pictures(folder, count)
        runs = []
        for turn in range(1 + times):
            runs.append(child("starting", str(folder), str(place / f"run-{count}-{turn}"), str(time.time()), home=home))
        found[f"starting {count}"] = {"cold": runs[0]["seconds"], "warm": [run["seconds"] for run in runs[1:]], "own": runs[-1]["own"]}
    train(*resolve("digits", "fast", ["machine.compile=off"]), run=place / "model-run", budget=Budget(steps=5))
    found["sampling"] = [child("sampling", str(place / "model-run" / "model"), f"{time.time()}") for _ in range(times)]
    return {
        **found,
        "data": data,
        "images": images,
        "processor": environment.processor(),
        "cores": environment.cores(),
        "version": __version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def table(found: dict[str, Any]) -> str:
    """The figures beside what was aimed at."""
    training, images = found["training"], found["images"]
    needed = sum(training["needed"].values())
    above, own = (training[which]["training"] - training[which]["torch"] for which in ("all", "own"))
    few, many = (found[f"starting {count}"] for count in (images // 10, images))
    first, thousands = ([run[name] for run in found["sampling"]] for name in ("first", "many"))
    parts = ", ".join(f"{_mib(size)} of {name}" for name, size in training["needed"].items())
    modules = training["own"]["modules"] - training["own"]["torch"]
    on_top = f"modules of Python {_mib(modules)}, gradients {_mib(training['gradients'])}"
    rows = [
        (
            f"memory of training `dense-dropout` on {found['data']} above the interpreter with torch loaded ({parts})",
            "1.2 times that",
            f"{_mib(above)}: {above / needed:.2f} times; {own / needed:.2f} without code and other files in memory ({on_top})",
            above <= 1.2 * needed,
        ),
        (f"a folder of {images:,} images, cold: the first steps after", "30 s", f"{many['cold']:.1f} s", many["cold"] <= 30),
        ("the same, warm", "3 s", _seconds(many["warm"]), statistics.median(many["warm"]) <= 3),
        (
            f"memory of its own with {images:,} images against {images // 10:,}",
            "the same",
            f"{_mib(many['own'])} against {_mib(few['own'])}",
            many["own"] <= 1.05 * few["own"],
        ),
        (f"{SAMPLES:,} samples of 28x28 after load", "1 s", _seconds(thousands), statistics.median(thousands) <= 1),
        ("load and first sample, from a cold process", "2 s", _seconds(first), statistics.median(first) <= 2),
    ]
    lines = ["| | aim | measured | |", "|---|---|---|---|"]
    lines += [f"| {what} | {aim} | {said} | {'reached' if reached else 'missed'} |" for what, aim, said, reached in rows]
    lines += ["", f"Measured on {found['processor']}, {found['cores']} cores, {found['date']}, Mulligan {found['version']}."]
    return "\n".join(lines)


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"


def _seconds(values: Sequence[float]) -> str:
    middle = f"{statistics.median(values):.2f} s"
    return middle if len(values) == 1 else f"{middle} ({min(values):.2f} to {max(values):.2f})"


def publish(found: dict[str, Any]) -> None:
    """Write the results and the page's table."""
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    page = PAGE.read_text(encoding="utf-8")
    start, end = page.index(START) + len(START), page.index(END)
    PAGE.write_text(page[:start] + "\n" + table(found) + "\n" + page[end:], encoding="utf-8")


def main() -> None:
    """Measure, or be one of the measured processes."""
    if len(sys.argv) > 1 and sys.argv[1] in CHILDREN:
        print(json.dumps(CHILDREN[sys.argv[1]](*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("measure", "publish"), default="measure")
    parser.add_argument("--images", type=int, default=IMAGES, help="in the large folder (default: %(default)s)")
    parser.add_argument("--times", type=int, default=TIMES, help="how often times are taken (default: %(default)s)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        found = measure(Path(place), asked.images, asked.times)
    if asked.what == "publish":
        publish(found)
    print(table(found))


if __name__ == "__main__":
    main()
