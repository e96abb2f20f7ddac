"""`mulligan helps` and `GAN.helps`: the question is asked of a run, of a model with data beside it, and of what cannot answer."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan import GAN
from mulligan.cli import main
from mulligan.errors import UsageError
from mulligan.verbs import helping

QUICK = ("--sizes", "20,all", "--seeds", "2", "--n", "40")


@pytest.fixture(autouse=True)
def few_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """A classifier learns for a moment only."""
    monkeypatch.setattr(helping, "STEPS", 4)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 images of 8 x 8 in three classes, dark, grey and bright; some are held out."""
    numbers = np.random.default_rng(0)
    label = np.arange(300) % 3
    pixels = numbers.integers(0, 60, (300, 8, 8)) + 90 * label[:, None, None]
    path = tmp_path_factory.mktemp("data") / "labelled.npz"
    np.savez(path, images=pixels.astype(np.uint8), labels=np.array(["dark", "grey", "bright"])[label])
    return path


@pytest.fixture(scope="module")
def trained(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A conditional and an unconditional run of a few steps on those images, and one on the same without labels."""
    base = tmp_path_factory.mktemp("runs")
    tiny = ("generator.network.widths=[8]", "discriminator.network.widths=[8]", "batch=8", "machine.threads=1", "machine.compile=off")
    runs = {}
    for name, recipe, more in (
        ("conditional", "shallow-conditional", ()),
        ("plain", "shallow", ()),
        ("unlabelled", "shallow", ("data.labels=false",)),
    ):
        runs[name] = base / f"0001-{name}"
        words = ["train", str(labelled), "--recipe", recipe, *tiny, "data.size=8", "keeping.reports=1", "horizon=24", *more]
        assert main([*words, "--run", str(runs[name])]) == 0
    return runs


def test_a_conditional_run(command, trained: dict[str, Path]) -> None:
    run = trained["conditional"]
    said = command("helps", run, *QUICK, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["run"] == str(run)
    assert found["labels"] == "asked for"
    assert [at["real"] for at in found["sizes"]] == [20, found["protocol"]["available"]]
    assert found["verdict"] == found["sizes"][-1]["verdict"]
    assert found["protocol"]["n"] == 40
    kept = json.loads((run / "usefulness.json").read_text())
    assert "Does it help a classifier?" in (run / "report.html").read_text()
    assert kept == {**{key: value for key, value in found.items() if key != "run"}, "model": kept["model"], "data": "own data"}
    assert kept["model"] == GAN.load(run).model_.description.weights
    text = command("helps", run, *QUICK).out
    for words in ("real and synthetic", "CAS", "asked for", "brings to a smaller number", "overall: "):
        assert words in text
    by_library = GAN.load(run).helps(sizes=(20, "all"), seeds=(0, 1), n=40)
    assert json.loads(json.dumps(by_library.as_dict()))["sizes"] == found["sizes"]


def test_a_run_without_condition_has_its_samples_labelled(command, trained: dict[str, Path]) -> None:
    found = json.loads(command("helps", trained["plain"], *QUICK, "--json").out)
    assert found["labels"] == "given by a classifier of the real data"


def test_a_model_alone_wants_data(command, trained: dict[str, Path], labelled: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(trained["conditional"] / "model", model)
    said = command("helps", model, *QUICK)
    assert said.code == 2
    assert "--against DATA" in said.err
    assert command("helps", model, "--against", labelled, *QUICK).code == 0
    assert not (tmp_path / "usefulness.json").exists()
    alone, arrays = GAN.load(model), np.load(labelled)
    found = alone.helps(arrays["images"], arrays["labels"], sizes=["all"], seeds=(0, 1), n=40)
    assert found.verdict in ("helps", "hurts", "no gain shown")
    with pytest.raises(UsageError, match="labels are for numbers"):
        alone.helps(str(labelled), arrays["labels"])


def test_labels_are_those_of_the_model_whatever_their_order_in_the_data(trained: dict[str, Path], labelled: Path, tmp_path: Path) -> None:
    """Data in which the classes have other numbers give what the run's own data give."""
    arrays = np.load(labelled)
    folders = tmp_path / "folders"
    for place, (image, label) in enumerate(zip(arrays["images"], arrays["labels"], strict=True)):
        (folders / label.upper()).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folders / label.upper() / f"{place:03d}.png")
    gan = GAN.load(trained["conditional"])
    train, _ = helping._labelled(helping._real_data(None, gan.model_, str(folders)), gan.model_)
    assert train.label is not None
    means = [train.target[train.label == place].mean() for place in range(3)]
    by_name = dict(zip(gan.model_.classes, means, strict=True))
    assert by_name["dark"] < by_name["grey"] < by_name["bright"]


@pytest.mark.parametrize(
    ("which", "arguments", "code", "words"),
    [
        ("unlabelled", QUICK, 3, "has no labels, so no classifier can learn from it. Name labelled data"),
        ("conditional", ("--sizes", "5000"), 3, "5,000 real samples: there are"),
        ("conditional", ("--sizes", "some"), 2, "--sizes some"),
        ("conditional", ("--seeds", "1"), 2, "expected 2 to 100"),
        ("conditional", ("--seeds", "7-7"), 3, "one seed has no spread"),
        ("conditional", ("--n", "0"), 2, "0 synthetic samples"),
        ("conditional", ("--against", "ring"), 3, "ring makes points"),
    ],
)
def test_what_cannot_be_answered(which: str, arguments: tuple[str, ...], code: int, words: str, command, trained: dict[str, Path]) -> None:
    said = command("helps", trained[which], *arguments)
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert said.err.count("\n") == 1


def test_data_with_nothing_held_out(command, finished: Path) -> None:
    said = command("helps", finished, *QUICK)
    assert said.code == 3
    assert "no held-out test samples (60 samples are too few)" in said.err


def test_an_unlabelled_run_with_labelled_data_beside_it(command, trained: dict[str, Path], labelled: Path) -> None:
    assert command("helps", trained["unlabelled"], "--against", labelled, *QUICK).code == 0
