"""Models as ONNX files."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import mulligan
from mulligan import GAN
from mulligan.errors import CheckpointError, UnsafeError, UsageError
from mulligan.marks import inspected, read_mark
from mulligan.sampling import onnx_export, onnx_model, onnx_safety
from mulligan.sampling.loading import load_sampler
from mulligan.sampling.model import Model
from mulligan.sampling.onnx_export import write_onnx
from mulligan.sampling.onnx_model import DIFFERENCE, OnnxModel
from mulligan.sampling.output import write_samples
from mulligan.sampling.walks import walk

Make = Callable[..., Model]


@pytest.fixture
def file(conditional: Model, tmp_path: Path) -> Path:
    """A conditional model, exported."""
    write_onnx(conditional, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@pytest.mark.parametrize("what", ["model", "conditional", "points", "autoencoder", "convolutional"])
def test_samples_are_those_of_torch(what: str, make_image_model: Make, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model = make_image_model(colour=True, convolutional=True) if what == "convolutional" else request.getfixturevalue(what)
    assert write_onnx(model, tmp_path / "model.onnx") < DIFFERENCE
    loaded = load_sampler(tmp_path / "model.onnx")
    assert isinstance(loaded, OnnxModel)
    assert loaded.description == model.description
    ours, theirs = loaded.sample(range(19), seed=3), model.sample(range(19), seed=3)
    assert ours.dtype == theirs.dtype
    assert np.abs(ours.astype(float) - theirs.astype(float)).max() <= (1.0 if ours.dtype == np.uint8 else 1e-4)
    assert np.array_equal(loaded.sample([7], seed=3), ours[7:8])  # whatever is asked beside it


def test_everything_is_inside(file: Path, conditional: Model) -> None:
    proto = onnx.load(file, load_external_data=False)
    onnx.checker.check_model(proto)
    assert [each.name for each in proto.graph.input] == ["noise", "label"]
    assert [each.type.tensor_type.shape.dim[0].dim_param for each in (*proto.graph.input, *proto.graph.output)] == ["count"] * 3
    assert not any(initializer.external_data for initializer in proto.graph.initializer)
    assert {each.key for each in proto.metadata_props} >= {"mulligan", "provenance"}
    mark = inspected(file)
    assert mark is not None
    assert mark["source_type"].endswith("/trainedAlgorithmicMedia")
    assert mark["model"] == conditional.description.weights
    session: Any = OnnxModel.load(file)._session
    for count in (1, 5, 40):
        given = {"noise": np.zeros((count, 4), np.float32), "label": np.zeros(count, np.int64)}
        (samples,) = session.run(None, given)
        assert samples.shape == (count, 1, 8, 8)
        assert samples.min() >= 0
        assert samples.max() <= 1


def test_f44_no_folder_of_the_installation_is_in_the_file(file: Path) -> None:
    content = file.read_bytes()
    for word in (str(Path(mulligan.__file__).parent), str(Path(torch.__file__).parent), str(Path.home()), ".py"):
        assert word.encode() not in content


def test_gan_loads_samples_and_saves_it(file: Path, conditional: Model, tmp_path: Path) -> None:
    gan = GAN.load(file)
    samples = gan.sample(6, seed=1, label="Bag")
    assert samples.model == conditional.description.weights
    (written,) = write_samples(samples, tmp_path / "grid.png")
    mark = read_mark(written)
    assert mark is not None
    assert mark["model"] == conditional.description.weights
    assert walk(load_sampler(file.parent), [0, 1], 3).shape == (1, 3, 8, 8)  # the folder that it is in
    with pytest.raises(UsageError, match="no encoder"):
        gan.reconstruct(np.zeros((2, 8, 8), np.uint8))
    assert (gan.save(tmp_path / "copy") / "model.onnx").read_bytes() == file.read_bytes()


def test_an_export_that_computes_something_else_is_not_written(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, told = onnx_export.onnx_bytes, model.kind.present

    def other(of: Model) -> bytes:
        monkeypatch.setattr(type(of.kind), "present", lambda kind, samples: told(samples) * 0.99)
        content = broken(of)
        monkeypatch.undo()
        return content

    monkeypatch.setattr(onnx_export, "onnx_bytes", other)
    with pytest.raises(CheckpointError, match="differ by"):
        write_onnx(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_without_packages(model: Model, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "find_spec", lambda name: None)
    for act in (lambda: OnnxModel.load(file), lambda: write_onnx(model, file)):
        with pytest.raises(UsageError, match="onnxruntime") as error:
            act()
        assert error.value.hint == 'pip install "mulligan[onnx]"'


def changed(file: Path, change: Callable[[Any], object]) -> Path:
    proto = onnx.load(file)
    change(proto)
    other = file.with_name("other.onnx")
    other.write_bytes(proto.SerializeToString())
    return other


def no_metadata(proto: Any) -> None:
    del proto.metadata_props[:]


def other_input(proto: Any) -> None:
    proto.graph.input[0].name = "z"
    for node in proto.graph.node:
        node.input[:] = ["z" if name == "noise" else name for name in node.input]


def lies(proto: Any) -> None:
    entry = next(each for each in proto.metadata_props if each.key == "mulligan")
    told = json.loads(entry.value)
    told["signature"]["sample"] = told["kind"]["shape"] = [1, 8, 9]
    entry.value = json.dumps(told)


def outside(proto: Any) -> None:
    """Weights in a file elsewhere."""
    initializer = next(each for each in proto.graph.initializer if each.raw_data)
    size = len(initializer.raw_data)
    initializer.ClearField("raw_data")
    initializer.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "../secret.bin"), ("offset", "0"), ("length", str(size))):
        entry = initializer.external_data.add()
        entry.key, entry.value = key, value


def loop(proto: Any) -> None:
    """Round and round."""
    body = onnx.helper.make_graph([], "body", [], [])
    proto.graph.node.append(onnx.helper.make_node("Loop", ["", ""], ["turns"], body=body))


def other_makers(proto: Any) -> None:
    proto.graph.node[0].domain = "com.evil"


def imported(proto: Any) -> None:
    entry = proto.opset_import.add()
    entry.domain, entry.version = "com.microsoft", 1


def functions(proto: Any) -> None:
    proto.functions.append(onnx.helper.make_function("ai.onnx", "bomb", ["x"], ["y"], [], proto.opset_import))


def huge_weights(proto: Any) -> None:
    next(each for each in proto.graph.initializer if each.raw_data).dims[:] = [2**40, 2**20]


def huge_constant(proto: Any) -> None:
    value = onnx.TensorProto(dims=[2**40], data_type=onnx.TensorProto.FLOAT, raw_data=bytes(4), name="value")
    proto.graph.node.append(onnx.helper.make_node("Constant", [], ["large"], value=value))


def huge_input(proto: Any) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2**62


def sparse(proto: Any) -> None:
    proto.graph.sparse_initializer.add().dims[:] = [2**40]


UNSAFE = {
    outside: "reads weights from another file",
    loop: "holds loops or branches",
    other_makers: "asks for operators of 'com.evil'",
    imported: "asks for operators of 'com.microsoft'",
    functions: "defines functions",
    huge_weights: "declares weights that are not in it",
    huge_constant: "declares weights that are not in it",
    huge_input: "declares a value of more than",
    sparse: "holds sparse weights",
}


@pytest.mark.parametrize("change", UNSAFE)
def test_f33_f34_f35_a_file_that_asks_for_more_than_its_graph(change: Callable[[Any], object], file: Path) -> None:
    """Refused before anything is built of it, and before anything is allocated."""
    with pytest.raises(UnsafeError, match=UNSAFE[change]) as error:
        OnnxModel.load(changed(file, change))
    assert error.value.exit_code == 8
    assert "\n" not in str(error.value)


def test_f34_a_file_that_is_cut_off_or_scrambled_anywhere(file: Path) -> None:
    """Refused, or as good as it was: no other exception, and no endless walk."""
    content = file.read_bytes()
    for place in range(0, len(content), 97):
        for broken in (content[:place], content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]):
            with suppress(CheckpointError, UnsafeError):
                onnx_safety.check(broken, "here")
    assert onnx_safety.check(content, "here") is None
    with pytest.raises(CheckpointError):
        onnx_safety.check(b"\x08\x00" * (onnx_safety.MOST_PARTS + 1), "here")


@pytest.mark.parametrize("change", [no_metadata, other_input, lies])
def test_files_that_mulligan_did_not_write(change: Callable[[Any], object], file: Path) -> None:
    with pytest.raises(CheckpointError) as error:
        OnnxModel.load(changed(file, change))
    assert "\n" not in error.value.message


def test_files_that_are_no_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.onnx"
    for content in (b"", b"\x08", b"\x08\x0a", b"\x08\x0a\x3a\x00", b"\x08\x0a" + b"\xff" * 30):
        file.write_bytes(content)
        with pytest.raises(CheckpointError):
            load_sampler(file)
    for content in (b"\x80\x04junk", bytes(1000), b'{"schema_version": 1}'):
        file.write_bytes(content)
        with pytest.raises(UnsafeError, match="is no ONNX file"):
            load_sampler(file)
    monkeypatch.setattr(onnx_model, "MOST_BYTES", 10)
    with pytest.raises(UnsafeError, match="larger than 2 GiB"):
        load_sampler(file)
    with pytest.raises(CheckpointError):
        OnnxModel.load(tmp_path / "absent.onnx")


def test_samples_are_the_same_with_one_thread_and_many(file: Path) -> None:
    assert torch.get_num_threads() >= 1
    one, other = OnnxModel.load(file), OnnxModel.load(file)
    assert np.array_equal(one.sample(range(50)), other.sample(range(50)))
