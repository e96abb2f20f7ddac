"""Training of judges: repeated it gives the same weights, and what is carried computes what was trained."""

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch

from mulligan.metrics.judge import Judge, prepared
from mulligan.randomness import torch_generator

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("judges")


def trained(judges: Any, seed: int) -> Any:
    pixels = torch.randint(0, 256, (256, 1, 28, 28), dtype=torch.uint8, generator=torch_generator(0, "test/pixels"))
    labels = torch.arange(256) % 10
    return judges.train(judges.Course((8, 8, 8, 8), 2, 128, 0.1, judges.crooked), pixels, labels, seed, lambda text: None)


def test_a_seed_gives_its_weights_and_folding_changes_nothing(judges: Any) -> None:
    trainee, again, other = (trained(judges, seed) for seed in (0, 0, 1))
    folded = trainee.folded()
    assert all(torch.equal(tensor, again.folded()[name]) for name, tensor in folded.items())
    assert not torch.equal(folded["linear.weight"], other.folded()["linear.weight"])
    images = torch.randint(0, 256, (20, 28, 28), dtype=torch.uint8, generator=torch_generator(1, "test/pixels"))
    judge = Judge(folded)
    with torch.no_grad():
        expected = trainee(prepared(images.unsqueeze(1)))
    assert torch.allclose(judge.logits(judge.depths(images)["late"]), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("augment", ["crooked", "turned_round"])
def test_augmentations_keep_shape_range_and_most_of_an_image(judges: Any, augment: str) -> None:
    images = torch.zeros(50, 1, 28, 28)
    images[:, :, 8:20, 10:18] = 1
    changed = getattr(judges, augment)(images, torch_generator(0, "test/augment"))
    assert changed.shape == images.shape
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1 + 1e-6
    assert float(changed.mean()) == pytest.approx(float(images.mean()), rel=0.15)
    assert not torch.equal(changed, images)


def test_rate_rises_and_falls_to_nothing(judges: Any) -> None:
    rates = [judges.rise_and_fall(step, 100) for step in range(100)]
    assert max(rates) <= 1
    assert rates.index(max(rates)) in range(18, 23)
    assert rates[-1] < 0.01
