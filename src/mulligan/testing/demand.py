"""What all checks share."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mulligan import find

STEP = 1e-6  # of central differences in float64: rounding and curvature err about alike


def demand(condition: bool, message: str) -> None:
    """Raise AssertionError with the message unless the condition holds; unlike `assert`, also under `python -O`."""
    if not condition:
        raise AssertionError(message)


def tensor(name: str, value: Any) -> Tensor:
    """The value, which has to be a tensor."""
    if not isinstance(value, Tensor):
        raise AssertionError(f"{name} gave a {type(value).__name__}, expected a tensor")
    return value


def found(folder: str, thing: Any) -> Any:
    """The thing, or what its name leads to."""
    return find.load(folder, thing) if isinstance(thing, str) else thing


def title(thing: Any) -> str:
    """What messages call a thing.

    >>> import mulligan.find
    >>> title(mulligan.find)
    'find'
    """
    return str(getattr(thing, "__name__", type(thing).__name__)).rpartition(".")[2]


def unchanged(before: Mapping[str, Tensor], now: Mapping[str, Tensor]) -> bool:
    """Whether tensors of the same names hold the same numbers, bit by bit (nan equals nan)."""
    return before.keys() == now.keys() and all(torch.equal(before[name].nan_to_num(), now[name].nan_to_num()) for name in before)


def differences(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Central differences of the sum of a function's results, in float64: a gradient found without gradients.

    >>> differences(lambda x: x**2, torch.tensor([1.0, 3.0], dtype=torch.float64)).round(decimals=6)
    tensor([2., 6.], dtype=torch.float64)
    """
    slope = torch.empty_like(x).flatten()
    for index in range(x.numel()):
        step = torch.zeros_like(x).flatten()
        step[index] = STEP
        step = step.view_as(x)
        slope[index] = (function(x + step).sum() - function(x - step).sum()) / (2 * STEP)
    return slope.view_as(x)
