"""Saves checkpoints without pause in child processes and kills each at a random moment; says what it found after each kill.

Run as a program: saver.py FOLDER KILLS SEED. The children are forked, so that torch is imported once.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from mulligan.runs import checkpoints
from mulligan.runs.folder import Run

SIZE = 300_000


def save(run: Run, step: int) -> None:
    groups = {name: {"weight": torch.full((SIZE,), float(step))} for name in ("generator", "discriminator")}
    checkpoints.save(run, step, groups, {"step": step}, keep=2)


def save_until_killed(run: Run, step: int, pipe: int) -> None:
    while True:
        step += 1
        save(run, step)
        os.write(pipe, f"{step}\n".encode())


def killed_once(run: Run, begin: int, wait: float) -> dict[str, object]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        save_until_killed(run, begin, writing)
    os.close(writing)
    first = os.read(reading, 100)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as rest:
        told = (first + rest.read()).split()
    strays = sorted(path.name for path in run.checkpoints.iterdir() if path.name.startswith("."))
    found = checkpoints.newest(run)
    assert found is not None
    sound = all(bool((group["weight"] == found.step).all()) for group in found.groups.values()) and found.facts == {"step": found.step}
    return {"told": int(told[-1]), "found": found.step, "sound": sound, "strays": strays, "wrong": list(found.wrong)}


def main(folder: str, kills: str, seed: str) -> None:
    run = Run(Path(folder)).prepare()
    chance = random.Random(int(seed))
    step = 0
    for _ in range(int(kills)):
        result = killed_once(run, step, chance.uniform(0, 0.05))
        step = int(str(result["found"]))
        print(json.dumps(result), flush=True)
    save(run, step + 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
