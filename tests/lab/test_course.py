import numpy as np

from mulligan.lab.course import MOST, Course


def test_however_long_it_gets_its_mean_stays() -> None:
    course = Course(1)
    for step in range(1, 2**14 + 1):
        course.add(step, (float(step),))
        steps, values = course.arrays()
        assert len(steps) <= MOST
        assert steps[-1] == step
    assert values[:, 0].mean() == np.arange(1, 2**14 + 1).mean()
    assert (np.diff(steps) == np.diff(steps)[0]).all()


def test_a_figure_that_was_not_told_is_left_out() -> None:
    course = Course(2)
    for step in range(1, 2 * MOST + 1):
        course.add(step, (1.0, float("nan")) if step % 2 else (float("nan"), 3.0))
    _, values = course.arrays()
    assert (values == [1.0, 3.0]).all()


def test_an_empty_course_has_no_points() -> None:
    steps, values = Course(2).arrays()
    assert steps.shape == (0,)
    assert values.shape == (0, 2)
