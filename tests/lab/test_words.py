from dataclasses import replace

import numpy as np
import pytest

from mulligan.lab import Lab, LabSettings, View, sentences
from mulligan.lab.view import Landscape
from mulligan.metrics.divergences import Divergences

SMALL = LabSettings(width=8, batch=16)


@pytest.fixture(scope="module")
def view() -> View:
    """Two heaps, real points in one and samples in the other, after some steps."""
    lab = Lab("ring", SMALL)
    lab.step()
    seen = lab.view()
    right = np.full((50, 2), [1.0, 0.0], np.float32)
    return replace(seen, step=1000, real=right, fake=-right)


def of(view: View, settings: LabSettings = SMALL) -> str:
    return " ".join(sentences(view, settings))


def sloping(view: View, steepness: float) -> Landscape:
    """Higher to the right."""
    across = np.linspace(-1, 1, len(view.landscape.values), dtype=np.float32)
    values = 0.5 + steepness * np.tile(across, (len(across), 1))
    return Landscape(values, middle=0.5, span=0.5)


def far(view: View, js: float = 0.3, missed: float = 0.0, stray: float = 0.0) -> View:
    return replace(view, divergences=Divergences(kl=1.0, js=js, missed=missed, stray=stray))


def test_before_the_first_step_it_says_what_to_do() -> None:
    lab = Lab("ring", SMALL)
    assert "Press Play" in of(lab.view())


def test_what_d_makes_of_them_is_told_by_pairs(view: View) -> None:
    assert "D tells nearly all apart, 100% of pairs" in of(replace(view, landscape=sloping(view, 0.5)))
    flat = of(replace(far(view), landscape=sloping(view, 0.0)))
    assert "D can hardly tell the two apart just now: it puts a real point above a sample in 50% of pairs" in flat
    assert "nearly flat, at 0.5" in flat
    mixed = np.concatenate([view.real, view.fake, view.real])  # two thirds stand higher, and a tie counts half
    assert "83% of pairs" in of(replace(view, landscape=sloping(view, 0.5), real=mixed))


def test_the_end_of_the_game(view: View) -> None:
    told = of(replace(far(view, js=view.floor.js), landscape=sloping(view, 0.0)))
    assert "this is where the game ends: D(x) = 0.5 for every x" in told
    assert "Closer than that nobody can see" in told


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"missed": 0.6}, "Mode collapse: 60% of the data"),
        ({"missed": 0.2}, "G leaves out 20% of the data"),
        ({"stray": 0.3}, "30% of the samples lie where there are no data"),
        ({}, "The samples cover the data"),
    ],
)
def test_how_far_samples_are_from_the_data(view: View, found: dict[str, float], words: str) -> None:
    assert words in of(far(view, **found))


def test_early_on_nothing_is_called_a_collapse(view: View) -> None:
    assert "collapse" not in of(replace(far(view, missed=0.9), step=20))


def test_arrows_that_are_gone_have_their_reason(view: View) -> None:
    still = replace(far(view), pushes=np.zeros_like(view.pushes))
    assert "nothing to climb" in of(still)
    assert "non-saturating mends that" in of(still, SMALL.model_copy(update={"loss": "minimax"}))
    assert "Arrows show where G is pushed" in of(replace(view, pushes=np.ones_like(view.pushes)))


def test_a_step_of_one_side_is_told_as_one(view: View) -> None:
    assert of(replace(view, moved="discriminator")).startswith("Only D moved")
    assert of(replace(view, moved="generator")).startswith("Only G moved")
