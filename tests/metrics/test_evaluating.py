"""The score card: a perfect sampler sits at the floor, and each fault is told by the figure that should tell it."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mulligan.data.dataset import Split
from mulligan.data.opening import open_dataset
from mulligan.errors import DataError, UsageError
from mulligan.metrics.evaluating import evaluate
from mulligan.metrics.figures import GROUPS, Figure, ScoreCard, grouped, meaning, read_card
from mulligan.metrics.real import decoded, real_data
from mulligan.metrics.reference import Reference
from mulligan.recipe import Data

N = 600


@cache
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Held-out digits that the reference does not hold, their labels, and the training digits."""
    dataset = open_dataset(Data(source="digits"))
    assert isinstance(dataset.train, Split)
    assert isinstance(dataset.test, Split)
    chosen = set(_places(real_data("digits")))
    free = [place for place in range(len(dataset.test.target)) if place not in chosen]
    assert dataset.test.label is not None
    return decoded(dataset.test).numpy()[free], dataset.test.label[free], decoded(dataset.train).numpy()


def _places(real: object) -> list[int]:
    """Which held-out samples the reference of seed 0 takes."""
    from mulligan.randomness import torch_generator

    return torch.randperm(len(real.test), generator=torch_generator(0, "figures/test"))[:N].tolist()  # type: ignore[attr-defined]


@cache
def card(kind: str) -> ScoreCard:
    """Score cards of sets of samples whose fault is known."""
    fresh, labels, train = digits()
    generator = np.random.default_rng(0)
    made = {
        "perfect": fresh[:N],
        "noise": generator.integers(0, 256, (N, 28, 28)).astype(np.uint8),
        "blurred": _blurred(fresh[:N]),
        "two missing": fresh[(labels != 3) & (labels != 7)][:N],
        "copies": train[1000 : 1000 + N],
        "one picture": np.repeat(fresh[:1], N, axis=0),
    }[kind]
    return evaluate(made, "digits", n=N)


def _blurred(images: np.ndarray) -> np.ndarray:
    rows = torch.from_numpy(images).float()[:, None]
    return torch.nn.functional.avg_pool2d(rows, 5, 1, 2, count_include_pad=False)[:, 0].round().to(torch.uint8).numpy()


def worse(kind: str, name: str) -> float:
    """How many half-widths of the perfect sampler's interval a figure lies beyond the floor, on the worse side."""
    figure, perfect = card(kind)[name], card("perfect")[name]
    assert figure.value is not None
    assert perfect.low is not None
    assert perfect.high is not None
    assert perfect.floor is not None
    beyond = figure.value - perfect.floor
    return (beyond if meaning(name).better == "lower" else -beyond) / ((perfect.high - perfect.low) / 2 + 1e-12)


DISTANCES = ("distance", "fd_digits", "fd_digits_early", "kd_digits", "fd_random")


def test_a_perfect_sampler_sits_at_the_floor() -> None:
    for name in (*DISTANCES, "precision", "recall", "density", "coverage", "coverage_early"):
        assert worse("perfect", name) < 2.5, name
    perfect = card("perfect")
    assert perfect["nearest_ratio"].value == pytest.approx(1, abs=0.1)
    assert perfect["authenticity"].value == pytest.approx(0.5, abs=0.12)
    assert perfect["copies"].value < 0.05
    assert perfect["duplicates"].value < 0.05
    assert perfect["class_distance"].value < 0.15


@pytest.mark.parametrize("name", [*DISTANCES, "precision", "coverage"])
def test_noise_is_told_by_everything(name: str) -> None:
    assert worse("noise", name) > 10


def test_a_blurred_set_is_told_by_its_sharpness_and_its_distances() -> None:
    blurred = card("blurred")
    assert blurred["sharpness"].value < 0.6 * blurred["sharpness"].floor
    assert worse("blurred", "fd_digits_early") > 4


def test_two_missing_classes_are_told_by_recall_and_by_the_shares_of_classes() -> None:
    found = card("two missing")
    assert found["class_distance"].value > 0.14
    assert min(found.classes["samples"]) < 0.02
    assert worse("two missing", "coverage") > 3
    assert worse("two missing", "precision") < 2.5  # what is there is as good as ever
    assert worse("two missing", "fd_digits") > 3


def test_copies_are_told_by_the_figures_of_memorisation_alone() -> None:
    found = card("copies")
    assert found["copies"].value == 1
    assert found["authenticity"].value < 0.05
    assert found["nearest_ratio"].value < card("perfect")["nearest_ratio"].value  # among 8,000 others a copy is diluted
    assert worse("copies", "fd_digits") < 2.5
    assert worse("copies", "coverage") < 2.5


def test_one_picture_is_told_by_recall_and_duplicates() -> None:
    assert card("one picture")["duplicates"].value == 1
    assert card("one picture")["recall"].value < 0.05
    assert card("one picture")["coverage"].value < 0.1


def test_trivial_samplers_stand_beside_as_baselines() -> None:
    perfect = card("perfect")
    assert perfect["fd_digits"].baselines["gaussian"] > 5 * perfect["fd_digits"].floor
    assert perfect["copies"].baselines["resampled"] == 1
    assert perfect["sharpness"].baselines["gaussian"] is not None


def test_every_figure_has_a_meaning_a_floor_and_a_place() -> None:
    found = card("perfect")
    assert [group for group, _ in grouped(found)] == [group for group in GROUPS if group != "modes"]
    assert sum(len(names) for _, names in grouped(found)) == len(found.figures)
    for name, figure in found.figures.items():
        assert meaning(name).words
        assert figure.floor is not None, name


def test_a_card_survives_json() -> None:
    found = card("perfect")
    assert read_card(json.loads(json.dumps(found.as_dict()))) == found
    assert found.as_dict()["figures"]["coverage"]["calibrated"] == pytest.approx(1, abs=0.1)
    old = {
        "distance": {"value": 0.2, "floor": 0.1},
        "fd_random": {"value": 2, "floor": 1},
        "protocol": {"n": 9, "split": "test", "seed": 0, "directions": 256, "features": "random64", "feature_hash": "ab"},
    }
    assert read_card(old)["fd_random"] == Figure(2.0, floor=1.0)
    for broken in ({}, {"figures": {"distance": 3}, "protocol": {}}, [], "x"):
        with pytest.raises(ValueError):
            read_card(broken)


def test_two_folders_are_judged(tmp_path: Path) -> None:
    fresh, _, train = digits()
    for name, rows in (("real", train[:60]), ("made", fresh[:40])):
        (tmp_path / name).mkdir()
        for place, image in enumerate(rows):
            Image.fromarray(image).save(tmp_path / name / f"{place}.png")
    found = evaluate(tmp_path / "made", tmp_path / "real")
    assert found.protocol.n == 30
    assert found.protocol.split == "halves of train"
    assert found.protocol.features.keys() == {"random"}


def test_a_callable_is_asked_for_as_many_as_are_needed() -> None:
    asked = []

    def sampler(n: int, seed: int) -> np.ndarray:
        asked.append((n, seed))
        return np.random.default_rng(seed).normal(size=(n, 2)).astype(np.float32)

    found = evaluate(sampler, np.random.default_rng(9).normal(size=(400, 2)).astype(np.float32), seed=3)
    assert asked == [(200, 3)]
    assert found["coverage"].value > 0.8


def test_a_ring_is_judged_by_its_modes() -> None:
    found = evaluate(lambda n, seed: real_data("ring").train[:n].clone(), "ring", n=2500)
    assert found["modes"].value == 8
    assert found["high_quality"].value == pytest.approx(0.989, abs=0.01)
    assert found["kl"].value < 0.01
    assert found["width"].value == pytest.approx(1, abs=0.1)
    points = evaluate(lambda n, seed: real_data("ring").train[:1].repeat(n, 1), "ring", n=2500)
    assert points["modes"].value == 1
    assert points["width"].value < 0.1


@pytest.mark.slow
def test_stacked_digits_are_judged_by_cells() -> None:
    real = real_data("stacked")
    found = Reference(real, 400, cache=False).measured(real.train[:400])
    assert 250 < found["modes"].value <= 400
    assert found["high_quality"].value > 0.6  # a judge is sure of most real digits, in three channels at once
    one = Reference(real, 400, cache=False).measured(real.train[:1].repeat(400, 1, 1, 1))
    assert one["modes"].value == 1


def test_statistics_are_kept_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path))
    rows = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    made = np.random.default_rng(1).normal(size=(100, 2)).astype(np.float32)
    first = evaluate(made, rows)
    kept = list((tmp_path / "statistics").iterdir())
    assert len(kept) == 1
    assert evaluate(made, rows) == first
    assert evaluate(made, rows, cache=False) == first
    changed = rows.copy()
    changed[17] += 1e-3
    evaluate(made, changed)
    assert len(list((tmp_path / "statistics").iterdir())) == 2
    for wrong in (b"", b"\x80\x04pickle", kept[0].read_bytes()[:-9], b"\xff" * 64):
        kept[0].write_bytes(wrong)
        assert evaluate(made, rows) == first
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MULLIGAN_HOME", str(tmp_path / "file"))
    assert evaluate(made, rows) == first


def test_what_cannot_be_judged_is_refused() -> None:
    points = np.zeros((50, 2), np.float32)
    with pytest.raises(DataError):
        evaluate(np.zeros((50, 3), np.float32), points)
    with pytest.raises(DataError):
        evaluate(np.full((50, 2), np.nan, np.float32), np.random.default_rng(0).normal(size=(50, 2)))
    with pytest.raises(DataError):
        evaluate(points[:0], points)
    with pytest.raises(UsageError):
        evaluate("digits", "digits")
    with pytest.raises(UsageError):
        evaluate(object(), points)
