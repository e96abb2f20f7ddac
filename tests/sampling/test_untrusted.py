"""Model folders that somebody else made: nothing in them runs, and nothing large is allocated for a lie."""

import gzip
import io
import json
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mulligan import find
from mulligan.errors import CheckpointError, MulliganError, UnsafeError
from mulligan.runs import tensors
from mulligan.sampling.description import describe
from mulligan.sampling.model import Model
from mulligan.sampling.weights import content_hash

OUTSIDE = """
from pathlib import Path
from typing import Literal
from mulligan.networks import mlp

Path(__file__).with_suffix(".ran").touch()


class Generator(mlp.Generator):
    name: str = "outside"
"""


@pytest.fixture
def folder(model: Model, tmp_path: Path) -> Path:
    return model.save(tmp_path / "model")


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "model.json"
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(facts))


class Bomb:
    """What a pickle would run: making a file whose presence shows it."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


def disguises(trace: Path) -> dict[str, bytes]:
    bomb = Bomb(trace)
    forms = {f"protocol {number}": pickle.dumps(bomb, number) for number in range(pickle.HIGHEST_PROTOCOL + 1)}
    zipped, archive, arrays = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"weight": bomb}, zipped)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", forms["protocol 4"])
    np.save(arrays, np.array([bomb], object), allow_pickle=True)
    return forms | {
        "torch.save": zipped.getvalue(),
        "zip": archive.getvalue(),
        "npy": arrays.getvalue(),
        "gzip": gzip.compress(forms["protocol 4"]),
        "indented": b"\n  " + forms["protocol 0"],
    }


@pytest.mark.parametrize("name", [*(f"protocol {number}" for number in range(6)), "torch.save", "zip", "npy", "gzip", "indented"])
def test_f33_a_pickle_in_any_disguise_runs_nothing(name: str, folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    content = disguises(trace)[name]
    originals = {file: file.read_bytes() for file in folder.iterdir()}
    places = [folder / "model.json", folder / "weights.safetensors", tmp_path / "model.pt", tmp_path / "cat.safetensors", tmp_path / "cat"]
    for place in places:
        place.write_bytes(content)
        with pytest.raises(UnsafeError) as caught:
            Model.load(folder if place.parent == folder else place)
        assert caught.value.exit_code == 8
        if place in originals:
            place.write_bytes(originals[place])
    assert not trace.exists()
    Model.load(folder)


def test_f33_a_folder_of_pickles_is_refused_without_opening_them(tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(disguises(trace)["torch.save"])
    with pytest.raises(UnsafeError, match=r"pytorch_model\.bin"):
        Model.load(folder)
    assert not trace.exists()


def test_f33_a_pickle_beside_a_good_model_is_never_opened(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    (folder / "weights.pt").write_bytes(disguises(trace)["torch.save"])
    Model.load(folder)
    assert not trace.exists()


@pytest.mark.parametrize("part", ["network", "encoder", "kind"])
@pytest.mark.parametrize("written", ["{path}:Generator", "outside.py:Generator", "./outside.py:outside"])
def test_f33_a_model_that_names_outside_code_does_not_run_it(
    part: str, written: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "outside.py"
    code.write_text(OUTSIDE)
    monkeypatch.chdir(tmp_path)
    edit(folder, lambda facts: facts.update({part: {**facts["network"], "name": written.format(path=code)}}))
    with pytest.raises(UnsafeError, match="names code outside") as caught:
        Model.load(folder)
    assert caught.value.exit_code == 8
    assert "--trust" in caught.value.hint
    assert not code.with_suffix(".ran").exists()


def test_outside_code_that_the_user_allowed_is_found_by_its_file_name(folder: Path, model: Model, tmp_path: Path) -> None:
    """The folder of the user's code is private, so model.json names the file alone; trusting that file is enough."""
    code = tmp_path / "secret place" / "allowed_network.py"
    code.parent.mkdir()
    code.write_text(OUTSIDE)
    name = f"{code}:allowed_network"
    find.trust(name)
    facts = json.loads((folder / "model.json").read_text())
    facts["network"]["name"] = name
    outside = Model(describe({**facts, "weights": ""}, "here"), model.weights())
    saved = outside.save(tmp_path / "outside")
    assert json.loads((saved / "model.json").read_text())["network"]["name"] == "allowed_network.py:allowed_network"
    card = (saved / "README.md").read_text(encoding="utf-8")
    assert "`allowed_network.py:allowed_network` runs only where it is allowed" in card
    assert "secret place" not in card
    assert np.array_equal(Model.load(saved).sample(range(3)), model.sample(range(3)))


@pytest.mark.parametrize("name", ["../secrets", "os", "mulligan.sampling", "", "network", "..", "mlp.py", None, 7])
def test_f33_a_network_is_no_path_and_no_module(name: object, folder: Path) -> None:
    edit(folder, lambda facts: facts["network"].update(name=name))
    with pytest.raises(CheckpointError, match="no such name"):
        Model.load(folder)


@pytest.mark.parametrize("role", ["Network", "Multilayer", "Literal", "prod", "__loader__", "Nothing", None, 3, "Discriminator", "Encoder"])
def test_f33_a_role_is_a_network_that_makes_samples(role: object, folder: Path) -> None:
    edit(folder, lambda facts: facts["network"].update(role=role))
    with pytest.raises(CheckpointError):
        Model.load(folder)


def header(entries: dict[str, Any], length: int | None = None) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


def hostile_weights(original: bytes) -> dict[str, bytes]:
    (length,) = struct.unpack_from("<Q", original)
    entries, data = json.loads(original[8 : 8 + length]), original[8 + length :]
    entries.pop("__metadata__", None)
    name = max(entries, key=lambda key: entries[key]["data_offsets"][1])
    size = entries[name]["data_offsets"]

    def changed(**facts: Any) -> bytes:
        return header({**entries, name: {**entries[name], **facts}}) + data

    return {
        "length 2^63": struct.pack("<Q", 2**63) + original[8:],
        "200 MB header": header({**entries, "x" * 2_000_000 * 5: entries[name]}),
        "overlap": changed(data_offsets=[size[0] - 4, size[1] - 4]),
        "beyond the end": changed(data_offsets=[size[0], size[1] + 4_000_000], shape=[1_000_000 + (size[1] - size[0]) // 4]),
        "negative": changed(data_offsets=[-8, size[1]]),
        "wrong dtype": changed(dtype="F16", shape=[(size[1] - size[0]) // 2]),
        "wrong shape": changed(shape=[(size[1] - size[0]) // 4]),
        "huge shape": changed(shape=[2**40, 2**40]),
        "wrong name": header({("generator/other" if key == name else key): value for key, value in entries.items()}) + data,
        "extra name": header({**entries, "generator/extra": {"dtype": "F32", "shape": [0], "data_offsets": [len(data), len(data)]}}) + data,
        "cut off": original[:-3],
        "cut off in the header": original[: 8 + length // 2],
        "bytes at the end": original + b"abc",
        "empty": b"",
    }


@pytest.mark.parametrize("name", list(hostile_weights(header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}) + bytes(16))))
def test_f34_hostile_weights_are_refused(name: str, folder: Path) -> None:
    file = folder / "weights.safetensors"
    file.write_bytes(hostile_weights(file.read_bytes())[name])
    with pytest.raises(MulliganError) as caught:
        Model.load(folder)
    assert caught.value.exit_code in (4, 8)
    assert "weights.safetensors" in caught.value.message


def test_f34_a_changed_byte_or_foreign_weights_are_noticed(folder: Path, model: Model) -> None:
    file = folder / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        Model.load(folder)
    tensors.write(file, {name: tensor + 1 for name, tensor in model.weights().items()})
    with pytest.raises(CheckpointError, match="belongs to another model"):
        Model.load(folder)
    edit(folder, lambda facts: facts.update(weights=""))  # no hash is no way around it
    with pytest.raises(CheckpointError, match="damaged"):
        Model.load(folder)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_f34_weights_that_are_not_finite_are_refused_before_use(number: float, folder: Path, model: Model) -> None:
    weights = model.weights()
    next(iter(weights.values())).view(-1)[0] = number
    tensors.write(folder / "weights.safetensors", weights)
    edit(folder, lambda facts: facts.update(weights=content_hash(weights)))
    with pytest.raises(CheckpointError, match="not finite"):
        Model.load(folder)


def test_f34_a_shape_bomb_allocates_nothing(folder: Path) -> None:
    """Sixty-four layers of 16 GiB each."""
    edit(folder, lambda facts: facts["network"].update(widths=[65536] * 64))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError):
        Model.load(folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize(
    "change",
    [
        {"block": 10**9},
        {"block": 0},
        {"block": 1.5},
        {"latent": {"size": 10**9, "distribution": "normal"}},
        {"latent": {"size": 5, "distribution": "normal"}},
        {"latent": {"size": 4, "distribution": "cauchy"}},
        {"signature": {"sample": [1, 10**6, 10**6], "latent": 4, "classes": 0, "scaling": "symmetric"}},
        {"signature": {"sample": [1, -8, -8], "latent": 4, "classes": 0, "scaling": "symmetric"}},
        {"signature": {"sample": [], "latent": 4, "classes": 0, "scaling": "symmetric"}},
        {"signature": {"sample": [1, 8, 8], "latent": 4, "classes": 3, "scaling": "symmetric"}},
        {"signature": {"sample": [1, 8, 8], "latent": 4, "classes": 0, "scaling": "unit"}},
        {"kind": {"name": "points", "shape": [64], "scaling": "none"}},
        {"kind": {"name": "image", "shape": [1, 9, 9], "scaling": "symmetric"}},
        {"kind": {"name": "nothing"}},
        {"kind": 3},
        {"network": None},
        {"network": {"name": "mlp", "role": "Generator", "widths": [8], "unheard": 1}},
        {"network": {"name": "mlp", "role": "Generator", "widths": [10**12]}},
        {"network": {"name": "conv", "role": "Generator", "width": 1}},
        {"classes": ["a", ""]},
        {"fitted": True},
        {"encoder": {"name": "mlp", "role": "Encoder", "widths": [8]}},
        {"schema_version": 2},
        {"schema_version": None},
        {"trained": {"steps": -1, "images": 0, "data": "digits"}},
        {"weights_file": "../../etc/passwd"},
        {"path": "/etc/passwd"},
    ],
)
def test_f35_a_description_that_does_not_hold_together_is_refused(change: dict[str, Any], folder: Path) -> None:
    edit(folder, lambda facts: facts.update(change))
    with pytest.raises(CheckpointError) as caught:
        Model.load(folder)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [
        (b'{"a":' * 100_000, 8),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 8),
        (b'{"schema_version": 1e999}', 8),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", 8),
        (b'{"schema_version": NaN}', 8),
        (b'{"schema_version": 1, "schema_version": 1}', 8),
        (b'{"a": "' + b"x" * 2**21 + b'"}', 8),
        (b"{", 4),
        (b"", 4),
        (b"{}", 4),
        (b"[]", 8),
        (b'{"a": "\xff"}', 4),
    ],
)
def test_f35_hostile_json_is_refused(content: bytes, exit_code: int, folder: Path) -> None:
    (folder / "model.json").write_bytes(content)
    with pytest.raises(MulliganError) as caught:
        Model.load(folder)
    assert caught.value.exit_code == exit_code


def test_what_is_no_model_is_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(CheckpointError, match="no such model or run"):
        Model.load(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="holds no model"):
        Model.load(tmp_path / "empty")
    for file in ("model.json", "weights.safetensors"):
        with pytest.raises(CheckpointError, match="is a file"):
            Model.load(folder / file)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no such file"):
        Model.load(folder)
