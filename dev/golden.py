"""Write what this version leaves on disk into tests/golden/VERSION, where later versions are tested to read it (fault F12).

    .venv/bin/python dev/golden.py

run/         a conditional run with averages that was stopped half-way, and its checkpoint; what a report draws anew is left out
points/      a model folder of points
model.onnx   the model of the run
samples.npz  what both models sample: `images` of the run, `points` of the other; samples 0 to 9 of seed 3
about.json   the version, and the size of all of it

Run it once for each release, before it is tagged; what an older release wrote is not written again.
"""

import json
import os
import platform
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from mulligan import __version__
from mulligan.cli import main
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.loading import load_sampler

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
COMMON = ("generator.network.widths=[8]", "discriminator.network.widths=[8]", "batch=8", "keeping.reports=2", "keeping.checkpoints=1")
MACHINE = ("machine.threads=1", "machine.compile=off", "machine.precision=float32", "machine.products=default")
IMAGES = (
    "data.size=8",
    "data.limit=64",
    "horizon=96",
    "generator.ema.share=0.05",
    "generator.history.weight=0.1",
    "discriminator.lookahead.every=2",
)
REDRAWN = ("*.html", "curves.png", "diagnosis.png", "progress.gif", "compare.png", ".lock", ".holder.json")


def trained(*words: str) -> None:
    """A run in this folder."""
    assert main(["train", *words]) == 0


def write(folder: Path) -> None:
    """All of it, into a folder that is there; made in the current folder, so that no path goes into any file."""
    trained("digits", "--recipe", "shallow-conditional", *COMMON, *MACHINE, *IMAGES, "--steps", "6", "--run", "run")
    trained("ring", "--recipe", "points", *COMMON, *MACHINE, "horizon=96", "--run", "other")
    assert main(["export", "run", "--to", "onnx", "--out", "exported"]) == 0
    environment = Path("run/environment.json")
    facts = json.loads(environment.read_text(encoding="utf-8"))
    for session in facts["sessions"]:
        session["system"] = platform.system()  # a release of a kernel can tell whose machine it was
    environment.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    shutil.copytree("run", folder / "run", ignore=shutil.ignore_patterns(*REDRAWN))
    shutil.copytree("other/model", folder / "points")
    shutil.copy("exported/model.onnx", folder / "model.onnx")
    made = {name: load_sampler(folder / part).draw(of_seed(3, range(10))).array for name, part in (("images", "run"), ("points", "points"))}
    np.savez_compressed(folder / "samples.npz", **made)


if __name__ == "__main__":
    to = GOLDEN / __version__
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    with TemporaryDirectory() as place:
        os.chdir(place)
        write(to)
    size = sum(file.stat().st_size for file in to.rglob("*") if file.is_file())
    (to / "about.json").write_text(json.dumps({"version": __version__, "bytes": size}) + "\n", encoding="utf-8")
    print(f"{to}: {size:,} bytes")
