"""A sample belongs to its seed and index alone; a saved model is the same model."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mulligan.errors import CheckpointError, DiskError, UsageError
from mulligan.recipe import Latent
from mulligan.runs import tensors
from mulligan.sampling.blocks import Place, first_of, of_seed, pack
from mulligan.sampling.description import Trained
from mulligan.sampling.model import Model
from mulligan.sampling.weights import content_hash


@pytest.mark.parametrize("convolutional", [False, True])
@pytest.mark.parametrize("classes", [(), ("a", "b", "c")])
def test_a_sample_is_the_same_bytes_whatever_is_asked_beside_it(
    make_image_model: Callable[..., Model], convolutional: bool, classes: tuple[str, ...]
) -> None:
    model = make_image_model(classes=classes, convolutional=convolutional, block=8)
    together = model.sample(range(30), seed=5)
    assert len({sample.tobytes() for sample in together}) > 20  # they do differ
    for indices in ([3], [29], range(5, 14), [17, 3, 3, 29, 0], range(8), range(29, -1, -1)):
        assert model.sample(indices, seed=5).tobytes() == together[list(indices)].tobytes()
    mixed = model.draw([Place(9, 2), Place(5, 3), Place(1, 1), Place(5, 11), Place(5, 29)])
    assert mixed.array[[1, 3, 4]].tobytes() == together[[3, 11, 29]].tobytes()


def test_seeds_give_the_first_sample_of_each(model: Model) -> None:
    firsts = model.draw(first_of(range(3, 20))).array
    for row, seed in enumerate(range(3, 20)):
        assert firsts[row].tobytes() == model.sample([0], seed=seed)[0].tobytes()


def test_float_samples_do_not_depend_on_company_either(points: Model) -> None:
    """Points are not rounded to bytes: every bit of the network's result shows."""
    together = points.sample(range(50), seed=2)
    assert np.isfinite(together).all()
    for index in (0, 7, 8, 33, 49):
        assert points.sample([index], seed=2).tobytes() == together[index].tobytes()


def test_blocks_hold_each_slot_once_and_are_few() -> None:
    assert pack([place.slot(4) for place in of_seed(3, range(8))]) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(pack([place.slot(32) for place in first_of(range(100))])) == 4
    assert pack([]) == []
    assert pack([2, 2, 2]) == [[0], [1], [2]]


def test_no_samples_have_the_shape_of_samples(model: Model, points: Model) -> None:
    assert model.sample([]).shape == (0, 8, 8)
    assert model.sample([]).dtype == np.uint8
    assert points.sample([]).shape == (0, 2)


def test_labels_are_asked_for_by_number_or_name(conditional: Model) -> None:
    bags = conditional.draw(of_seed(0, range(6)), "bag")
    assert bags.labels is not None
    assert bags.labels.tolist() == [1] * 6
    assert np.array_equal(bags.array, conditional.sample(range(6), labels=[1] * 6))
    assert np.array_equal(bags.array[4:5], conditional.sample([4], labels="Bag"))
    assert not np.array_equal(bags.array, conditional.sample(range(6), labels=2))


def test_unasked_labels_go_round_the_classes_and_belong_to_the_place(conditional: Model) -> None:
    drawn = conditional.draw(of_seed(1, range(5)))
    assert drawn.labels is not None
    assert drawn.labels.tolist() == [1, 2, 0, 1, 2]
    assert np.array_equal(conditional.draw([Place(1, 3)]).array[0], drawn.array[3])


def test_labels_that_do_not_fit_are_named(model: Model, conditional: Model) -> None:
    with pytest.raises(UsageError, match="no classes"):
        model.sample(range(2), labels=1)
    with pytest.raises(UsageError, match="2 labels for 3 samples"):
        conditional.sample(range(3), labels=[0, 1])
    with pytest.raises(UsageError, match="expected 0 to 2"):
        conditional.sample(range(3), labels=3)
    with pytest.raises(UsageError, match="Did you mean Ankle boot"):
        conditional.sample(range(3), labels="Ankle bot")
    with pytest.raises(UsageError, match="negative"):
        model.sample([-1])


def test_latents_of_another_length_are_refused(model: Model) -> None:
    with pytest.raises(UsageError, match=r"expected \(N, 4\)"):
        model.generate(torch.zeros(2, 5))


@pytest.mark.parametrize("name", ["model", "conditional", "points", "autoencoder"])
def test_a_saved_model_is_the_same_model(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model: Model = request.getfixturevalue(name)
    folder = model.save(tmp_path / "a model, é" / "of mine")
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "model.json", "samples.png", "weights.safetensors"]
    assert [file.name for file in folder.parent.iterdir()] == ["of mine"]
    loaded = Model.load(folder)
    assert loaded.description == model.description
    assert loaded.sample(range(20), seed=3).tobytes() == model.sample(range(20), seed=3).tobytes()
    again = loaded.save(tmp_path / "again")
    for file in ("model.json", "weights.safetensors", "README.md", "samples.png"):
        assert (again / file).read_bytes() == (folder / file).read_bytes()


def test_a_model_is_found_in_its_run_and_replaces_an_older_one(model: Model, points: Model, tmp_path: Path) -> None:
    points.save(tmp_path / "model")
    model.save(tmp_path / "model")
    assert Model.load(tmp_path).sample([0]).shape == (1, 8, 8)
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_f01_what_a_crash_left_of_a_save_is_gone_after_the_next(model: Model, tmp_path: Path) -> None:
    (tmp_path / ".model-0123abcd.writing").mkdir()
    (tmp_path / ".model-0123abcd.writing" / "weights.safetensors").write_bytes(b"half")
    model.save(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_saving_over_something_else_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="is no model folder"):
        model.save(tmp_path / "mine")
    (tmp_path / "file").write_text("precious")
    with pytest.raises(UsageError, match="is no model folder"):
        model.save(tmp_path / "file")
    with pytest.raises(DiskError):
        model.save(tmp_path / "file" / "below")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_f02_a_failed_save_leaves_the_older_model(model: Model, points: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points.save(tmp_path / "model")
    before = (tmp_path / "model" / "model.json").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensors.os, "fsync", full)
    with pytest.raises(DiskError, match="needs"):
        model.save(tmp_path / "model")
    assert (tmp_path / "model" / "model.json").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_uniform_latents_stay_uniform(make_image_model: Callable[..., Model], tmp_path: Path) -> None:
    uniform = make_image_model(latent=Latent(size=4, distribution="uniform"))
    normal = make_image_model(latent=Latent(size=4, distribution="normal"))
    assert not np.array_equal(uniform.sample(range(4)), normal.sample(range(4)))
    assert Model.load(uniform.save(tmp_path / "m")).description.latent.distribution == "uniform"


def test_codes_come_from_the_fitted_gaussian(autoencoder: Model) -> None:
    """Sampling is generating from mean + factor @ noise, and the zero latent is the mean code."""
    assert autoencoder.fitted is not None
    mean, factor = autoencoder.fitted
    with torch.inference_mode():
        z = torch.tensor([[1.0, -2.0, 0.5, 0.0]])
        expected = autoencoder.kind.decode(autoencoder.generator(mean + z @ factor.T))
    assert np.abs(autoencoder.generate(z).astype(int) - expected.astype(int)).max() <= 1


def test_reconstructions_are_the_generator_of_the_codes(autoencoder: Model) -> None:
    raw = np.random.default_rng(0).integers(0, 256, (19, 1, 8, 8), dtype=np.uint8)
    codes = autoencoder.encode(raw)
    assert codes.shape == (19, 4)
    with torch.inference_mode():
        expected = autoencoder.kind.decode(autoencoder.generator(codes))
    assert np.abs(autoencoder.reconstruct(raw).astype(int) - expected.astype(int)).max() <= 1
    assert autoencoder.reconstruct(raw[:0]).shape == (0, 8, 8)
    assert autoencoder.encode(raw[:0]).shape == (0, 4)
    assert autoencoder.reconstruct(raw[:8]).tobytes() == autoencoder.reconstruct(raw)[:8].tobytes()


def test_what_cannot_be_reconstructed_is_named(model: Model, autoencoder: Model) -> None:
    with pytest.raises(UsageError, match="no encoder"):
        model.reconstruct(np.zeros((1, 1, 8, 8), np.uint8))
    with pytest.raises(UsageError, match="expected"):
        autoencoder.encode(np.zeros((1, 8, 8), np.uint8))


def test_loading_and_sampling_leave_the_users_random_numbers_alone(model: Model, tmp_path: Path) -> None:
    folder = model.save(tmp_path / "m")
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    Model.load(folder).sample(range(5))
    assert torch.equal(torch.rand(4), wanted)


def test_weights_of_another_network_or_not_finite_are_refused(model: Model) -> None:
    weights = model.weights()
    first = next(iter(weights))
    for changed, message in (
        ({**weights, first: weights[first].double()}, "wants float32"),
        ({**weights, first: weights[first][:1]}, f"the weight {first}"),
        ({**weights, "generator/other": torch.zeros(1)}, "hold generator/other"),
        ({name: tensor for name, tensor in weights.items() if name != first}, f"lack {first}"),
        ({**weights, first: torch.full_like(weights[first], torch.inf)}, "not finite"),
    ):
        with pytest.raises(CheckpointError, match=message):
            Model(model.description, changed)


def test_f19_a_model_that_makes_numbers_without_bounds_is_named(points: Model) -> None:
    weights = {name: tensor * 1e30 for name, tensor in points.weights().items()}
    with pytest.raises(CheckpointError, match="not finite"):
        Model(points.description, weights).sample(range(3))


def test_the_hash_is_of_the_content(model: Model) -> None:
    weights = model.weights()
    assert content_hash(dict(reversed(weights.items()))) == model.description.weights
    first = next(iter(weights))
    assert content_hash({**weights, first: weights[first] + 1}) != model.description.weights


def test_what_is_saved_names_no_path_user_or_host(tmp_path: Path, model: Model) -> None:
    trained = Trained(steps=1, images=1, data="/home/zebedee/secret photos")
    description = model.description.model_copy(update={"trained": trained})
    folder = Model(description, model.weights()).save(tmp_path / "zebedee" / "m")
    assert json.loads((folder / "model.json").read_text())["trained"]["data"] == "own data"
    for file in folder.iterdir():
        content = file.read_bytes()
        for word in (b"zebedee", b"secret", str(tmp_path).encode()):
            assert word not in content


def test_sampling_needs_nothing_of_training(model: Model, tmp_path: Path) -> None:
    """With training and tasks made unimportable, a model loads, samples, walks and is written."""
    model.save(tmp_path / "m")
    program = f"""
import sys
for name in ("mulligan.training", "mulligan.tasks", "mulligan.losses", "mulligan.penalties", "mulligan.recipes"):
    sys.modules[name] = None
from pathlib import Path
from mulligan.sampling import asked, blocks, card, description, folder, model, output, samples, walks, weights
loaded = model.Model.load({str(tmp_path / "m")!r})
output.write_samples(loaded.draw(blocks.of_seed(0, range(4))), Path({str(tmp_path / "grid.png")!r}))
walks.write_walk(loaded, [0, 1], Path({str(tmp_path / "walk.gif")!r}), steps=2)
print(sorted(name for name in sys.modules if name.startswith(("mulligan.training", "mulligan.tasks")) and sys.modules[name]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (tmp_path / "grid.png").exists()
