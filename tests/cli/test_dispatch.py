"""`mulligan` before any verb is loaded: the list of verbs at once, errors in one line, nothing done that was not asked for."""

import json
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import mulligan.cli
from mulligan import signals
from mulligan.cli import VERBS, main
from mulligan.errors import CheckpointError, DataError, DiskError, DivergedError, MulliganError, PreemptedError, UnsafeError, UsageError

HEAVY = ("torch", "numpy", "pydantic", "rich", "typer", "PIL", "matplotlib", "asyncio", "importlib.metadata")

# Prints what a process did that it was not asked for. Python's own cache of compiled files is no work of ours: run with -B.
WATCHED = """
import os, sys

ACTS = ("socket.", "subprocess.", "shutil.", "tempfile.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile",
        "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown", "os.utime")
seen = []

def watch(event, arguments):
    if event.startswith(ACTS):
        seen.append((event, repr(arguments)))
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        seen.append((event, repr(arguments)))

sys.addaudithook(watch)
"""


def python(code: str) -> str:
    """What a fresh Python says after running this code."""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_verb(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert not err
    assert all(f"\n  {verb} " in out for verb in VERBS)
    assert max(map(len, out.splitlines())) <= 100


def test_every_verb_has_its_file_and_every_file_its_verb() -> None:
    folder = Path(mulligan.cli.__file__).parent
    with_run = {
        file.stem
        for file in folder.glob("*.py")
        if file.stem != "__init__" and "\ndef run(arguments: list[str]) -> int:" in file.read_text()
    }
    assert with_run == set(VERBS)
    assert all(callable(import_module(f"mulligan.cli.{verb}").run) for verb in VERBS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mulligan {mulligan.__version__}\n"


def test_help_answers_in_a_fifth_of_a_second() -> None:
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mulligan", "--help"], check=True, capture_output=True)
        best = min(best, time.perf_counter() - start)
    assert best < 0.2


@pytest.mark.parametrize(
    "code", ["import mulligan", "from mulligan.cli import main; main(['--help'])", "from mulligan.cli import main; main(['--version'])"]
)
def test_nothing_heavy_is_imported(code: str) -> None:
    imported = python(f"{code}\nimport sys\nprint(); print(*sys.modules)").splitlines()[-1].split()
    assert not set(HEAVY) & set(imported)


@pytest.mark.parametrize(
    "code", ["import mulligan", "from mulligan.cli import main; main(['--help'])", "from mulligan.cli import main; main(['--version'])"]
)
def test_f37_import_and_help_do_nothing(code: str) -> None:
    assert python(f"{WATCHED}\n{code}\nprint(); print(seen)").splitlines()[-1] == "[]"


def test_f37_help_of_a_verb_does_nothing() -> None:
    """All verbs in one process, which imports everything that their options need."""
    code = "from mulligan.cli import VERBS, main\nassert not any(main([verb, '--help']) for verb in VERBS)\nprint(); print(seen)"
    assert python(f"{WATCHED}\n{code}").splitlines()[-1] == "[]"


def test_unknown_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian", "digits"]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err == "mulligan: trian: no such verb. Did you mean train? (`mulligan --help` says what each does)\n"


def test_unknown_verb_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zzz", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["code"] == "usage"
    assert error["message"] == "zzz: no such verb"
    assert "train" in error["hint"]


def test_words_that_a_verb_does_not_take(capsys: pytest.CaptureFixture[str], restored_signals: None) -> None:
    assert main(["checks", "--jsn"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("mulligan: No such option: --jsn")
    assert err.endswith("`mulligan checks --help` lists what it takes\n")
    assert err.count("\n") == 1


@pytest.fixture
def restored_signals() -> object:
    """`main` takes over the signals of the process, which is that of the tests here."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def verb_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, restored_signals: None) -> object:
    """Adds a verb whose file has this body."""

    def add(body: str) -> str:
        (tmp_path / "probe.py").write_text(f"def run(arguments: list[str]) -> int:\n    {body}\n", encoding="utf-8")
        monkeypatch.setattr(mulligan.cli, "__path__", [*mulligan.cli.__path__, str(tmp_path)])
        monkeypatch.setitem(VERBS, "probe", "only in this test")
        monkeypatch.delitem(sys.modules, "mulligan.cli.probe", raising=False)
        return "probe"

    yield add
    sys.modules.pop("mulligan.cli.probe", None)


@pytest.mark.parametrize("kind", [UsageError, DataError, CheckpointError, DivergedError, DiskError, UnsafeError, PreemptedError])
def test_an_error_is_one_line_and_its_code(kind: type[MulliganError], verb_that, capsys: pytest.CaptureFixture[str]) -> None:
    verb = verb_that(f"from mulligan import errors; raise errors.{kind.__name__}('a.png: cut off', 'Remove it')")
    assert main([verb]) == kind.exit_code
    assert capsys.readouterr() == ("", "mulligan: a.png: cut off. Remove it\n")
    assert main([verb, "--json"]) == kind.exit_code
    assert json.loads(capsys.readouterr().err) == {"error": {"code": kind.code, "message": "a.png: cut off", "hint": "Remove it"}}


def test_traceback_only_with_debug(verb_that, capsys: pytest.CaptureFixture[str]) -> None:
    verb = verb_that("raise RuntimeError('odd\\nthing')")
    assert main([verb]) == 1
    assert capsys.readouterr().err == "mulligan: RuntimeError: odd thing. This is a fault of Mulligan: --debug shows where\n"
    assert main([verb, "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("mulligan: RuntimeError: odd thing\n")


def test_a_verb_gets_its_arguments_without_debug(verb_that, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb_that("print(arguments); return 5"), "a", "--debug", "b=1"]) == 5
    assert capsys.readouterr().out == "['a', 'b=1']\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_with_nothing_to_save(number: signal.Signals, code: int, verb_that, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb_that(f"import os; os.kill(os.getpid(), {int(number)}); raise AssertionError('goes on')")]) == code
    assert "nothing was saved" in capsys.readouterr().err


def test_a_verb_that_handles_signals_itself_is_not_asked(verb_that) -> None:
    """Handlers are set before the verb's file, and so before torch, is imported."""
    assert main([verb_that("import signal; return int(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)")]) == 0
    assert signals.pending() is None


def test_a_reader_that_leaves_is_no_traceback() -> None:
    """As in `mulligan checks --help | head -0`: the pipe is closed before anything is written."""
    with subprocess.Popen(
        [sys.executable, "-m", "mulligan", "checks", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1
    assert not err
