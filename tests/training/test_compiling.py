"""Compiled functions."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mulligan.training.compiling import compiled, compiler


def adder(number: int) -> Callable[[Tensor], Tensor]:
    return lambda x: x + number


@pytest.mark.filterwarnings("default")  # the compiler's own warnings are not ours
def test_many_of_the_same_code_are_compiled_in_one_process() -> None:
    """The compiler gives up on code that it has compiled too often, and all runs and studies have the code of their step in common."""
    assert compiler() is not None
    with torch._dynamo.config.patch(recompile_limit=1):
        assert [compiled(adder(number), "cpu")(torch.zeros(2)).tolist() for number in (1, 2, 3)] == [[1, 1], [2, 2], [3, 3]]
