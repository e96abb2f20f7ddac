"""Many image files into the rows of one file of pixels, on every core.

To decode a small image is mostly Python's work, which the threads of one process do one after the other; so many images are shared out
to processes, which write into the file themselves. They are started as programs of their own and not by `multiprocessing`: what a
user's script does outside of `if __name__ == "__main__"` is not done again, and nothing of this process is copied.
"""

import errno
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from mulligan.data.pictures import square
from mulligan.data.scan import UnusableError, read_image
from mulligan.runs.environment import cores

FEW = 2000  # images for which no process is started, which takes half a second
THREADS = 4  # for those
_AT_ONCE = 32  # images of a thread between two looks for a signal
_SHARED_OUT = 256  # images of a process

Unusable = list[tuple[int, str]]  # row of an image that cannot be used, and why


@dataclass(frozen=True)
class Job:
    """root: the folder of the images. file: has `channels` times `side` times `side` bytes for each row."""

    root: str
    file: str
    side: int
    channels: int


class _Hand(Protocol):
    """Who decodes some images at a time."""

    def decode(self, names: Sequence[str], rows: Sequence[int]) -> Unusable:
        """Write images into their rows; returns those that cannot be used."""

    def stop(self) -> None:
        """Leave what is not done yet, called from another thread."""

    def close(self) -> None:
        """Give everything back."""


def decode(job: Job, names: Sequence[str], rows: Sequence[int], advance: Callable[[int], None]) -> Unusable:
    """Write images into rows of the job's file, which is there; returns those that cannot be used.

    advance: is told of how many images are done since the last call. Raises OSError where they cannot be written.
    """
    processes = cores() if len(names) > FEW else 1
    size = _SHARED_OUT if processes > 1 else _AT_ONCE
    hands: list[_Hand] = [_Process(job) for _ in range(processes)] if processes > 1 else [_Thread(job) for _ in range(THREADS)]
    idle: SimpleQueue[_Hand] = SimpleQueue()
    for hand in hands:
        idle.put(hand)

    def part(start: int) -> Unusable:
        hand = idle.get()
        try:
            return hand.decode(names[start : start + size], rows[start : start + size])
        finally:
            idle.put(hand)

    unusable: Unusable = []
    pool = ThreadPoolExecutor(len(hands))
    try:
        starts = range(0, len(names), size)
        for start, found in zip(starts, pool.map(part, starts), strict=True):
            unusable += found
            advance(min(size, len(names) - start))
    finally:
        for hand in hands:
            hand.stop()
        pool.shutdown(cancel_futures=True)
        for hand in hands:
            hand.close()
    return unusable


class _Thread:
    """Decodes in this process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.file = Path(job.file).open("r+b")  # noqa: SIM115  # closed by `close`

    def decode(self, names: Sequence[str], rows: Sequence[int]) -> Unusable:
        job, unusable = self.job, []
        for name, row in zip(names, rows, strict=True):
            try:
                pixels = square(read_image(Path(job.root, name), job.side), job.side, job.channels)
            except UnusableError as error:
                unusable.append((row, str(error)))
                continue
            self.file.seek(row * pixels.nbytes)
            self.file.write(pixels.tobytes())
        self.file.flush()
        return unusable

    def stop(self) -> None:
        pass  # what is not done yet is done soon

    def close(self) -> None:
        self.file.close()


class _Process:
    """Has it done by a process; what one that has died leaves undone is done here."""

    def __init__(self, job: Job) -> None:
        self.job, self.stopped = job, False
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-P", "-m", "mulligan.data.decoding", json.dumps(asdict(job))]
        # In a group of its own, so that Ctrl-C is for this process alone; it ends with the pipe.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, process_group=0)

    def decode(self, names: Sequence[str], rows: Sequence[int]) -> Unusable:
        assert self.process.stdin is not None  # both are pipes
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps([list(names), list(rows)]).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except OSError:
            answer = b""
        if self.stopped:
            return []
        if not answer:
            return self._here(names, rows)
        found, number = json.loads(answer)
        if number:
            raise OSError(number, os.strerror(number))
        return [(row, reason) for row, reason in found]

    def _here(self, names: Sequence[str], rows: Sequence[int]) -> Unusable:
        hand = _Thread(self.job)
        try:
            return hand.decode(names, rows)
        finally:
            hand.close()

    def stop(self) -> None:
        self.stopped = True
        self.process.kill()  # it holds nothing that could be lost

    def close(self) -> None:
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent any more
                    pipe.close()


def main() -> None:
    """Do what comes by standard input, a line for each part, until it ends."""
    warnings.simplefilter("ignore")
    hand = _Thread(Job(**json.loads(sys.argv[1])))
    for line in sys.stdin.buffer:
        names, rows = json.loads(line)
        try:
            found, number = hand.decode(names, rows), 0
        except OSError as error:
            found, number = [], error.errno or errno.EIO
        sys.stdout.buffer.write(json.dumps([found, number]).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
