"""F33, F34, F35: runs and models that somebody else made, given to `serve` and `sample`: nothing of them runs, and nothing listens."""

import io
import json
import pickle
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from mulligan.cli import main
from mulligan.sampling.model import Model
from mulligan.sampling.onnx_export import write_onnx

RELEASED = next(iter(sorted((Path(__file__).parents[1] / "golden").glob("*/run"))))
WATCHED = ("pickle.find_class", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.fork")
CHECKPOINT, UNSAFE = 4, 8

Given = Callable[[Path, Model], Path]


class Bomb:
    """What a pickle would run: making a file whose presence shows it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def pickled(folder: Path) -> bytes:
    return pickle.dumps(Bomb(folder / "it ran"))


def zipped(folder: Path) -> bytes:
    content = io.BytesIO()
    torch.save({"weight": Bomb(folder / "it ran")}, content)
    return content.getvalue()


def file_of(name: str, content: Callable[[Path], bytes]) -> Given:
    """A single file."""

    def given(folder: Path, model: Model) -> Path:
        (folder / name).write_bytes(content(folder))
        return folder / name

    return given


def in_model(name: str, content: Callable[[Path], bytes]) -> Given:
    """A model folder, one file of which is another."""

    def given(folder: Path, model: Model) -> Path:
        saved = model.save(folder / "model")
        (saved / name).write_bytes(content(folder))
        return saved

    return given


def in_run(name: str, content: Callable[[Path], bytes]) -> Given:
    """A run folder, one file of which is another."""

    def given(folder: Path, model: Model) -> Path:
        run = Path(shutil.copytree(RELEASED, folder / "run"))
        (run / name).write_bytes(content(folder))
        return run

    return given


def renamed(part: str, key: str, where: str) -> Given:
    """A run or a model in which a name leads to outside code."""

    def given(folder: Path, model: Model) -> Path:
        run = Path(shutil.copytree(RELEASED, folder / "run"))
        code = folder / "outside.py"
        code.write_text(f"open({str(folder / 'it ran')!r}, 'w').close()\n")
        facts = json.loads((run / where).read_text(encoding="utf-8"))
        inner = facts
        for step in part.split("."):
            inner = inner[step]
        inner[key] = f"{code}:outside"
        (run / where).write_text(json.dumps(facts), encoding="utf-8")
        return run

    return given


def of_onnx(change: Callable[[Any], object]) -> Given:
    """An exported file that was changed."""

    def given(folder: Path, model: Model) -> Path:
        file = folder / "model.onnx"
        write_onnx(model, file)
        proto = onnx.load(file)
        change(proto)
        file.write_bytes(proto.SerializeToString())
        return file

    return given


def elsewhere(proto: Any) -> None:
    initializer = next(each for each in proto.graph.initializer if each.raw_data)
    initializer.ClearField("raw_data")
    initializer.data_location = onnx.TensorProto.EXTERNAL
    entry = initializer.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"


def of_others(proto: Any) -> None:
    proto.graph.node[0].domain = "com.evil"


def huge(proto: Any) -> None:
    next(each for each in proto.graph.initializer if each.raw_data).dims[:] = [2**50]


def described(proto: Any) -> None:
    """The description inside names outside code."""
    entry = next(each for each in proto.metadata_props if each.key == "mulligan")
    told = json.loads(entry.value)
    told["network"]["name"] = "outside.py:outside"
    entry.value = json.dumps(told)


def weights(entries: dict[str, Any], length: int | None = None) -> Callable[[Path], bytes]:
    text = json.dumps(entries).encode()
    return lambda folder: struct.pack("<Q", len(text) if length is None else length) + text


def text(content: str) -> Callable[[Path], bytes]:
    return lambda folder: content.encode()


CASES: dict[str, tuple[Given, int]] = {
    "a pickle as .pt": (file_of("model.pt", pickled), UNSAFE),
    "a pickle as .pkl": (file_of("model.pkl", pickled), UNSAFE),
    "a pickle as .onnx": (file_of("model.onnx", pickled), UNSAFE),
    "an archive as .onnx": (file_of("model.onnx", zipped), UNSAFE),
    "a pickle as .safetensors": (file_of("model.safetensors", pickled), UNSAFE),
    "an archive as .safetensors": (file_of("model.safetensors", zipped), UNSAFE),
    "a pickle as weights": (in_model("weights.safetensors", pickled), UNSAFE),
    "an archive as weights": (in_model("weights.safetensors", zipped), UNSAFE),
    "a pickle as description": (in_model("model.json", pickled), UNSAFE),
    "a pickle in a folder as model.onnx": (in_model("model.onnx", pickled), UNSAFE),
    "a pickle as weights of a run": (in_run("model/weights.safetensors", pickled), UNSAFE),
    "a pickle as facts of a run": (in_run("facts.json", pickled), CHECKPOINT),
    "a network outside": (renamed("network", "name", "model/model.json"), UNSAFE),
    "a kind outside": (renamed("kind", "name", "model/model.json"), UNSAFE),
    "a header of 2^63": (in_model("weights.safetensors", weights({}, 2**63)), UNSAFE),
    "a tensor of 2^60": (
        in_model("weights.safetensors", weights({"generator/a": {"dtype": "F32", "shape": [2**60], "data_offsets": [0, 2**62]}})),
        UNSAFE,
    ),
    "deep JSON": (in_model("model.json", text('{"a":' * 5000 + "1" + "}" * 5000)), UNSAFE),
    "a huge number": (in_model("model.json", text('{"schema_version": ' + "9" * 5000 + "}")), UNSAFE),
    "not a number": (in_model("model.json", text('{"schema_version": NaN}')), UNSAFE),
    "deep facts of a run": (in_run("facts.json", text("[" * 5000)), UNSAFE),
    "weights elsewhere": (of_onnx(elsewhere), UNSAFE),
    "operators of others": (of_onnx(of_others), UNSAFE),
    "huge weights in ONNX": (of_onnx(huge), UNSAFE),
    "ONNX that names outside code": (of_onnx(described), UNSAFE),
}


@pytest.fixture(scope="module")
def heard() -> Iterator[list[str]]:
    """What this process did of what nothing here may do, while it is listened to."""
    found: list[str] = []
    on = True

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if on and event in WATCHED:
            found.append(event)
            if event == "socket.bind":
                raise PermissionError("nothing may listen")  # a server that had started would never end

    sys.addaudithook(hear)
    yield found
    on = False  # a hook stays for as long as the process does


@pytest.mark.parametrize("case", CASES)
def test_f33_f34_f35_nothing_that_is_hostile_is_served_or_sampled(
    case: str, model: Model, tmp_path: Path, heard: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given, code = CASES[case]
    which = str(given(tmp_path, model))
    heard.clear()
    verbs = {
        "serve": ["serve", which, "--port", "0"],
        "sample": ["sample", which, "--to", str(tmp_path / "out.png")],
        "interpolate": ["interpolate", which, "--seeds", "1,2", "--to", str(tmp_path / "out.gif")],
        "export": ["export", which, "--to", "model", "--out", str(tmp_path / "out")],
    }
    for verb, words in verbs.items():
        found = main(words)
        said = capsys.readouterr().err
        assert found == code, (verb, said)
        assert said.count("\n") == 1
        assert len(said) < 1000
    assert heard == []
    assert not [file for file in tmp_path.iterdir() if file.stem == "out"]
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    "given", [renamed("data", "source", "recipe.json"), in_run("recipe.json", text('{"a":' * 5000))], ids=["data outside", "deep"]
)
def test_f33_f35_a_run_whose_recipe_is_hostile_is_not_served(
    given: Given, model: Model, tmp_path: Path, heard: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The server opens the data of a run for its round. `sample` needs no recipe, and runs nothing of it either."""
    which = str(given(tmp_path, model))
    heard.clear()
    assert main(["serve", which, "--port", "0"]) == UNSAFE
    assert capsys.readouterr().err.count("\n") == 1
    main(["sample", which, "--to", str(tmp_path / "out.png")])
    assert heard == []
    assert not (tmp_path / "it ran").exists()


def test_f33_what_trained_a_model_is_not_run_to_serve_it(model: Model, tmp_path: Path, heard: list[str]) -> None:
    """A loss of the user's own: the model needs none, so it is served, and nothing of the loss runs."""
    which = str(renamed("loss", "name", "recipe.json")(tmp_path, model))
    heard.clear()
    assert main(["serve", which, "--port", "0"]) == 2
    assert heard == ["socket.bind"]
    assert not (tmp_path / "it ran").exists()


def test_a_good_run_comes_to_the_point_of_listening(heard: list[str]) -> None:
    """Else the tests above would prove nothing."""
    heard.clear()
    assert main(["serve", str(RELEASED), "--port", "0"]) == 2
    assert heard == ["socket.bind"]
