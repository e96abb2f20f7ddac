import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from mulligan.errors import UsageError
from mulligan.runs.folder import Run
from mulligan.runs.lock import hold, holder, is_held, stop

HOLDER = """
import sys
from pathlib import Path
from mulligan.runs.folder import Run
from mulligan.runs.lock import hold
with hold(Run(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_f09_the_second_process_is_told_who_holds_the_run(run: Run) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDER, run.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with other:
        assert is_held(run)
        with pytest.raises(UsageError, match=rf"in use by process {other.pid} since 20\d\d-") as caught, hold(run):
            raise AssertionError
        assert caught.value.exit_code == 2
        other.kill()
        other.wait()
        assert not is_held(run)  # the system gives it back, whatever its holder wrote
        with hold(run):
            assert holder(run).startswith(f"process {os.getpid()} since")


def test_a_run_is_free_again_after_an_error(run: Run) -> None:
    assert not is_held(run)
    with hold(run):
        assert is_held(run)
    with pytest.raises(ZeroDivisionError), hold(run):
        raise ZeroDivisionError
    assert not is_held(run)
    with hold(run):
        pass


def test_nobody_held_it_yet(run: Run) -> None:
    assert holder(run) == ""
    run.holder_file.write_text("{broken")
    assert holder(run) == ""


def test_who_asks_is_taken_for_no_holder(run: Run) -> None:
    """Several pages ask about one run all the time."""
    with hold(run):
        pass
    answers: list[bool] = []

    def ask() -> None:
        answers.extend(is_held(run) for _ in range(300))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [False] * 1200


@pytest.mark.skipif(sys.platform != "linux", reason="processes are told apart by what Linux says of them")
def test_only_the_process_that_holds_a_run_is_asked_to_stop(run: Run) -> None:
    """A number alone may be another process by now, or one on another machine."""
    other = subprocess.Popen([sys.executable, "-c", HOLDER, run.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with other:
        assert other.stdout is not None
        other.stdout.readline()
        told = json.loads(run.holder_file.read_text())
        run.holder_file.write_text(json.dumps(told | {"process": "another"}))
        with pytest.raises(UsageError, match="not on this machine"):
            stop(run)
        assert other.poll() is None
        run.holder_file.write_text(json.dumps(told))
        assert stop(run)
        assert other.wait(timeout=20) == -signal.SIGTERM
    with subprocess.Popen(["sleep", "60"]) as stranger:
        run.holder_file.write_text(json.dumps(told | {"pid": stranger.pid}))
        assert not stop(run)  # nobody holds it
        assert stranger.poll() is None
        stranger.kill()
