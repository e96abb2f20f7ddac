"""A loop in a process of its own that steps only when it is asked to: libraries that would fight over threads in one process are timed
in turn all the same.

The parent asks for a block of steps and waits; the child times each step and answers. While one of them computes, the other one waits
for a line.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import IO, Any

Block = Callable[[int], list[float]]  # so many steps -> seconds of each


class Child:
    """A child process. `facts` is what it says of itself when its loop is built."""

    def __init__(self, process: "subprocess.Popen[str]", said: IO[str]) -> None:
        self._process, self._said = process, said
        self.facts: dict[str, Any] = self._answer()

    def block(self, steps: int) -> list[float]:
        """Let it step, and return the seconds of each step."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        seconds: list[float] = self._answer()
        return seconds

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._said.seek(0)
            raise RuntimeError(f"{self._process.args[1]} ended with {code}: {self._said.read()[-2000:]}")  # type: ignore[index]  # a list
        return json.loads(line)


@contextmanager
def child(script: str, asked: dict[str, Any]) -> Iterator[Child]:
    """A child that is ready: a script of this folder, and what it is asked for; its end of the pipe is closed at the end."""
    command = [sys.executable, str(Path(__file__).parent / script), json.dumps(asked)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(asked["threads"])}
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=said, text=True, env=environment) as process,
    ):
        yield Child(process, said)


def keep_to(threads: int) -> None:
    """Use so many cores at most; before the library that has threads is imported."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def serve(make: Callable[[dict[str, Any]], tuple[Block, dict[str, Any]]]) -> None:
    """The child's side. make: what was asked for -> a block of steps, and what is to be known of it."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    asked = json.loads(sys.argv[1])
    keep_to(asked["threads"])
    block, facts = make(asked)
    for answer in _answers(block, facts):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answers(block: Block, facts: dict[str, Any]) -> Iterator[Any]:
    yield facts
    for line in sys.stdin:
        yield block(int(line))
