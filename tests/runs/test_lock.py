import os
import subprocess
import sys

import pytest

from mulligan.errors import UsageError
from mulligan.runs.folder import Run
from mulligan.runs.lock import hold, holder, is_held

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
