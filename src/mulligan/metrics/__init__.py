"""Judging samples, usable alone: they see arrays of samples, never networks that made them; torch only.

`evaluate(samples, against)` is the whole score card; each figure has a file of its own.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["ScoreCard", "evaluate"]

_HOMES = {"ScoreCard": "figures", "evaluate": "evaluating"}

if TYPE_CHECKING:
    from mulligan.metrics.evaluating import evaluate
    from mulligan.metrics.figures import ScoreCard


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mulligan.metrics' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"mulligan.metrics.{_HOMES[name]}"), name)
