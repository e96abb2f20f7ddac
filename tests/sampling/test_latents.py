"""Tools of the latent space: truncation, rectangles of samples, inversion."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mulligan.errors import UsageError
from mulligan.marks import read_mark
from mulligan.recipe import Latent
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.inversion import MOST, invert
from mulligan.sampling.model import Model
from mulligan.sampling.onnx_export import onnx_bytes
from mulligan.sampling.onnx_model import OnnxModel
from mulligan.sampling.output import write_inverted
from mulligan.sampling.truncation import truncated
from mulligan.sampling.walks import field, walk, write_field


def test_truncated_latents_are_of_the_prior_cut_off() -> None:
    z = torch.randn(200, 50, generator=torch.Generator().manual_seed(0))
    cut = truncated(z, "normal", 1.0)
    inside = z[z.abs() < 1]
    assert cut.abs().max() <= 1
    for share in (0.1, 0.5, 0.9):
        assert abs(float(cut.flatten().quantile(share)) - float(inside.quantile(share))) < 0.02
    assert torch.equal(cut.flatten().argsort(), z.flatten().argsort())  # each stays where it was among the others
    torch.testing.assert_close(truncated(z, "normal", 10.0), z, rtol=1e-4, atol=1e-4)
    assert truncated(torch.full((1, 1), 40.0), "normal", 2.0) == 2.0


@pytest.mark.parametrize(("distribution", "bound"), [("normal", 0.0), ("normal", 11.0), ("uniform", 1.5), ("normal", float("nan"))])
def test_bounds_that_are_none(distribution: str, bound: float) -> None:
    with pytest.raises(UsageError, match="truncation"):
        truncated(torch.zeros(1, 1), distribution, bound)


def test_truncated_samples_are_more_alike(model: Model) -> None:
    places = of_seed(0, range(100))
    free, cut = (model.draw(places, truncation=bound).array.astype(float) for bound in (None, 0.3))
    assert cut.std(0).mean() < 0.7 * free.std(0).mean()
    assert np.array_equal(model.draw(places[3:4], truncation=0.3).array[0], cut[3])


def test_a_field_has_the_seeds_in_its_corners(conditional: Model, tmp_path: Path) -> None:
    samples = field(conditional, [4, 7, 1, 2], 5, 3, label="Bag")
    assert samples.shape == (3, 5, 8, 8)
    for seed, (row, column) in zip([4, 7, 1, 2], [(0, 0), (0, 4), (2, 0), (2, 4)], strict=True):
        corner = conditional.draw(of_seed(seed, range(1)), "Bag").array[0].astype(int)
        assert np.abs(samples[row, column].astype(int) - corner).max() <= 1
    edge = walk(conditional, [4, 7], 5, "Bag")[0].astype(int)
    assert np.abs(samples[0].astype(int) - edge).max() <= 1
    (file,) = write_field(conditional, [4, 7, 1, 2], tmp_path / "field.png", 5, 3)
    mark = read_mark(file)
    assert mark is not None
    assert mark["model"] == conditional.description.weights
    for seeds, columns, rows in (([1, 2, 3], 4, 4), ([1, 2, 3, 4], 1, 4), ([1, 2, 3, 4], 101, 100)):
        with pytest.raises(UsageError, match="a field of"):
            field(conditional, seeds, columns, rows)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_sample_of_the_model_is_found_again(distribution: str, make_image_model) -> None:
    model = make_image_model(classes=("Coat", "Bag"), latent=Latent(size=4, distribution=distribution))
    wanted = model.draw(of_seed(5, range(3)))
    found = invert(model, model.kind.from_arrays(wanted.array))
    assert found.labels is not None
    assert found.labels.tolist() == wanted.labels.tolist()  # the class is found, too
    assert (found.errors < 0.3 * found.before).all()
    assert found.errors.max() < 10  # of 255
    if distribution == "uniform":
        assert found.latents.abs().max() <= 1
    again = invert(model, model.kind.from_arrays(wanted.array))
    assert np.array_equal(found.samples, again.samples)
    assert torch.equal(found.latents, again.latents)


def test_without_steps_it_is_the_nearest_that_was_drawn(points: Model) -> None:
    raw = points.kind.from_arrays(points.sample(range(2), seed=9))
    found = invert(points, raw, steps=0)
    assert np.array_equal(found.errors, found.before)
    assert found.labels is None
    assert (invert(points, raw).errors < found.errors).all()


def test_pairs_are_written(model: Model, tmp_path: Path) -> None:
    raw = model.kind.from_arrays(model.sample(range(2), seed=9))
    found = invert(model, raw, steps=5)
    for name in ("pairs.png", "pairs.npz"):
        mark = read_mark(write_inverted(model, raw, found, tmp_path / name))
        assert mark is not None
        assert mark["composite"]
    with np.load(tmp_path / "pairs.npz") as arrays:
        assert set(arrays) == {"originals", "samples", "latents", "errors", "provenance"}
        assert np.array_equal(model.generate(torch.from_numpy(arrays["latents"])), arrays["samples"])


def test_what_cannot_be_inverted(model: Model, conditional: Model) -> None:
    raw = np.zeros((1, 1, 8, 8), np.uint8)
    with pytest.raises(UsageError, match="no gradients"):
        invert(OnnxModel(onnx_bytes(model), "model.onnx"), raw)
    with pytest.raises(UsageError, match="expected"):
        invert(model, np.zeros((1, 3, 8, 8), np.uint8))
    with pytest.raises(UsageError, match=f"1 to {MOST}"):
        invert(model, np.zeros((MOST + 1, 1, 8, 8), np.uint8))
    with pytest.raises(UsageError, match="class"):
        invert(conditional, raw, label="Shoe")
