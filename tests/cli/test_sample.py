"""`mulligan sample`, `interpolate` and `score`: what a run or a model makes, and what its D says."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan import GAN, given
from mulligan.marks import read_mark
from mulligan.recipe import Machine
from mulligan.resolve import reopened
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.testing.pieces import train_in_pieces


def test_numbers_in_a_file(command, finished: Path, tmp_path: Path) -> None:
    said = command("sample", finished, "--n", "5", "--seed", "3", "--to", tmp_path / "five.npz", "--json")
    assert said.code == 0
    result = json.loads(said.out)
    assert result["files"] == [str(tmp_path / "five.npz")]
    assert command("sample", finished / "model", "--n", "2", "--seed", "3", "--to", tmp_path / "two.npz").code == 0
    five, two = np.load(tmp_path / "five.npz"), np.load(tmp_path / "two.npz")
    assert five["images"].shape == (5, 8, 8)
    assert five["images"].dtype == np.uint8
    assert five["labels"].tolist() == [0, 1, 2, 0, 1]
    assert np.array_equal(five["images"][:2], two["images"])
    assert read_mark(tmp_path / "five.npz")["model"] == result["model"]


def test_first_of_each_seed_and_a_label_by_name(command, finished: Path, tmp_path: Path) -> None:
    assert command("sample", finished, "--seeds", "2-4,9", "--label", "owl", "--to", tmp_path / "owls.npz").code == 0
    owls = np.load(tmp_path / "owls.npz")
    assert owls["labels"].tolist() == [2, 2, 2, 2]
    command("sample", finished, "--n", "1", "--seed", "9", "--label", "2", "--to", tmp_path / "nine.npz")
    assert np.array_equal(owls["images"][3], np.load(tmp_path / "nine.npz")["images"][0])


def test_a_grid_and_a_folder(command, finished: Path, tmp_path: Path) -> None:
    assert command("sample", finished, "--grid", "4x3", "--to", tmp_path / "new" / "grid.png").out == f"{tmp_path / 'new' / 'grid.png'}\n"
    with Image.open(tmp_path / "new" / "grid.png") as picture:
        assert picture.width > picture.height
    assert command("sample", finished, "--n", "3", "--to", tmp_path / "folder").out == f"3 files in {tmp_path / 'folder'}\n"
    assert len(list((tmp_path / "folder").iterdir())) == 3


def test_a_run_by_its_number(command, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "runs" / finished.name)
    assert command("sample", "7", "--to", tmp_path / "grid.png").code == 0


def test_walks(command, finished: Path, tmp_path: Path) -> None:
    assert command("interpolate", finished, "--seeds", "1,5,9", "--steps", "3", "--to", tmp_path / "walk.gif").code == 0
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == 6
    assert command("interpolate", finished, "--seeds", "1,5,9", "--steps", "3", "--to", tmp_path / "walk.webp").code == 0
    with Image.open(tmp_path / "walk.webp") as film:
        assert film.n_frames == 6
    assert command("interpolate", finished, "--seeds", "1,5,9,11", "--grid", "3x2", "--to", tmp_path / "field.webp").code == 0
    assert command("sample", finished, "--grid", "2x2", "--to", tmp_path / "grid.webp").code == 0
    for name in ("walk.webp", "field.webp", "grid.webp"):
        mark = json.loads(command("inspect", tmp_path / name, "--json").out)["mark"]
        assert mark["source_type"].endswith("/trainedAlgorithmicMedia")
        assert len(mark["model"]) == 64
    assert mark["seed"] == 0
    assert command("interpolate", finished, "--seeds", "0-1", "--label", "dog", "--to", tmp_path / "strip.png", "--json").code == 0
    assert read_mark(tmp_path / "strip.png") is not None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "0-3", "--n", "2", "--to", "x.png"], "do not go with it"),
        (["--n", "0", "--to", "x.png"], "expected 1 to"),
        (["--label", "fox", "--to", "x.png"], "no such class"),
        (["--grid", "2x2", "--n", "9", "--to", "x.png"], "no place for 9"),
        (["--to", "x.bmp"], "Name a .png, .webp or .npz file"),
        (["--n", "1"], "--to"),
        (["--reconstruct", "digits", "--seed", "1", "--to", "x.png"], "draws nothing"),
        (["--reconstruct", "digits", "--to", "x.png"], "no encoder"),
    ],
)
def test_what_does_not_fit(arguments: list[str], words: str, command, finished: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = command("sample", finished, *arguments)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_score_of_own_samples(command, finished: Path, images: Path, tmp_path: Path) -> None:
    command("sample", finished, "--n", "40", "--to", tmp_path / "own.npz")
    said = command("score", finished, tmp_path / "own.npz", "--json")
    assert said.code == 0
    found = json.loads(said.out)
    assert found["given"]["n"] == 40
    assert found["real"]["split"] == "train"
    assert 0 < found["given"]["score"] < 1
    # The real samples, given as a file: what D says of them does not depend on the way they came.
    real = json.loads(command("score", finished, images, "--json").out)
    assert real["given"]["score"] == pytest.approx(real["real"]["score"], abs=1e-6)
    assert real["given"]["real_above"] == pytest.approx(0.5, abs=0.05)
    text = command("score", finished, images).out
    assert "made by its own G" in text
    assert "D(x) = 0.5" in text


def test_score_wants_labels_where_d_is_told_them(command, finished: Path, tmp_path: Path) -> None:
    command("sample", finished, "--n", "3", "--to", tmp_path / "folder")
    said = command("score", finished, tmp_path / "folder")
    assert said.code == 2
    assert "labels" in said.err


def test_originals_beside_reproductions(command, images: Path, tiny, tmp_path: Path) -> None:
    settings = [setting.replace("discriminator", "encoder") for setting in tiny]
    run, photos = tmp_path / "run", tmp_path / "photos"
    photos.mkdir()
    for place, image in enumerate(np.load(images)["images"]):
        Image.fromarray(image).save(photos / f"{place}.png")
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n")
    said = command("train", photos, "--recipe", "autoencoder", *settings, "--steps", "2", "--run", run, "--json")
    assert said.code == 0
    assert json.loads(said.out)["parameters"]["discriminator"] is None
    assert "files left out: 1 (broken.png: " in said.err
    assert "skipped broken.png" in (run / "log.txt").read_text()
    assert command("sample", run, "--reconstruct", images, "--n", "7", "--to", tmp_path / "pairs.npz").code == 0
    pairs = np.load(tmp_path / "pairs.npz")
    assert np.array_equal(pairs["originals"], np.load(images)["images"][:7])
    assert pairs["reconstructions"].shape == (7, 8, 8)
    assert command("sample", run, "--reconstruct", images, "--to", tmp_path / "pairs.png").code == 0
    assert read_mark(tmp_path / "pairs.png")["composite"]
    assert command("sample", run, "--n", "2", "--to", tmp_path / "new.png").code == 0
    said = command("score", run, images)
    assert said.code == 2
    assert "no discriminator" in said.err


def test_a_run_that_trained_on_is_sampled_as_it_is_now(command, images: Path, tiny, tmp_path: Path) -> None:
    """A signal ended it before it could write its model: the model is made of the best checkpoint, and that is said."""
    run = tmp_path / "run"
    words = ("train", images, "--recipe", "modern", *tiny, "horizon=800", "keeping.reports=100", "--steps", "2", "--run", run)
    assert command(*words).code == 0
    recipe = Run(run).read_recipe()
    train_in_pieces(run, recipe.model_copy(update={"machine": Machine(device="cpu", threads=1)}), reopened(recipe), 5)
    said = command("sample", run, "--n", "4", "--to", tmp_path / "now.npz")
    assert said.code == 0
    assert "has trained on since" in said.err
    now = np.load(tmp_path / "now.npz")["images"]
    gan, newest = GAN.load(run), checkpoints.newest(Run(run))
    assert newest is not None
    assert (newest.step, gan.model_.description.trained.steps) == (5, newest.facts["controls"]["best_step"])
    assert (now == gan.sample(4).images).all()

    shutil.rmtree(run / "model")  # as after a first training that was stopped
    command("sample", run, "--n", "4", "--to", tmp_path / "again.npz")
    assert np.array_equal(now, np.load(tmp_path / "again.npz")["images"])


def test_classes_with_numbers_of_their_own(command, tiny, tmp_path: Path) -> None:
    """What is written is read back as the same classes, where names are numbers that are no positions."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    np.savez(tmp_path / "data.npz", images=pixels, labels=np.array([1, 2, 3] * 20))
    run = tmp_path / "run"
    assert command("train", tmp_path / "data.npz", "--recipe", "shallow-conditional", *tiny, "--steps", "1", "--run", run).code == 0
    command("sample", run, "--n", "3", "--to", tmp_path / "three.npz")
    assert np.load(tmp_path / "three.npz")["labels"].tolist() == [1, 2, 3]
    raw, label = given.read(str(tmp_path / "three.npz"), (1, 8, 8), ("1", "2", "3"))
    assert label is not None
    assert (len(raw), label.tolist()) == (3, [0, 1, 2])
    command("sample", run, "--n", "1", "--label", "3", "--to", tmp_path / "folder")
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["seed0-000000-label3.png"]
    assert (GAN.load(run).sample(2, label=3).labels == [2, 2]).all()


def test_a_folder_may_have_a_dot_in_its_name(command, finished: Path, tmp_path: Path) -> None:
    assert command("sample", finished, "--n", "2", "--to", f"{tmp_path}/new.v2/").code == 0
    assert command("sample", finished, "--n", "3", "--to", tmp_path / "new.v2").code == 0
    assert len(list((tmp_path / "new.v2").glob("*.png"))) == 3
    assert command("sample", finished, "--n", "3", "--to", tmp_path / "other.v2").code == 2


def test_a_table_keeps_the_names_of_its_columns(command, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("height,weight\n" + "".join(f"{place % 7},{place % 5}\n" for place in range(60)))
    run = tmp_path / "run"
    assert command("train", tmp_path / "people.csv", "--recipe", "points", "--steps", "1", "--run", run, "machine.compile=off").code == 0
    command("sample", run, "--n", "2", "--to", tmp_path / "made.csv")
    assert (tmp_path / "made.csv").read_text().splitlines()[1] == '"height","weight"'


@pytest.mark.parametrize("option", ["--seeds", "--grid"])
def test_nothing_is_no_answer(option: str, command, finished: Path, tmp_path: Path) -> None:
    said = command("sample", finished, option, "", "--to", tmp_path / "grid.png")
    assert said.code == 2
    assert f"{option} :" in said.err
