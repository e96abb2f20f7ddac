from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from mulligan.errors import CheckpointError, DataError, UnsafeError, UsageError
from mulligan.kinds.kind import restore
from mulligan.kinds.points import Points, fit, preview_points
from mulligan.marks import Mark, read_mark
from mulligan.recipe import Data

RAW = (np.random.default_rng(0).normal(size=(500, 3)) * [1e-3, 1, 1e4] + [5, 0, -3e4]).astype(np.float32)


def test_standardised_points_come_back_in_their_own_units() -> None:
    kind = fit(Data(source="x"), "standard", RAW)
    encoded = kind.encode(torch.from_numpy(RAW))
    assert torch.allclose(encoded.mean(0), torch.zeros(3), atol=1e-3)
    assert torch.allclose(encoded.std(0), torch.ones(3), atol=5e-3)
    assert np.allclose(kind.decode(encoded), RAW, rtol=1e-6)
    assert restore(kind.model_dump(mode="json")) == kind


def test_points_as_they_are() -> None:
    kind = fit(Data(source="x"), "none", RAW)
    assert np.array_equal(kind.decode(kind.encode(torch.from_numpy(RAW))), RAW)
    assert kind.mean == ()


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e8])
def test_f22_a_constant_column_divides_by_nothing(constant: float) -> None:
    raw = RAW.copy()
    raw[:, 1] = constant
    for points in (raw, raw[:1]):
        kind = fit(Data(source="x"), "standard", points)
        encoded = kind.encode(torch.from_numpy(points))
        assert bool(encoded.isfinite().all())
        assert float(encoded[:, 1].abs().max()) <= 1e-6 * max(1, abs(constant))
        assert np.allclose(kind.decode(encoded), points, rtol=1e-6)


def test_encoding_is_part_of_a_compiled_step() -> None:
    kind = fit(Data(source="x"), "standard", RAW)
    compiled = torch.compile(lambda raw: kind.encode(raw) * 2, fullgraph=True, backend="eager")
    raw = torch.from_numpy(RAW)
    assert torch.allclose(compiled(raw), kind.encode(raw) * 2)


def test_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        Points.tiny().decode(torch.tensor([[0.0, float("nan")]]))


def test_arrays_are_checked() -> None:
    kind = Points.tiny()
    assert kind.from_arrays(np.array([[1, 2]])).dtype == np.float32
    for wrong in (np.zeros((2, 3)), np.zeros(2), np.array([["a", "b"]])):
        with pytest.raises(DataError, match="expected numbers"):
            kind.from_arrays(wrong)


def test_scalings_of_images_are_refused() -> None:
    with pytest.raises(UsageError, match="scaling=none or scaling=standard"):
        fit(Data(source="x"), "unit", RAW)


@pytest.mark.parametrize(
    "settings",
    [
        {"shape": (10**9,)},
        {"shape": (2, 2)},
        {"shape": (0,)},
        {"shape": (2,), "scaling": "standard"},
        {"shape": (1,), "scaling": "standard", "mean": [0], "std": [0]},
        {"shape": (1,), "scaling": "standard", "mean": [0], "std": [float("nan")]},
        {"shape": (1,), "mean": [1], "std": [1]},
        {"shape": (2,), "columns": ["a"]},
    ],
)
def test_f34_nonsense_in_a_model_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="kind of sample cannot be read"):
        restore({"name": "points", **settings})


def test_f33_a_kind_of_outside_code_is_not_run() -> None:
    with pytest.raises(UnsafeError):
        restore({"name": "evil.py:Kind"})
    with pytest.raises(UsageError):
        restore({})


def test_written_as_arrays_table_plot_and_folder_with_their_mark(tmp_path: Path) -> None:
    kind = Points(shape=(3,), columns=("a", "b", "c"))
    for name in ("a.npz", "a.csv", "a.png", "folder"):
        (path,) = kind.write(RAW, tmp_path / name, Mark(seed=4))
        facts = read_mark(path)
        assert facts is not None
        assert facts["seed"] == 4
    with np.load(tmp_path / "a.npz", allow_pickle=False) as stored:
        assert np.array_equal(stored["points"], RAW)
    assert (tmp_path / "folder" / "points.csv").read_text().splitlines()[1] == '"a","b","c"'
    with pytest.raises(UsageError, match=r"cannot be written as \.txt"):
        kind.write(RAW, tmp_path / "a.txt", None)


def pixels(image: PIL.Image.Image) -> np.ndarray:
    assert image.mode == "RGB"
    assert image.size == (480, 480)
    return np.asarray(image).astype(int)


def test_plots_show_real_points_generated_points_and_the_decision() -> None:
    points = RAW[:, :2]
    plain = pixels(preview_points(points, None))
    both = pixels(preview_points(points, points + 0.5))
    believed = pixels(preview_points(points, points + 0.5, lambda places: np.linspace(0, 1, len(places))))
    raw_scores = pixels(preview_points(points, points + 0.5, lambda places: np.linspace(-9, 4, len(places))))
    for picture, other in ((plain, both), (both, believed), (believed, raw_scores)):
        assert np.abs(picture - other).max() > 50
    assert np.array_equal(both, pixels(preview_points(points, points + 0.5)))  # the same again, byte for byte


@pytest.mark.parametrize("columns", [1, 5])
def test_plots_of_any_number_of_columns_also_where_all_points_are_one(columns: int) -> None:
    same = np.ones((30, columns), np.float32)
    pixels(preview_points(same, same * 100, names=[f"price in $ {place}" for place in range(columns)]))
    pixels(Points(shape=(columns,)).preview([same]))
    pixels(Points(shape=(columns,)).preview([same, same]))


def test_a_plot_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither"):
        preview_points(None, None)
