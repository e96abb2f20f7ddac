import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch

from mulligan.errors import CheckpointError, DiskError, UnsafeError, UsageError
from mulligan.recipe import Machine, Recipe
from mulligan.runs import checkpoints, curves, history, report, safe_json
from mulligan.runs.folder import Run, create, find_unfinished, identity, list_runs, open_run, slug
from mulligan.runs.lock import hold
from mulligan.runs.writing import write_text

PlainUser = Callable[[], AbstractContextManager[None]]


def test_recipe_and_status_come_back(run: Run, recipe: Recipe) -> None:
    assert not run.exists
    run.write_recipe(recipe)
    assert run.exists
    assert run.read_recipe() == recipe
    assert run.status == "unfinished"
    run.write_status("finished")
    assert run.status == "finished"


def test_log_has_a_line_each(run: Run) -> None:
    run.log("first")
    run.log("second: ü")
    assert [line[21:] for line in run.log_file.read_text(encoding="utf-8").splitlines()] == ["first", "second: ü"]


def test_runs_are_numbered_and_listed_by_number(tmp_path: Path, recipe: Recipe) -> None:
    assert list_runs(tmp_path / "none") == []
    runs = [create(tmp_path, name) for name in ("b", "a", "c")]
    assert [run.name for run in runs] == ["0001-b", "0002-a", "0003-c"]
    for run in runs[1:]:
        run.write_recipe(recipe)
    (tmp_path / "notes.txt").write_text("no run")
    assert [run.name for run in list_runs(tmp_path)] == ["0002-a", "0003-c"]
    (tmp_path / "12345-x").mkdir()
    assert create(tmp_path, "d").name == "12346-d"


def test_f13_a_clock_that_goes_back_changes_nothing(tmp_path: Path, recipe: Recipe) -> None:
    first, second = create(tmp_path, "same"), create(tmp_path, "same")
    for run, seconds in ((first, 4e9), (second, 1e9)):
        run.write_recipe(recipe)
        os.utime(run.path, (seconds, seconds))
        os.utime(run.recipe_file, (seconds, seconds))
    assert create(tmp_path, "same").name == "0003-same"
    assert find_unfinished(tmp_path, identity(recipe)) == second


CREATOR = """
import sys
from pathlib import Path
from mulligan.runs.folder import create
for _ in range(15):
    print(create(Path(sys.argv[1]), sys.argv[2]).name)
"""


def test_f13_two_processes_at_once_get_distinct_numbers(tmp_path: Path) -> None:
    begun = [subprocess.Popen([sys.executable, "-c", CREATOR, tmp_path, name], stdout=subprocess.PIPE, text=True) for name in ("a", "b")]
    names = [name for process in begun for name in process.communicate()[0].split()]
    assert len(names) == 30
    assert {int(name[:4]) for name in names} == set(range(1, 31))


@pytest.mark.parametrize("name", ["", "///", "..", "   ", "a" * 500, "ünïcode Größe", "a/b\\c:d*e?"])
def test_slugs_are_good_names(tmp_path: Path, name: str) -> None:
    assert 0 < len(slug(name)) <= 100
    assert create(tmp_path, name).path.parent == tmp_path
    assert create(tmp_path, name).path.is_dir()


def test_unfinished_runs_are_found_by_what_may_not_change(tmp_path: Path, recipe: Recipe) -> None:
    one, two, other, finished = (create(tmp_path, "run") for _ in range(4))
    for run in (one, two, finished):
        run.write_recipe(recipe.model_copy(update={"machine": Machine(threads=7)}))
    other.write_recipe(recipe.model_copy(update={"batch": 65}))
    finished.write_status("finished")
    assert find_unfinished(tmp_path, identity(recipe)) == two
    with hold(two):
        assert find_unfinished(tmp_path, identity(recipe)) == one
    two.recipe_file.write_text("{")
    assert find_unfinished(tmp_path, identity(recipe)) == one
    changed = recipe.model_copy(update={"data": recipe.data.model_copy(update={"fingerprint": "cd" * 32})})
    assert find_unfinished(tmp_path, identity(changed)) is None


def test_a_run_is_found_by_path_name_or_number(tmp_path: Path, recipe: Recipe) -> None:
    runs = [create(tmp_path, "digits") for _ in range(12)]
    for run in runs:
        run.write_recipe(recipe)
    for text in (str(runs[11].path), "0012-digits", "12", "0012"):
        assert open_run(text, tmp_path).path == runs[11].path
    with pytest.raises(UsageError, match=r"0012-digit: no such run.*0012-digits"):
        open_run("0012-digit", tmp_path)
    with pytest.raises(UsageError, match="no run folder"):
        open_run(str(tmp_path), tmp_path)
    with pytest.raises(UsageError, match="There are no runs"):
        open_run("1", tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", CheckpointError),
        ('{"name": "x"}', CheckpointError),
        ("[]", CheckpointError),
        ('{"schema_version": 2}', CheckpointError),
        ('{"horizon": 1e999}', UnsafeError),
        ("[" * 100_000, UnsafeError),
    ],
)
def test_f35_a_recipe_file_that_is_none(run: Run, content: str, error: type[Exception]) -> None:
    run.recipe_file.write_text(content)
    with pytest.raises(error, match=r"recipe\.json"):
        run.read_recipe()
    assert run.status == "unfinished"


def test_f33_a_recipe_file_cannot_make_code_run(run: Run, recipe: Recipe, tmp_path: Path) -> None:
    code = tmp_path / "outside.py"
    code.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    written = recipe.model_dump(mode="json")
    written["players"]["generator"]["network"]["name"] = f"{code}:Generator"
    run.recipe_file.write_text(safe_json.dumps(written))
    with pytest.raises(UnsafeError, match="code outside"):
        run.read_recipe()
    assert not (tmp_path / "ran").exists()


def test_f11_odd_paths_and_umask(tmp_path: Path, full_run: Run, recipe: Recipe) -> None:
    place = Path("with spaces and 'quotes'", "ünïcode ラン папка", "x" * 200, "a\nnew line")
    before = os.umask(0o027)
    try:
        run = create(tmp_path / place, "digits")
        everything_works(run, recipe, full_run)
    finally:
        os.umask(before)
    for path in (run.path, *run.path.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o750 if path.is_dir() else 0o640), path


def test_f11_another_file_system(full_run: Run, recipe: Recipe) -> None:
    shared = Path("/dev/shm")
    assert shared.stat().st_dev != full_run.path.stat().st_dev
    base = shared / f"mulligan-test-{os.getpid()}"
    try:
        everything_works(create(base, "digits"), recipe, full_run)
    finally:
        subprocess.run(["rm", "-r", base], check=True)


def everything_works(run: Run, recipe: Recipe, full: Run) -> None:
    with hold(run):
        run.write_recipe(recipe)
        run.log("begun")
        write_text(run.facts_file, full.facts_file.read_text())
        for line in history.read(full):
            history.append(run, line)
        checkpoints.save(run, 1, {"generator": {"weight": torch.ones(3)}}, {})
        history.cut(run, 1)
        curves.write(run)
        report.write(run)
    found = checkpoints.newest(run)
    assert found is not None
    assert found.step == 1
    assert open_run(str(run.path)).read_recipe() == recipe


def test_f03_a_read_only_folder(open_folder: Path, recipe: Recipe, plain_user: PlainUser) -> None:
    with plain_user():
        for writing in (lambda: create(open_folder, "run"), lambda: create(open_folder / "new", "run"), lambda: Run(open_folder).log("a")):
            with pytest.raises(DiskError, match="may not be written") as caught:
                writing()
            assert caught.value.exit_code == 7
        with pytest.raises(DiskError, match="may not be written"):
            Run(open_folder).write_recipe(recipe)


def test_f02_a_file_keeps_its_old_content_where_there_is_no_space(run: Run, limited: Callable[[int], AbstractContextManager[None]]) -> None:
    write_text(run.status_file, "old content")
    for size in range(0, 100, 9):
        with limited(size), pytest.raises(DiskError, match="needs 100 bytes"):
            write_text(run.status_file, "x" * 100)
        assert run.status_file.read_text() == "old content"
    assert [path.name for path in run.path.iterdir() if path.name.startswith(".")] == []


def test_sweep_removes_what_a_crash_left_and_nothing_else(run: Run, recipe: Recipe) -> None:
    run.write_recipe(recipe)
    run.model.mkdir()
    strays = [run.path / ".recipe.json.writing", run.samples / ".0123456789ab.part", run.model / ".model.json.writing"]
    for stray in strays:
        stray.write_text("half")
    folder = run.checkpoints / ".step-000002.writing"
    folder.mkdir()
    (folder / "generator.safetensors").write_text("half")
    kept = [run.samples / "step-000000.png", run.path / "notes.part", run.path / ".keep"]
    for path in kept:
        path.write_text("mine")
    run.sweep()
    assert not any(path.exists() for path in (*strays, folder))
    assert all(path.exists() for path in (*kept, run.recipe_file))


def test_reading_a_run_imports_no_torch() -> None:
    code = (
        "import sys, mulligan.runs.folder, mulligan.runs.history, mulligan.runs.lock, mulligan.runs.report; print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
