"""Histories as a training would write them, healthy unless told otherwise."""

from collections.abc import Callable
from typing import Any

import pytest

Line = dict[str, Any]
FLOORS = {
    "distance": (0.08, 0.004), "coverage": (0.965, 0.01), "precision": (0.95, 0.01), "density": (1.0, 0.03), "diversity": (1.0, 0.006),
    "rank": (1.0, 0.013), "alike": (0.01, 0.005), "missing": (0.0, 0.001), "copies": (0.001, 0.001), "nearer": (0.5, 0.0),
    "off": (1.0, 0.01), "finite": (1.0, 0.0),
}  # fmt: skip
WELL = {
    "probe.distance": 0.12, "probe.coverage": 0.8, "probe.precision": 0.9, "probe.density": 0.9, "probe.diversity": 0.95,
    "probe.rank": 0.85,
    "probe.alike": 0.0, "probe.missing": 0.02, "probe.copies": 0.0, "probe.nearer": 0.5, "probe.off": 1.1, "probe.finite": 1.0,
    "discriminator.ranking": 0.9, "discriminator.heldout.ranking": 0.9, "discriminator.heldout.auc": 0.5,
    "discriminator.heldout.noise": 0.02, "discriminator.logit": 1.5, "discriminator.margin": 2.0, "samples.moved": 0.2,
    "samples.turnover": 0.1, "generator.norm": 20.0, "discriminator.norm": 20.0, "generator.turned": 0.1, "generator.loss": 1.0,
    "data.count": 8000, "data.blank": 0.0, "data.repeated": 0.0, "data.rough": 0.0,
}  # fmt: skip


@pytest.fixture
def history() -> Callable[..., list[Line]]:
    """history(key=value or function of the progress, reports=20): lines of a run whose distance falls early and then rests."""

    def make(changes: dict[str, Any] | None = None, reports: int = 20) -> list[Line]:
        lines = []
        for place in range(reports + 1):
            progress = place / reports
            line: Line = {"step": 100 * place, "images": 6400 * place, "progress": progress}
            for name, (floor, noise) in FLOORS.items():
                line |= {f"probe.{name}.floor": floor, f"probe.{name}.noise": noise}
            line |= WELL | {"probe.distance": 0.12 + max(0.0, 1.0 - 5 * progress)}
            for key, value in (changes or {}).items():
                line[key] = value(progress) if callable(value) else value
            lines.append(line)
        return lines

    return make
