"""How long a training step takes: Mulligan beside plain PyTorch loops (`plain.py`) of the same five systems.

    python benchmarks/steps.py                    # all five: some minutes, compilation among them
    python benchmarks/steps.py --only points --rounds 5 --json

Mulligan's step is timed as the loop runs it: batches, draws, rates, seeding of dropout, the step, reading its figures, the checks
between steps; no reports and checkpoints. All loops of a system run in one process in alternating blocks, so that other work on the
machine meets all of them alike; each round begins with another one. A ratio below 1 means less time than the plain loop.

The images are the digits that Mulligan carries, for every system: a step takes as long on any other of 28x28 grey pixels.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import plain
import torch

from mulligan.data.dataset import Split
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data
from mulligan.resolve import resolve
from mulligan.runs import environment
from mulligan.runs.folder import Run
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop, Tick
from mulligan.training.machine import decide_machine
from mulligan.training.observing import Observer
from mulligan.verbs import made_game, new_session

COMPILED, EAGER, PLAIN, FUSED = "Mulligan", "Mulligan, not compiled", "plain PyTorch", "plain PyTorch, fused Adam"
WARM = 5  # steps of each loop that are not timed, the compilation among them

StepOnce = Callable[[], object]


def _digits() -> np.ndarray:
    train = open_dataset(Data(source="digits")).train
    assert isinstance(train, Split)
    return train.target[:, 0]


# recipe -> its data, and its plain loop as a function of `fused` and the device
SYSTEMS: dict[str, tuple[str, Callable[[bool, str], plain.Plain]]] = {
    "dense-dropout": ("digits", lambda fused, device: plain.dense_dropout(_digits(), fused, device)),
    "shallow": ("digits", lambda fused, device: plain.shallow(_digits(), fused, device)),
    "dense-batchnorm": ("digits", lambda fused, device: plain.dense_batchnorm(_digits(), fused, device)),
    "points": ("parabola", plain.points),
    "dense-smooth": ("digits", lambda fused, device: plain.dense_smooth(_digits(), fused, device)),
}


@dataclass(frozen=True)
class Row:
    """One loop of one system. Times in seconds per step; ratios to the plain loop, of medians; quartiles over the rounds."""

    system: str
    loop: str
    threads: int
    median: float
    low: float
    high: float
    to_plain: float
    to_plain_low: float
    to_plain_high: float
    to_fused: float


class Bystander:
    """An audience that hears only what should not happen."""

    def say(self, text: str) -> None:
        raise RuntimeError(text)

    def tick(self, tick: Tick) -> None:
        pass


def mulligan_loop(folder: Path, name: str, device: str, threads: int, compiled: bool) -> StepOnce:
    """One turn of Mulligan's training loop, as a call."""
    machine = (f"machine.device={device}", f"machine.threads={threads}", f"machine.compile={'on' if compiled else 'off'}")
    recipe, dataset = resolve(SYSTEMS[name][0], name, [*machine, "machine.precision=float32"])
    session = new_session(Run(folder).prepare(), recipe, dataset)
    session.save()
    session.controls = session.controls.model_copy(update={"reported": 1.0})  # no report is due any more
    loop = Loop(session, Budget(), Bystander(), Observer(session))

    def once() -> None:
        loop.once()

    return once


def interleaved(loops: dict[str, StepOnce], rounds: int, steps: int) -> dict[str, list[list[float]]]:
    """Seconds of each step, by loop and round: blocks of `steps`, each round in another order."""
    for once in loops.values():
        for _ in range(WARM):
            once()
    names = list(loops)
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            times[name].append(_block(loops[name], steps))
    return times


def _block(once: StepOnce, steps: int) -> list[float]:
    block = []
    for _ in range(steps):
        begun = time.perf_counter()
        once()
        block.append(time.perf_counter() - begun)
    return block


def rows(system: str, times: dict[str, list[list[float]]], threads: int) -> list[Row]:
    """What the times of a system come to."""
    medians = {loop: statistics.median(seconds for block in blocks for seconds in block) for loop, blocks in times.items()}
    result = []
    for loop, blocks in times.items():
        low, high = quartiles([seconds for block in blocks for seconds in block])
        ratios = [statistics.median(ours) / statistics.median(theirs) for ours, theirs in zip(blocks, times[PLAIN], strict=True)]
        to_plain = medians[loop] / medians[PLAIN]
        result.append(Row(system, loop, threads, medians[loop], low, high, to_plain, *quartiles(ratios), medians[loop] / medians[FUSED]))
    return result


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The lower and the upper quartile; of one value, that value."""
    if len(values) == 1:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def threads_for(system: str) -> int:
    """The threads that `auto` stands for."""
    recipe, dataset = resolve(SYSTEMS[system][0], system)
    return decide_machine(recipe, made_game(recipe, dataset), 1, None, lambda machine: 0.0).threads


def measure(system: str, rounds: int, steps: int, device: str, threads: int, compiled: bool) -> list[Row]:
    """Time the loops of one system."""
    _, build = SYSTEMS[system]
    torch.compiler.reset()  # what was compiled for another system would be looked at before each step of this one
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _threads(threads):
        loops: dict[str, StepOnce] = {EAGER: mulligan_loop(Path(folder) / "eager", system, device, threads, False)}
        if compiled:
            loops = {COMPILED: mulligan_loop(Path(folder) / "compiled", system, device, threads, True), **loops}
        loops |= {PLAIN: build(False, device).step, FUSED: build(True, device).step}
        return rows(system, interleaved(loops, rounds, steps), threads)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def markdown(found: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = [
        "| system | loop | threads | ms a step | quartiles | to plain | quartiles of rounds | to plain with fused Adam |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        milliseconds = f"{row.median * 1e3:.2f} | {row.low * 1e3:.2f} - {row.high * 1e3:.2f}"
        ratios = f"{row.to_plain:.2f} | {row.to_plain_low:.2f} - {row.to_plain_high:.2f} | {row.to_fused:.2f}"
        lines.append(f"| {row.system} | {row.loop} | {row.threads} | {milliseconds} | {ratios} |")
    return "\n".join(lines)


def machine(device: str) -> dict[str, object]:
    """What the times depend on."""
    return {
        "processor": environment.processor() if device == "cpu" else torch.cuda.get_device_name(),
        "cores": environment.cores(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table or JSON; progress goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=list(SYSTEMS), action="append", help="a system; may be given again (default: all)")
    parser.add_argument("--rounds", type=int, default=20, help="blocks of each loop (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=30, help="steps in a block (default: %(default)s)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where all loops run (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, help="threads inside an operator, in all loops (default: what Mulligan takes for the system)"
    )
    parser.add_argument("--eager", action="store_true", help="leave the compiled step out, and so the compilation")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    if min(given.rounds, given.steps, given.threads or 1) < 1:
        parser.error("--rounds, --steps and --threads are at least 1")
    found: list[Row] = []
    for system in given.only or SYSTEMS:
        print(f"{system} ...", file=sys.stderr, flush=True)
        found += measure(system, given.rounds, given.steps, given.device, given.threads or threads_for(system), not given.eager)
    if given.json:
        print(json.dumps({"machine": machine(given.device), "rows": [asdict(row) for row in found]}, indent=2))
        return
    print(markdown(found))
    print("\n" + ", ".join(f"{name}: {value}" for name, value in machine(given.device).items()))
    slower = [row.system for row in found if row.loop == COMPILED and row.to_plain > 1]
    if not given.eager:
        print(f"Slower than the plain loop: {', '.join(slower) or 'none'}.")


if __name__ == "__main__":
    main()
