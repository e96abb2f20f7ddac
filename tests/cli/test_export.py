"""`mulligan export` and `inspect`."""

import json
from pathlib import Path

import numpy as np

from mulligan.sampling.model import Model


def test_a_model_folder(command, finished: Path, tmp_path: Path) -> None:
    said = command("export", finished, "--out", tmp_path / "model")
    assert (said.code, said.out) == (0, f"{tmp_path / 'model'}\n")
    assert Model.load(tmp_path / "model").description == Model.load(finished).description
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    for row in (
        "| training data | own data",
        "| trained on | ",
        "| diagnosis | ",
        "## Figures",
        "## Intended use and limits",
    ):
        assert row in card, row
    assert str(tmp_path) not in card
    assert str(finished.parent) not in card


def test_an_onnx_file_is_sampled_like_a_run(command, finished: Path, tmp_path: Path) -> None:
    said = command("export", finished, "--to", "onnx", "--out", tmp_path / "out", "--json")
    told = json.loads(said.out)
    assert told["path"] == str(tmp_path / "out" / "model.onnx")
    assert 0 <= told["difference"] < 1e-4
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["README.md", "model.onnx", "samples.png"]
    assert str(tmp_path).encode() not in (tmp_path / "out" / "model.onnx").read_bytes()
    for which, to in ((told["path"], "onnx.npz"), (finished, "torch.npz")):
        assert command("sample", which, "--n", "9", "--label", "owl", "--to", tmp_path / to).code == 0
    ours, theirs = np.load(tmp_path / "onnx.npz"), np.load(tmp_path / "torch.npz")
    assert np.abs(ours["images"].astype(int) - theirs["images"].astype(int)).max() <= 1
    assert ours["provenance"] == theirs["provenance"]
    walk = tmp_path / "walk.gif"
    assert command("interpolate", told["path"], "--seeds", "0-2", "--to", walk).code == 0
    assert command("inspect", walk).out.startswith("synthetic\n  source type  http://cv.iptc.org/newscodes/digitalsourcetype/trained")
    mark = json.loads(command("inspect", told["path"], "--json").out)["mark"]
    assert mark["model"] == Model.load(finished).description.weights


def test_what_has_no_mark_and_what_is_broken(command, tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("x,y\n1,2\n")
    assert command("inspect", tmp_path / "plain.csv").out.startswith("no mark")
    assert json.loads(command("inspect", tmp_path / "plain.csv", "--json").out)["mark"] is None
    for name, content in (("a.png", b"no"), ("a.npz", b"no"), ("a.csv", b"\xff\xfe\x00"), ("a.onnx", b'{"synthetic": true')):
        (tmp_path / name).write_bytes(content)
        said = command("inspect", tmp_path / name)
        assert said.code == 3 or said.out.startswith("no mark")
        assert said.err.count("\n") <= 1
    assert command("inspect", tmp_path / "absent.png").code == 3
    assert command("inspect", tmp_path / "photo.jpg").code == 3


def test_a_sample_is_inverted(command, finished: Path, tmp_path: Path) -> None:
    assert command("sample", finished, "--n", "1", "--label", "owl", "--to", tmp_path / "one.png").code == 0
    said = command("invert", finished, tmp_path / "one.png", "--to", tmp_path / "pair.png", "--steps", "20")
    assert said.code == 0
    assert said.out.startswith("sample 0: error ")
    assert said.out.endswith(f"{tmp_path / 'pair.png'}\n")
    (row,) = json.loads(command("invert", finished, tmp_path / "one.png", "--steps", "20", "--json").out)["samples"]
    assert row["error"] <= row["before"]
    assert row["label"] in ("cat", "dog", "owl")


def test_fields_and_truncation(command, finished: Path, tmp_path: Path) -> None:
    said = command("interpolate", finished, "--seeds", "0-3", "--grid", "4x3", "--to", tmp_path / "field.npz")
    assert said.code == 0
    assert np.load(tmp_path / "field.npz")["images"].shape == (12, 8, 8)
    for number in ("0.5", "0.5"):
        assert command("sample", finished, "--n", "3", "--truncation", number, "--to", tmp_path / f"cut{number}.npz").code == 0
    assert command("sample", finished, "--n", "3", "--truncation", "-1", "--to", tmp_path / "cut.npz").code == 2


def test_the_nearest_training_samples(command, finished: Path, images: Path, tmp_path: Path) -> None:
    said = command("nearest", finished, "--n", "3", "--label", "cat", "--to", tmp_path / "pairs.png")
    assert said.code == 0
    assert said.out.count("of the usual distance, training sample") == 3
    told = json.loads(command("nearest", finished, "--n", "3", "--label", "cat", "--to", tmp_path / "pairs.npz", "--json").out)
    known = np.load(images)["images"]
    with np.load(tmp_path / "pairs.npz") as pairs:
        assert len(told["samples"]) == 3
        assert all(row["ratio"] > 0 for row in told["samples"])
        assert all((known == original).all((1, 2)).any() for original in pairs["originals"])
    assert command("nearest", finished / "model").code == 2
    assert command("nearest", finished / "model", "--against", images, "--n", "2").code == 0
