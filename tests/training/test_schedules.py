"""What changes along the run."""

import math

import pytest
import torch

from mulligan.recipe import Adam, Ema, Penalty, Recipe
from mulligan.resolve import resolve
from mulligan.training.controls import Controls
from mulligan.training.schedules import cosine, ema_decay, knobs


@pytest.mark.parametrize("final", [0.0, 0.1, 0.37, 1.0])
def test_cosine(final: float) -> None:
    assert cosine(0.0, final) == cosine(-1.0, final) == 1.0
    assert cosine(1.0, final) == cosine(2.0, final) == final
    assert cosine(0.5, final) == pytest.approx((1 + final) / 2)
    values = [cosine(place / 20, final) for place in range(21)]
    assert values == sorted(values, reverse=True)
    assert cosine(0.25, final) == pytest.approx(final + (1 - final) * (1 + math.sqrt(0.5)) / 2)


def test_ema_halves_over_its_half_life() -> None:
    """After `half_life` images in batches, half of the old average is left."""
    assert ema_decay(Ema(share=1.0, half_life=1000), 10**9, 10) ** 100 == pytest.approx(0.5)
    assert ema_decay(Ema(share=0.05), 20_000, 10) ** 100 == pytest.approx(0.5)
    assert ema_decay(Ema(share=0.05, half_life=500), 20_000, 10) ** 50 == pytest.approx(0.5)
    assert ema_decay(Ema(), 0, 10) == 0.0


def recipe() -> Recipe:
    made, _ = resolve("digits", "modern", ["batch=10", "horizon=1000", "machine.device=cpu"])
    return made


def test_knobs_follow_images_over_the_horizon() -> None:
    made, controls = recipe(), Controls(horizon=1000)
    start, middle, end = (knobs(made, controls, images, 10) for images in (0, 500, 1000))
    optimiser, penalty = made.players["generator"].optimiser, made.penalties["zero-centred-real"]
    assert isinstance(optimiser, Adam)
    assert isinstance(penalty, Penalty)
    for name, value in (("generator.rate", optimiser.rate), ("penalty.zero-centred-real", penalty.weight)):
        torch.testing.assert_close(start[name], torch.tensor(value))
        torch.testing.assert_close(middle[name], torch.tensor(value * 0.55))
        torch.testing.assert_close(end[name], torch.tensor(value * 0.1))
    assert float(start["generator.ema"]) == pytest.approx(0.5 ** (10 / (0.05 * 10)), rel=1e-5)
    assert "discriminator.ema" not in start
    assert all(value.ndim == 0 for value in start.values())


def test_controls_multiply_rates_and_stretch_the_horizon() -> None:
    made = recipe()
    half = knobs(made, Controls(horizon=1000, rate=0.5), 0, 10)
    torch.testing.assert_close(half["generator.rate"], knobs(made, Controls(horizon=1000), 0, 10)["generator.rate"] / 2)
    torch.testing.assert_close(
        knobs(made, Controls(horizon=2000), 1000, 10)["generator.rate"], knobs(made, Controls(horizon=1000), 500, 10)["generator.rate"]
    )


def test_a_penalty_that_falls_by_the_same_factor() -> None:
    made, _ = resolve(
        "ring", "points", ["machine.device=cpu", *(f"penalties.zero-centred-real.{key}" for key in ("weight=2", "final=0.01"))]
    )
    made = made.model_copy(
        update={"penalties": {name: each.model_copy(update={"falling": "geometric"}) for name, each in made.penalties.items()}}
    )
    controls = Controls(horizon=1000)
    found = [float(knobs(made, controls, images, 10)["penalty.zero-centred-real"]) for images in (0, 500, 1000, 2000)]
    assert found == pytest.approx([2.0, 0.2, 0.02, 0.02])
