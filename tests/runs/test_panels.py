from itertools import pairwise
from typing import Any

import pytest

from mulligan.runs import curves
from mulligan.runs.facts import Reading
from mulligan.runs.panels import Panel, panels

COMMON = {
    "generator.loss": 0.7,
    "discriminator.loss.real": 0.6,
    "discriminator.loss.fake": 0.5,
    "generator.rate": 2e-4,
    "sample.mean": -0.5,
    "sample.std": 0.3,
    "data.mean": -0.6,
    "data.std": 0.5,
    "distance": 0.2,
    "distance.floor": 0.02,
}
SCORES = {"discriminator.score.real": 0.8, "discriminator.score.fake": 0.3}


def lines(figures: dict[str, Any], count: int = 3) -> list[dict[str, Any]]:
    return [{"step": 10 * place, "images": 640 * place, "seconds": 1.0, **figures} for place in range(count)]


def titled(found: list[Panel], title: str) -> Panel:
    return next(panel for panel in found if panel.title == title)


@pytest.mark.parametrize(
    ("reading", "figures", "names", "level"),
    [
        ("probability", SCORES, ["real", "generated"], 0.5),
        ("raw", SCORES, ["real", "generated"], 0.5),
        ("difference", SCORES, ["real - fake"], 0.0),
        ("difference", {**SCORES, "discriminator.difference": 0.5}, ["real - fake"], 0.0),
        ("pairs", {**SCORES, "discriminator.pairs": 0.6}, ["pairs"], 0.5),
    ],
)
def test_scores_stand_beside_the_equilibrium_of_their_loss(
    reading: Reading, figures: dict[str, float], names: list[str], level: float
) -> None:
    panel = titled(panels(lines({**COMMON, **figures}), reading), "What D says")
    assert [curve.name for curve in panel.curves] == names
    assert panel.level == level
    if reading == "difference":
        assert panel.curves[0].points[0] == pytest.approx((0, 0.5))


def test_only_what_was_measured_is_drawn() -> None:
    found = panels(lines(COMMON), None)
    assert [panel.title for panel in found] == ["Losses", "Distance to the data", "Mean of the numbers", "Spread of the numbers"]
    assert panels([], None) == []
    assert panels(lines({}), None) == []


def test_every_loss_and_penalty_has_its_curve() -> None:
    figures = {
        "discriminator.loss": 1.0,
        "encoder.loss.pixels": 0.1,
        "generator.loss.l1": 0.2,
        "discriminator.penalty./home/me/p.py:mine": 1.0,
    }
    found = panels(lines(figures | {f"discriminator.penalty.p{number}": 1.0 for number in range(9)}), None)
    assert [curve.name for curve in titled(found, "Losses").curves] == ["D", "encoder pixels", "G l1"]
    names = [curve.name for curve in titled(found, "Penalties on D").curves]
    assert names[0] == "p.py:mine"  # without the folders
    assert len(names) == 10


def test_gaps_in_a_history_are_left_out() -> None:
    history = [*lines(COMMON), {"step": 30, "images": 1920, "distance": None}, {"step": 40}]
    (distance, floor) = titled(panels(history, None), "Distance to the data").curves
    assert len(distance.points) == len(floor.points) == 3


HARD = {
    "one line": lines({**COMMON, **SCORES}, 1),
    "nothing to draw": lines({}),
    "constant": lines(dict.fromkeys(COMMON, 0.0)),
    "enormous": [*lines(COMMON), {"step": 1, "images": 10**12, "distance": 1e300, "generator.loss": -1e300}],
    "tiny": lines({"distance": 1e-300, "distance.floor": 1e-12}),
    "names with dollars": lines({"discriminator.penalty.a$b$_{": 1.0}),
    "all at one image": [{"images": 0, "distance": 1.0}, {"images": 0, "distance": 2.0}],
}


@pytest.mark.parametrize("case", HARD)
def test_any_history_can_be_drawn(case: str) -> None:
    assert curves.picture(HARD[case], "probability").startswith(b"\x89PNG")


def test_labels_never_cover_each_other() -> None:
    for heights in ([0.5, 0.5, 0.5], [1.0, 1.0, 1.0], [0.0, 0.0], [0.98, 0.99], [0.2, 0.9]):
        places = [height for height, _, _ in curves._apart([(height, "name", "ink") for height in sorted(heights)])]
        assert all(0 <= place <= 1 for place in places)
        assert all(after - before >= curves._LABEL_STEP - 1e-9 for before, after in pairwise(places))
