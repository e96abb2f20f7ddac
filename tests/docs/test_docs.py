"""Every code block of the documentation runs as it stands, and what it says that comes out, comes out.

On a page, in order, in a folder of the page's own that holds `examples/`: a python block is executed with what the blocks before it
left; of a console block, every line that begins with `$ ` is a command of `mulligan`, run in this process. Lines below a command, or a
text block below a python block, are its output: each has to be there, in this order, `...` standing for anything.
"""

import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from mulligan import find
from mulligan.cli import main
from mulligan.runs import environment

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")


class Block(NamedTuple):
    """A fenced block: its language, its text, the line it begins on, and what stands between it and the block before."""

    language: str
    body: str
    line: int
    before: str


def blocks(page: Path) -> Iterator[Block]:
    text, end = page.read_text(encoding="utf-8"), 0
    for match in FENCE.finditer(text):
        yield Block(match["language"], match["body"], text.count("\n", 0, match.start()) + 1, text[end : match.start()])
        end = match.end()


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output below it; a line that ends in a backslash goes on."""
    parts = re.split(r"^\$ ", body.replace("\\\n", " "), flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with a command"
    for part in parts[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def assert_says(expected: str, said: str, where: str) -> None:
    """Every expected line is among what was said, in this order."""
    lines = iter(said.splitlines())
    for line in filter(str.strip, expected.splitlines()):
        if line.strip() == "...":
            continue
        pattern = re.compile(
            r"\s*" + r".*".join(r"\s+".join(map(re.escape, part.split(" "))) for part in line.strip().split("...")) + r"\s*"
        )
        assert any(pattern.fullmatch(said_line) for said_line in lines), f"{where}: {line!r} is not in its place in\n{said}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the examples, no network, nothing trusted; signals and threads are put back.

    One core, whatever there is: tests run beside each other, and two threads each would wait for one another.
    """
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MULLIGAN_OFFLINE", "1")
    monkeypatch.delenv("MULLIGAN_RUNS", raising=False)
    monkeypatch.setattr(find, "_trusted", {})
    monkeypatch.setattr(environment, "cores", lambda: 1)
    threads = torch.get_num_threads()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    torch.set_num_threads(threads)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(block.language in ("python", "console") for block in blocks(page))], ids=str
)
@pytest.mark.usefixtures("place")
def test_page_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": page.stem}
    said = ""
    after_python = False
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.language == "python":
            capsys.readouterr()
            exec(compile("\n" * block.line + block.body, str(page), "exec"), names)
            said = capsys.readouterr().out
        elif block.language == "console":
            for command, output in commands(block.body):
                capsys.readouterr()
                verb, *arguments = shlex.split(command, comments=True)
                assert verb == "mulligan", f"{where}: {command} is no command of mulligan"
                code = main(arguments)
                result = capsys.readouterr()
                assert code == 0, f"{where}: {command} ended with {code}: {result.err}"
                assert_says(output, result.out, f"{where}: {command}")
        elif block.language == "text" and after_python and not block.before.strip():
            assert_says(block.body, said, where)
        after_python = block.language == "python"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_page_is_sound(page: Path) -> None:
    """Blocks have a language that says whether they run; what does not run is little; links lead somewhere."""
    text = page.read_text(encoding="utf-8")
    assert text.count("```") % 2 == 0
    for block in blocks(page):
        assert block.language in ("python", "console", "text", "sh", "toml"), f"{page.name}:{block.line}: {block.language!r}"
        assert block.language != "sh" or "mulligan train" not in block.body, f"{page.name}:{block.line}: commands of mulligan run"
    for match in LINK.finditer(FENCE.sub("", text)):
        target = match["target"]
        if not re.match(r"https?:|mailto:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target} is not there"


def test_every_example_is_in_the_docs() -> None:
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = [file.name for file in (ROOT / "examples").glob("*.py") if f"examples/{file.name}" not in told]
    assert not missing


def test_every_paper_is_on_the_page_of_papers() -> None:
    """What a file names by its number of arXiv stands on the page; losses and penalties beside their file."""
    page = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")
    source = "".join(file.read_text(encoding="utf-8") for part in ("src", "examples") for file in (ROOT / part).rglob("*.py"))
    numbers = set(re.findall(r"arXiv\s+(\d{4}\.\d{4,5})", source))
    assert not [number for number in numbers if number not in page]
    files = [f"{folder}/{name.replace('-', '_')}.py" for folder in ("losses", "penalties", "augmentations") for name in find.names(folder)]
    assert not [file for file in files if file not in page]


def test_every_exit_code_is_in_the_readme() -> None:
    from mulligan import errors

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for thing in vars(errors).values():
        if isinstance(thing, type) and issubclass(thing, errors.MulliganError):
            assert re.search(rf"^\| {thing.exit_code} \|", text, re.MULTILINE), thing.__name__


def test_every_file_is_in_the_tree() -> None:
    """docs/architecture.md has a line for each file and folder of the package."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "mulligan"
    missing = [
        str(path.relative_to(package))
        for path in sorted(package.rglob("*"))
        if path.is_file()
        and path.suffix in (".py", ".jinja", ".npz", ".safetensors")
        and path.name != "__init__.py"
        and not re.search(rf"\b{re.escape(path.name)}\b", text)
    ]
    assert not missing


def test_recipes_are_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- results -->" in text
    assert "<!-- /results -->" in text
    assert all(f"`{name}`" in text for name in find.names("recipes"))


def test_every_variable_of_the_environment_is_told() -> None:
    """The pages name every variable of the environment that the package reads."""
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py"))
    assert all(name in told for name in set(re.findall(r"MULLIGAN_[A-Z]+", source)))
