"""How long a training step takes: Mulligan beside plain PyTorch loops, the Keras original, JAX, and what the machine allows.

    python benchmarks/steps.py publish                  everything: benchmarks/results/steps.json and the tables of docs/speed.md
    python benchmarks/steps.py                          the same as a table, and nothing is written
    python benchmarks/steps.py --only points --rounds 5 --json
    python benchmarks/steps.py publish --only points    measures one system again, and keeps what was published of the others

Keras on TensorFlow and JAX come with `pip install -c constraints.txt -e ".[bench]"`; without them their rows are left out, and the output
says so. On two cores everything takes about an hour; nothing else should run.

Mulligan's step is timed as the loop runs it: batches, draws, rates, seeding of dropout, the step, reading its figures, the checks
between steps; no reports and checkpoints. All loops of a system run in alternating blocks, so that other work on the machine meets all of
them alike; each round begins with another one. Plain loops (`plain.py`, `plain_modern.py`) and bounds (`bounds.py`) run in this process;
Keras and JAX, whose threads would fight with PyTorch's, in processes of their own in lock-step (`lockstep.py`), on as many cores. Every
figure is the median over the rounds of ratios of the blocks' medians, with quartiles.

The images are the digits that Mulligan carries, and for colour three of them in a frame: a step takes as long on any other.
"""

import argparse
import importlib.util
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import bounds
import numpy as np
import step_tables
import torch
from lockstep import Block, Child, child
from systems import (
    ARITHMETIC,
    BYTES,
    COMPILED,
    EAGER,
    EMPTY,
    FUSED,
    JAX,
    KERAS,
    KERAS_ON_BATCH,
    PLAIN,
    PRECISIONS,
    SYSTEMS,
    System,
    images_of,
)
from timing import Key, block_of, interleaved

from mulligan.data.dataset import Dataset
from mulligan.recipe import Recipe
from mulligan.runs import environment
from mulligan.runs.folder import Run
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop, Tick
from mulligan.training.machine import decide_machine
from mulligan.training.observing import Observer
from mulligan.training.products import onednn_is_faster
from mulligan.training.session import Session
from mulligan.verbs import made_game, new_session

WARM = 5  # steps of each loop that are not timed, the compilation among them
BLOCK_SECONDS = 0.8  # of the plain loop; a block has as many steps as it makes in that time
LEAST, MOST = 3, 30  # steps in a block
PACKAGES = {KERAS: ("keras", "tensorflow"), JAX: ("jax",)}


class Bystander:
    """An audience that hears only what should not happen."""

    def say(self, text: str) -> None:
        raise RuntimeError(text)

    def tick(self, tick: Tick) -> None:
        pass


def mulligan_session(folder: Path, recipe: Recipe, dataset: Dataset, threads: int, compiled: bool, precision: str) -> Session:
    """A run at its first step, on this machine as it is asked for."""
    decided = {"threads": threads, "compile": "on" if compiled else "off", "precision": precision}
    decided["products"] = "onednn" if recipe.machine.device == "cpu" and onednn_is_faster() else "default"
    machine = recipe.machine.model_copy(update=decided)
    session = new_session(Run(folder).prepare(), recipe.model_copy(update={"machine": machine}), dataset)
    session.save()
    session.controls = session.controls.model_copy(update={"reported": 1.0})  # no report is due any more
    return session


def mulligan_loop(session: Session) -> Callable[[], object]:
    """One turn of Mulligan's training loop, as a call."""
    return Loop(session, Budget(), Bystander(), Observer(session)).once


def threads_for(system: str) -> int:
    """The threads that `auto` stands for."""
    with tempfile.TemporaryDirectory() as folder:
        recipe, dataset = SYSTEMS[system].resolved(Path(folder))
        return decide_machine(recipe, made_game(recipe, dataset), 1, None, lambda machine: 0.0).threads


def in_this_process(
    system: System, folder: Path, asked: argparse.Namespace, threads: int, recipe: Recipe, dataset: Dataset
) -> tuple[dict[Key, Block], dict[str, int]]:
    """Mulligan's loops, the plain ones and the bounds, and how much a step has to compute and to move."""
    images = images_of(dataset)
    plain = system.plain(recipe, images, False, asked.device)
    sizes = {"operations": bounds.operations(plain), "bytes": bounds.moved(recipe, made_game(recipe, dataset))}

    def session(name: str, compiled: bool, precision: str = "float32") -> Session:
        return mulligan_session(folder / name, recipe, dataset, threads, compiled, precision)

    blocks: dict[Key, Block] = {}
    if not asked.eager:
        for precision in asked.precision:
            blocks[COMPILED, precision] = block_of(mulligan_loop(session(f"compiled-{precision}", True, precision)))
    blocks[EAGER, "float32"] = block_of(mulligan_loop(session("eager", False)))
    blocks[PLAIN, "float32"] = block_of(plain.step)
    blocks[FUSED, "float32"] = block_of(system.plain(recipe, images, True, asked.device).step)
    for precision in asked.precision:
        blocks[ARITHMETIC, precision] = bounds.arithmetic(sizes["operations"], asked.device, getattr(torch, precision))
    blocks[BYTES, "float32"] = bounds.copying(sizes["bytes"], asked.device)
    if not asked.eager:
        blocks[EMPTY, "float32"] = bounds.empty(session("empty", True))
    return blocks, sizes


def in_their_own(system: System, asked: argparse.Namespace, needed: dict[str, Any], ends: ExitStack) -> tuple[dict[Key, Child], list[str]]:
    """Keras and JAX, each in a process of its own until `ends`, and what was left out."""
    children: dict[Key, Child] = {}
    missing = [f"{name}: not asked for" for name in (KERAS, JAX)] if asked.alone else []
    if asked.device != "cpu" and not asked.alone:
        missing = [f"{name}: timed on a CPU alone" for name in (KERAS, JAX)]
    if not missing:
        missing = [f"{name}: not installed" for name, modules in PACKAGES.items() if not all(map(importlib.util.find_spec, modules))]
    left_out = {line.partition(":")[0] for line in missing}
    if system.keras and KERAS not in left_out:
        for name in (KERAS, KERAS_ON_BATCH):
            children[name, "float32"] = ends.enter_context(child("keras_original.py", {**needed, "on_batch": name == KERAS_ON_BATCH}))
    if JAX not in left_out:
        for precision in asked.precision:
            children[JAX, precision] = ends.enter_context(child("jax_scan.py", {**needed, "precision": precision}))
    return children, [line for line in missing if system.keras or not line.startswith(KERAS)]


def measure(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Time the loops of one system, and say what they come to."""
    system, threads = SYSTEMS[name], asked.threads or threads_for(name)
    torch.compiler.reset()  # what was compiled for another system would be looked at before each step of this one
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place, _threads(threads), ExitStack() as ends:
        folder = Path(place)
        recipe, dataset = system.resolved(folder, (f"machine.device={asked.device}",))
        blocks, sizes = in_this_process(system, folder, asked, threads, recipe, dataset)
        steps = asked.steps or fitting(blocks[PLAIN, "float32"])
        needed = {"recipe": recipe.model_dump(mode="json"), "images": None, "threads": threads, "steps": steps}
        if (images := images_of(dataset)) is not None:
            needed["images"] = str(folder / "images.npy")
            np.save(folder / "images.npy", images)
        children, left_out = in_their_own(system, asked, needed, ends)
        blocks |= {key: each.block for key, each in children.items()}
        for block in blocks.values():
            block(WARM)
        times = interleaved(blocks, asked.rounds, steps)
        versions = {package: version for each in children.values() for package, version in each.facts["versions"].items()}
    return {
        "system": name,
        "device": asked.device,
        "machine": {**machine(asked.device), **versions},
        "threads": threads,
        "rounds": asked.rounds,
        "steps": steps,
        **sizes,
        "rows": step_tables.rows(times),
        "goals": step_tables.judged(name, times, bool(machine(asked.device)["bfloat16 instructions"])),
        "left out": left_out,
    }


def fitting(block: Block) -> int:
    """Steps that make a block of about BLOCK_SECONDS."""
    block(1)
    return min(max(round(BLOCK_SECONDS / statistics.median(block(LEAST))), LEAST), MOST)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def machine(device: str) -> dict[str, Any]:
    """What the times depend on."""
    return {
        "processor": environment.processor() if device == "cpu" else torch.cuda.get_device_name(),
        "cores": environment.cores(),
        "bfloat16 instructions": environment.has_bfloat16(device),
        "date": time.strftime("%Y-%m-%d"),
        "torch": torch.__version__,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print or publish; progress goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("measure", "publish"), default="measure")
    parser.add_argument("--only", choices=list(SYSTEMS), action="append", help="a system; may be given again (default: all)")
    parser.add_argument("--rounds", type=int, default=20, help="blocks of each loop (default: %(default)s)")
    parser.add_argument(
        "--steps", type=int, help=f"steps in a block (default: what takes the plain loop {BLOCK_SECONDS:g} s, {LEAST} to {MOST})"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where all loops run (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, help="threads inside an operator, in all loops (default: what Mulligan takes for the system)"
    )
    parser.add_argument("--precision", choices=PRECISIONS, action="append", help="of the compiled step and JAX (default: both)")
    parser.add_argument("--eager", action="store_true", help="leave the compiled steps out, and so the compilation")
    parser.add_argument("--alone", action="store_true", help="leave Keras and JAX out")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    asked = parser.parse_args(arguments)
    if min(asked.rounds, 1 if asked.steps is None else asked.steps, 1 if asked.threads is None else asked.threads) < 1:
        parser.error("--rounds, --steps and --threads are at least 1")
    asked.precision = asked.precision or list(PRECISIONS)
    found = []
    for system in asked.only or SYSTEMS:
        print(f"{system} ...", file=sys.stderr, flush=True)
        found.append(measure(system, asked))
        if asked.what == "publish":  # at once, so that an interrupted measurement keeps what it has
            step_tables.publish(found)
    if asked.json:
        print(json.dumps({"systems": found}, indent=1))
    else:
        print(step_tables.markdown(found))


if __name__ == "__main__":
    main()
