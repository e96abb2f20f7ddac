import base64
import re
import shutil
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mulligan.errors import CheckpointError, UnsafeError
from mulligan.recipe import Data, Recipe
from mulligan.recipes.modern import modern
from mulligan.runs import curves, environment, facts, history, report, safe_json
from mulligan.runs.folder import Run


class Page(HTMLParser):
    """What a page shows and what it asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "data", "poster")]

    def handle_data(self, data: str) -> None:
        self.words += data


def without_pictures(text: str) -> str:
    return re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "", text)


def test_a_report_shows_all_there_is(full_run: Run) -> None:
    report.write(full_run)
    page = Page(full_run.report_file.read_text(encoding="utf-8"))
    for words in ("modern on digits", "finished", "The data", "1 × 28 × 28", "0 to 255", "-1 to 1", "8,000", "BatchNorm", "50,964",
                  "50,962 trainable and 2 moving statistics", "P(D(real) > D(fake)) = 0.5", "0.03125", "0.0209", "step 20", "2 min 5 s",
                  "1.92k", "mulligan sample 0001-test", "mulligan interpolate 0001-test", "mulligan score 0001-test",
                  "players.generator.network.widths", "Outputs of each hidden layer", "Python 3", "Reports over the horizon"):  # fmt: skip
        assert words in page.words, words
    kinds = [link.partition(";")[0] for link in page.links]
    assert kinds.count("data:image/gif") == 1
    assert kinds.count("data:image/png") == 2 + 2 + 4  # real and newest grid, curves for light and dark, the grids on the way


def test_a_report_asks_for_nothing_from_outside(full_run: Run) -> None:
    text = report.page(full_run)
    page = Page(text)
    assert all(link.startswith("data:image/") for link in page.links)
    assert not {"script", "iframe", "link", "object", "embed", "form", "base"} & set(page.tags)
    assert "url(" not in without_pictures(text)
    assert "default-src 'none'" in text


def test_a_report_reads_nothing_but_its_folder(full_run: Run, tmp_path: Path) -> None:
    before = report.page(full_run)
    moved = tmp_path / "elsewhere" / full_run.name
    shutil.copytree(full_run.path, moved)
    shutil.rmtree(full_run.path)
    assert report.page(Run(moved)) == before


def test_a_report_holds_no_path_user_or_host(tmp_path: Path, full_run: Run) -> None:
    secret = tmp_path / "home of alice" / "lab"
    secret.mkdir(parents=True)
    run = Run(Path(shutil.move(full_run.path, secret / "0001-test")))
    source = f"{secret}/my photos/"
    recipe = modern(Data(source=source, kind="image", shape=(1, 28, 28), count=8000)).model_dump(mode="json")
    recipe["penalties"][f"{secret}/own.py:own"] = {"weight": 1.0, "final": 1.0}
    recipe["players"]["generator"]["network"]["name"] = f"{secret}/net.py:Net"
    recipe["loss"]["name"] = "../../alice/loss.py:mine"
    run.recipe_file.write_text(safe_json.dumps(recipe))
    decisions = {"compile": "off", "outside_code": {f"{secret}/own.py:own": "ab" * 32, "lab/alice/x.py:x": "cd"}, "nothing": {}}
    environment.record(run, ["mulligan", "train", source], decisions)
    known = facts.read(run)
    assert known is not None
    data = known.data.model_copy(
        update={"skipped": (f"{secret}/my photos/a.png: broken",), "licence": rf"see C:\alice\licence.txt, {source}"}
    )
    facts.write(run, known.model_copy(update={"data": data, "notes": (f"kept in {run.path}", "by ~/alice/me")}))
    history.append(run, {"step": 40, "images": 2560, "seconds": 1.0, f"discriminator.penalty.{secret}/own.py:own": 0.5})
    report.write(run)
    text = without_pictures(run.report_file.read_text(encoding="utf-8"))
    assert "alice" not in text
    assert str(tmp_path) not in text
    for words in ("photos", "own.py:own", "net.py:Net", "loss.py:mine", "licence.txt", "x.py:x"):
        assert words in text, words


def test_texts_from_files_stay_texts(full_run: Run) -> None:
    known = facts.read(full_run)
    assert known is not None
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
    full_run.history_file.unlink()
    full_run.write_status("unfinished")
    facts.write(full_run, known.model_copy(update={"data": known.data.model_copy(update={"name": attack}), "notes": (attack,)}))
    run = Run(full_run.path.rename(full_run.path.with_name("0001-$(touch x);<b>")))
    page = Page(report.page(run))
    assert "script" not in page.tags
    assert "x" not in page.links
    assert "{{ 7*7 }}" in page.words
    assert "mulligan resume '0001-$(touch x);<b>'" in page.words


def test_a_report_of_a_run_that_has_just_begun(run: Run, recipe: Recipe) -> None:
    assert "run 0001-test" in Page(report.page(run)).words
    run.write_recipe(recipe)
    page = Page(report.page(run))
    assert "not finished yet" in page.words
    assert "mulligan resume 0001-test" in page.words
    assert page.links == []
    history.append(run, {"step": 0, "images": 0, "seconds": 0.0, "generator.loss": 0.7})
    assert len(Page(report.page(run)).links) == 2


def test_pictures_that_are_none_or_too_large_stay_out(full_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    full_run.history_file.unlink()
    full_run.real_grid.write_text("<svg onload='alert(1)'/>")
    monkeypatch.setattr(report, "MAXIMUM_PICTURE", full_run.progress_gif.stat().st_size - 1)
    page = Page(report.page(full_run))
    assert "progress.gif is too large for this page" in page.words
    assert not any("svg" in link for link in page.links)


def test_f35_facts_that_are_broken_or_hostile(full_run: Run) -> None:
    full_run.facts_file.write_text('{"schema_version": 1, "data": {}}')
    with pytest.raises(CheckpointError, match=r"facts\.json: data\.name: Field required"):
        report.page(full_run)
    full_run.facts_file.write_text("[" * 100_000)
    with pytest.raises(UnsafeError, match=r"facts\.json"):
        report.page(full_run)


def test_curves_are_drawn_for_light_and_dark(full_run: Run) -> None:
    curves.write(full_run)
    light = Image.open(BytesIO(full_run.curves_file.read_bytes())).convert("L")
    dark = Image.open(BytesIO(curves.picture(history.read(full_run), "pairs", dark=True))).convert("L")
    assert light.size == dark.size
    assert light.getpixel((0, 0)) == 255
    assert dark.getpixel((0, 0)) < 40
    assert str(full_run.path).encode() not in full_run.curves_file.read_bytes()
    picture = base64.b64encode(full_run.curves_file.read_bytes()).decode()
    assert picture in report.page(full_run)


def test_no_curves_of_nothing(run: Run) -> None:
    curves.write(run)
    assert not run.curves_file.exists()
