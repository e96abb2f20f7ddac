import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from mulligan.lab import LabSettings
from mulligan.web.studio.lab_frames import Frame
from mulligan.web.studio.lab_worker import AS_FAST, LabWorker

SMALL = LabSettings(width=8, batch=16)


@pytest.fixture
def worker() -> Iterator[LabWorker]:
    made = LabWorker("ring", SMALL)
    until(lambda: made.resting)
    yield made
    made.close()
    until(lambda: made.ended)


def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    pytest.fail("it never came")


def seen(worker: LabWorker) -> Frame:
    assert worker.frame is not None
    return worker.frame


def test_it_stands_still_until_it_is_told(worker: LabWorker) -> None:
    first = seen(worker)
    time.sleep(0.3)
    assert worker.frame is first
    assert first.step == 0


def test_it_plays_and_shows_where_it_stopped(worker: LabWorker) -> None:
    worker.play(True)
    until(lambda: seen(worker).step > 20)
    worker.play(False)
    until(lambda: worker.resting)
    stopped = seen(worker)
    time.sleep(0.3)
    assert worker.frame is stopped
    worker.step("generator")
    until(lambda: seen(worker).step == stopped.step + 1)
    assert seen(worker).said[0].startswith("Only G moved")


def test_slow_motion_shows_each_step(worker: LabWorker) -> None:
    worker.pace(10)
    worker.play(True)
    steps = set()
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        steps.add(seen(worker).step)
        time.sleep(0.01)
    assert steps == set(range(max(steps) + 1))
    assert 5 <= max(steps) <= 17


@pytest.mark.parametrize("speed", [5.0, AS_FAST])
def test_it_waits_where_nobody_looks(worker: LabWorker, speed: float) -> None:
    worker.pace(speed)
    worker.play(True)
    until(lambda: seen(worker).step > 2)
    worker.hold("hidden", True)
    worker.hold("away", True)
    worker.hold("away", False)
    time.sleep(0.3)
    stopped = seen(worker)
    time.sleep(0.4)
    assert worker.frame is stopped
    worker.hold("hidden", False)
    until(lambda: seen(worker).step > stopped.step)


def test_changes_are_made_in_turn_and_what_is_refused_is_told(worker: LabWorker) -> None:
    worker.step("both")
    worker.change({"loss": "hinge"})
    until(lambda: worker.resting)
    assert seen(worker).step == 1
    worker.change({"generator_updates": 99})
    until(lambda: worker.failed)
    assert "less than or equal to 20" in worker.said
    worker.change({}, np.full((3, 2), 9.0))
    until(lambda: "the frame ends" in worker.said)
    worker.change({"seed": 1})
    until(lambda: worker.resting)
    assert (worker.said, worker.failed) == ("Begun anew, as seed changed.", False)
    assert seen(worker).step == 0


def test_a_divergence_stops_it(worker: LabWorker) -> None:
    worker.change({"loss": "wasserstein", "penalties": (), "discriminator_rate": 1.0, "generator_rate": 1.0})
    worker.play(True)
    until(lambda: worker.resting)
    assert "diverged" in seen(worker).trouble
    assert seen(worker).said == (seen(worker).trouble,)


def test_it_ends_in_the_middle_of_playing() -> None:
    worker = LabWorker("ring", SMALL)
    worker.play(True)
    until(lambda: worker.frame is not None)
    worker.close()
    until(lambda: worker.ended)


def test_the_page_is_there_before_torch() -> None:
    """The studio starts without the seconds that torch takes; the worker's thread imports it."""
    code = "import sys, mulligan.web.studio.lab_page; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
