import numpy as np
import pytest

from mulligan.data.opening import built_in, open_dataset
from mulligan.errors import UsageError
from mulligan.lab import FRAME, MOST_POINTS, NAMES, fitted
from mulligan.lab.points import opened
from mulligan.recipe import Data


def test_every_built_in_set_of_the_plane_is_offered() -> None:
    planes = {name for name in built_in() if name not in ("mnist", "fashion") and open_dataset(Data(source=name)).data.shape == (2,)}
    assert set(NAMES) == planes


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((0, 2)), "0 points were drawn"),
        (np.zeros((MOST_POINTS + 1, 2)), "from 1 to 2,000"),
        (np.zeros((5, 3)), r"numbers \(N, 2\)"),
        (np.zeros(5), r"numbers \(N, 2\)"),
        (np.array([["a", "b"]]), r"numbers \(N, 2\)"),
        (np.array([[0.0, np.nan]]), "not finite"),
        (np.array([[0.0, np.inf]]), "not finite"),
        (np.array([[0.0, FRAME + 0.01]]), "the frame ends at 2.5"),
    ],
)
def test_points_that_cannot_be_learnt_are_refused(given: np.ndarray, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        opened(given)


def test_points_of_any_units_can_be_brought_into_the_frame() -> None:
    points = fitted(np.random.default_rng(0).normal(1e6, 1e3, (100, 2)))
    assert np.abs(points).max() == pytest.approx(FRAME / 2)
    assert opened(points).data.count == 100
    assert np.array_equal(fitted(np.full((3, 2), 7)), np.zeros((3, 2)))
