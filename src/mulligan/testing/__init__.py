"""Contract checks for authors of losses, penalties, augmentations, networks, data sources, kinds, recipes and tasks.

They say what a thing must do to be used. Each takes a name (a file of this package, an entry point, or a `path.py:name` that was trusted
before) or the thing itself, and raises AssertionError with one line that says what was found and what is expected. Mulligan's own things
pass the same checks.

>>> from mulligan.testing import check_loss
>>> check_loss("hinge")
"""

from mulligan.testing.augmenting import check_augmentation
from mulligan.testing.games import check_recipe, check_task
from mulligan.testing.objectives import check_loss, check_penalty
from mulligan.testing.players import check_network
from mulligan.testing.samples import check_dataset, check_kind

__all__ = [
    "check_augmentation",
    "check_dataset",
    "check_kind",
    "check_loss",
    "check_network",
    "check_penalty",
    "check_recipe",
    "check_task",
]
