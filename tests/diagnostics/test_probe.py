"""What a probe says of samples whose fault is known, of images, floats and points."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from mulligan.data.dataset import Endless, Split
from mulligan.data.opening import open_dataset
from mulligan.diagnostics.diagnosis import diagnose
from mulligan.diagnostics.opinion import opinions, ranking
from mulligan.diagnostics.probe import Probe, floors, most_alike, nearest_pairs, of_dataset
from mulligan.errors import DataError
from mulligan.recipe import Data


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    dataset = open_dataset(Data(source="digits"))
    assert isinstance(dataset.train, Split)
    assert isinstance(dataset.test, Split)
    return dataset.train.target[:3000, 0], dataset.test.target[:1000, 0]


@pytest.fixture(scope="module")
def probe(digits: tuple[np.ndarray, np.ndarray]) -> Probe:
    return Probe(digits[0], digits[1][::2], size=500)


def verdict(probe: Probe, samples: np.ndarray) -> str:
    return diagnose([{"step": 0, **floors(probe), **{f"probe.{k}": v for k, v in probe.signals(samples).items()}}], snapshot=True).verdict


def test_real_samples_score_their_floor(probe: Probe, digits: tuple[np.ndarray, np.ndarray]) -> None:
    found = probe.signals(digits[1][1::2])
    for name, floor in probe.floors.items():
        assert abs(found[name] - floor.mean) <= max(12 * floor.noise, 0.06), name
    assert verdict(probe, digits[1][1::2]) == "healthy"


def test_one_image_again_and_again(probe: Probe, digits: tuple[np.ndarray, np.ndarray]) -> None:
    noise = np.random.default_rng(0).integers(0, 9, (500, 28, 28))
    assert verdict(probe, np.clip(digits[1][:1] + noise, 0, 255).astype(np.uint8)) == "mode-collapse"


def test_three_digits_are_never_made(digits: tuple[np.ndarray, np.ndarray]) -> None:
    dataset = open_dataset(Data(source="digits"))
    assert isinstance(dataset.test, Split)
    assert dataset.test.label is not None
    kept = ~np.isin(dataset.test.label[:1000], (1, 4, 7))
    probe = Probe(digits[0])
    assert verdict(probe, digits[1][kept]) == "mode-dropping"
    assert probe.signals(digits[1][kept])["missing"] > 0.15


def test_training_samples(digits: tuple[np.ndarray, np.ndarray]) -> None:
    few = Probe(digits[0][:40], digits[1])
    copies = np.concatenate([digits[0][:40]] * 8)
    noise = np.random.default_rng(0).integers(0, 20, copies.shape)
    samples = np.clip(copies.astype(int) + noise, 0, 255).astype(np.uint8)
    assert few.signals(samples)["copies"] > 0.95
    assert verdict(few, samples) == "memorising"


@pytest.mark.parametrize(
    ("spoil", "fact"),
    [
        (lambda images, rng: np.where(rng.random((len(images), 1, 1)) < 0.2, 0, images), "data.blank"),
        (lambda images, rng: images[rng.integers(0, 50, len(images))], "data.repeated"),
        (lambda images, rng: np.where(rng.random((len(images), 1, 1)) < 0.3, rng.integers(0, 256, images.shape), images), "data.rough"),
        (lambda images, rng: 255 - images, "data.drift"),
    ],
)
def test_bad_data(spoil: Callable[[np.ndarray, np.random.Generator], np.ndarray], fact: str, digits: tuple[np.ndarray, np.ndarray]) -> None:
    train, test = digits
    spoilt = Probe(spoil(train, np.random.default_rng(0)).astype(np.uint8), test)
    found = diagnose([{"step": 0, **floors(spoilt)}])
    assert found.verdict == "bad-data"
    assert fact in found.findings[0].signals


def test_noise_is_no_image(probe: Probe) -> None:
    found = probe.signals(np.random.default_rng(0).integers(0, 256, (400, 28, 28)).astype(np.uint8))
    assert found["off"] > 5
    assert found["coverage"] < 0.1


def test_floating_images_are_seen_as_whole_numbers_are(digits: tuple[np.ndarray, np.ndarray]) -> None:
    train, test = (torch.from_numpy(part[:600, None]).float() / 127.5 - 1 for part in digits)
    other = Probe(train)
    same = Probe(digits[0][:600])
    for name, value in other.signals(test).items():
        assert value == pytest.approx(same.signals(digits[1][:600])[name], rel=0.05, abs=0.02), name


def test_numbers_that_are_not_finite(probe: Probe) -> None:
    points = Probe(torch.randn(200, 3, generator=torch.Generator().manual_seed(0)))
    samples = torch.randn(100, 3)
    samples[:25, 1] = math.nan
    samples[25:50] = 1e38
    found = points.signals(samples)
    assert found["finite"] == 0.75
    assert all(math.isfinite(value) for value in found.values())
    assert points.signals(torch.full((4, 3), math.inf)) == {"finite": 0.0}
    assert math.isnan(points.distance(torch.full((4, 3), math.inf)))


def test_few_and_constant_samples() -> None:
    with pytest.raises(DataError, match="at least 8"):
        Probe(np.zeros((7, 4, 4), np.uint8))
    constant = Probe(np.full((9, 4, 4), 7, np.uint8))
    assert all(math.isfinite(value) for value in constant.signals(np.zeros((5, 4, 4), np.uint8)).values())
    assert constant.data["data.blank"] == 1.0


def test_endless_points_have_nothing_to_copy() -> None:
    dataset = open_dataset(Data(source="ring"))
    assert isinstance(dataset.train, Endless)
    probe = of_dataset(dataset)
    assert "copies" not in probe.floors
    assert "copies" not in probe.signals(dataset.train.draw(500, np.random.default_rng(1)))
    assert of_dataset(replace(dataset, train=Split(dataset.train.draw(500, np.random.default_rng(1))), test=None)).train is not None


def test_a_few_samples_are_compared_with_as_many(digits: tuple[np.ndarray, np.ndarray]) -> None:
    assert Probe(*digits).signals(digits[1][:60])["coverage"] < 0.5
    few = Probe(*digits, size=60)
    assert few.signals(digits[1][:60])["coverage"] > 0.8
    assert verdict(few, digits[1][:60]) in ("healthy", "memorising")  # they are the held-out ones themselves


def test_pairs() -> None:
    rows = torch.tensor([[0.0], [5.0], [5.1], [9.0]])
    assert set(most_alike(rows, 2).tolist()) == {1, 2}
    ours, theirs = nearest_pairs(rows, torch.tensor([[8.0], [0.1]]), 1)
    assert (ours.tolist(), theirs.tolist()) == ([0], [1])


def test_opinions() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(500, generator=generator), torch.randn(300, generator=generator)
    assert ranking(a, b) == pytest.approx(float((a[:, None] > b).float().mean()))
    found = opinions(a + 3, b, a)
    assert found["discriminator.ranking"] > 0.95
    assert found["discriminator.heldout.auc"] > 0.95
    assert abs(ranking(a, b) - 0.5) < 4 * found["discriminator.heldout.noise"]
