"""The package as it is installed, imported and laid out, and the papers that lie beside it."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib import import_module, metadata, resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import mulligan
from mulligan import find, verbs
from mulligan.metrics.judge import PUBLISHED
from mulligan.testing import check_loss

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "mulligan"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
NEEDS_TORCH = {"runs/checkpoints.py"}  # of the folders and files below, which are torch-free at import
TORCH_FREE = ("data", "kinds", "networks", "recipes", "runs", "cli", "errors.py", "find.py", "marks.py", "recipe.py", "signals.py")


def sources() -> list[Path]:
    folders = ("src", "tests", "examples", "benchmarks", "dev", "docs")
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".jinja", ".md"))


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_verb_is_where_the_package_says() -> None:
    assert set(verbs.__all__) == set(verbs._HOMES)
    assert all(getattr(verbs, name).__module__ == f"mulligan.verbs.{home}" for name, home in verbs._HOMES.items())


@pytest.mark.parametrize("name", mulligan.__all__)
def test_public_name_leads_somewhere(name: str) -> None:
    thing = getattr(mulligan, name)
    assert name in dir(mulligan)
    assert isinstance(thing, str) or thing.__doc__


def test_public_names_are_the_same_to_readers_and_to_type_checkers() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = {alias.name: line.module for line in checked.body if isinstance(line, ast.ImportFrom) for alias in line.names}
    assert {name: f"mulligan.{home}" for name, home in mulligan._HOMES.items()} == imports
    assert {*imports, "__version__"} == set(mulligan.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Gann'"):
        mulligan.Gann  # noqa: B018


def test_torch_free_modules_import_no_torch() -> None:
    files = [file for part in TORCH_FREE for file in ([PACKAGE / part] if part.endswith(".py") else (PACKAGE / part).glob("*.py"))]
    names = [module_name(file) for file in files if file.relative_to(PACKAGE).as_posix() not in NEEDS_TORCH]
    code = "\n".join(f"import {name}\nassert 'torch' not in sys.modules, '{name} imports torch'" for name in names)
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", sorted((PACKAGE / "losses").glob("*.py")), ids=lambda file: file.stem)
def test_losses_import_torch_alone(file: Path) -> None:
    """From the standard library also what types need."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert {name.partition(".")[0] for name in imported} <= {"torch", "math", "collections", "typing"}


def test_command_and_module_are_the_same() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="mulligan")
    assert script.load() is import_module("mulligan.cli").main


def test_versions_agree() -> None:
    assert metadata.version("mulligan") == mulligan.__version__
    assert f"\nversion: {mulligan.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_constraints_hold_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in lines)
    assert PINS["torch"] == "2.13.0"


EXTRAS = [requirement for extra in ("dev", "bench", "onnx", "web", "studio") for requirement in PROJECT["optional-dependencies"][extra]]


@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *(each for each in EXTRAS if not each.startswith("mulligan["))])
def test_what_is_needed_is_pinned_within_its_bounds(requirement: str) -> None:
    needed = Requirement(requirement)
    pins = {plain(name): version for name, version in PINS.items()}
    assert pins[plain(needed.name)] in needed.specifier
    assert all(bound.operator == ">=" for bound in needed.specifier)


def test_the_versions_that_are_pinned_are_tested() -> None:
    """What runs here is what constraints.txt says; a build label (+cpu) is no other version."""
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]  # not what setuptools puts on sys.path for itself
    installed = {plain(found.name): found.version.partition("+")[0] for found in metadata.distributions(path=places)}
    different = {name: (pin, installed[plain(name)]) for name, pin in PINS.items() if installed.get(plain(name), pin) != pin}
    assert not different


def test_package_carries_its_data() -> None:
    files = resources.files("mulligan")
    assert files.joinpath("py.typed").is_file()
    assert files.joinpath("data", "mnist-10k.npz").is_file()
    assert all(files.joinpath("metrics", "judges", f"{name}.safetensors").is_file() for name in PUBLISHED)
    assert "MNIST" in (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_no_file_is_longer_than_400_lines() -> None:
    code = [file for file in sources() if file.suffix != ".md"]
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in code}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_page_of_faults_lists_the_tests_that_there_are() -> None:
    done = subprocess.run([sys.executable, ROOT / "dev" / "faults.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_loss_that_contributing_shows_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "squared_hinge.py").write_text(example, encoding="utf-8")
    name = f"{tmp_path / 'squared_hinge.py'}:squared_hinge"
    mulligan.trust(name)
    check_loss(find.load("losses", name))


def test_ci_script_is_valid_and_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("target", ["demo", "test", "test-all", "check", "format", "clean"])
def test_make_knows_its_targets(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_make_says_clearly_that_there_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "constraints.txt").touch()
    done = subprocess.run(["make", "demo", "PYTHON="], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Mulligan needs Python 3.11 or newer, and none was found" in done.stderr
    done = subprocess.run(["make", "demo", "PYTHON=false"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "false cannot be run or is older than 3.11" in done.stderr
    assert not (tmp_path / ".venv").exists()
