"""The doctor beside somebody else's loop."""

import numpy as np
import pytest
import torch

import mulligan
from mulligan.errors import UsageError


def points(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))


def test_verdicts() -> None:
    well, blind = (mulligan.Doctor(points(800, 0), points(400, 1), horizon=100) for _ in range(2))
    for step in range(0, 101, 10):
        well.observe(step, points(400, 2), points(400, 3)[:, 0], points(400, 4)[:, 0], points(400, 5)[:, 0], {"generator": 0.7})
        blind.observe(step, points(400, 2) / 4 + 6, np.zeros(50), np.zeros(50))
    assert well.diagnosis().verdict == "healthy"
    assert blind.diagnosis().verdict == "generator-wins"
    assert blind.diagnosis().step == 100


def test_without_a_horizon_the_first_reports_are_the_beginning() -> None:
    doctor = mulligan.Doctor(points(400, 0))
    for step in range(20):
        doctor.observe(step, torch.zeros(300, 2))
        if step in (5, 19):
            assert (doctor.diagnosis().verdict == "warming-up") == (step == 5)


def test_a_loss_that_is_not_finite_is_a_finding_at_once() -> None:
    doctor = mulligan.Doctor(points(400, 0), horizon=100)
    doctor.observe(1, points(400, 1), losses={"generator": float("nan")})
    assert doctor.diagnosis().verdict == "diverged"


def test_mistakes_are_named() -> None:
    doctor = mulligan.Doctor(points(400, 0))
    with pytest.raises(UsageError, match="only one side"):
        doctor.observe(0, points(400, 1), d_real=[1.0])
    doctor.observe(5, points(400, 1))
    with pytest.raises(UsageError, match="step 5 after step 5"):
        doctor.observe(5, points(400, 1))
