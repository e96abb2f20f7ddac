"""What a discriminator is shown: samples that are augmented one by one, and then joined in packs.

Packing: Lin et al. 2018 (arXiv 1712.04086), section 2: D judges several samples of one side at once, joined along their first axis, so
that it sees when they are all alike. A penalty is taken at what is joined, before it is augmented.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mulligan import find
from mulligan.errors import UsageError
from mulligan.recipe import Recipe, Signature
from mulligan.training.game import Draw, Tensors


@dataclass(frozen=True)
class View:
    """How samples come before D."""

    augmentations: Mapping[str, Any]
    pack: int
    shape: tuple[int, ...]  # of one sample

    @classmethod
    def of(cls, recipe: Recipe) -> "View":
        """The view that a recipe asks for. Raises UsageError where it does not fit the data, the batches or the condition."""
        found = {name: find.load("augmentations", name) for name in recipe.augmentations}
        shape = recipe.data.shape
        for name, augmentation in found.items():
            weight = recipe.augmentations[name].weight
            if augmentation.needs_image and len(shape) != 3:
                raise UsageError(
                    f"augmentation {name} changes images, and a sample is {shape}", "Choose another, for instance instance-noise"
                )
            if augmentation.most is not None and weight > augmentation.most:
                raise UsageError(
                    f"augmentation {name}: weight {weight:g} is above {augmentation.most:g}", f"Set augmentations.{name}.weight lower"
                )
        _require_packs(recipe)
        return cls(found, recipe.turns.pack, shape)

    @property
    def joined_shape(self) -> tuple[int, ...]:
        """Shape of what D judges."""
        return (self.pack * self.shape[0], *self.shape[1:])

    def signature(self, signature: Signature) -> Signature:
        """What D must fit, given what G must."""
        return signature.model_copy(update={"sample": self.joined_shape})

    def draws(self, *sides: str) -> dict[str, Draw]:
        """The random numbers of a turn in which D sees samples of these sides, real or fake."""
        return {
            f"{side}.{name}.{part}": Draw(distribution, shape)
            for side in sides
            for name, augmentation in self.augmentations.items()
            for part, (distribution, shape) in augmentation.draws(self.shape).items()
        }

    def joined(self, samples: Tensor) -> Tensor:
        """Samples (N, *shape) in packs (N / pack, *joined_shape)."""
        return samples if self.pack == 1 else samples.reshape(-1, *self.joined_shape)

    def seen(self, joined: Tensor, side: str, drawn: Tensors, knobs: Tensors) -> Tensor:
        """What D is given for joined samples of that side: each of them augmented."""
        if not self.augmentations:
            return joined
        samples = joined.reshape(-1, *self.shape)
        for name, augmentation in self.augmentations.items():
            numbers = {part: drawn[f"{side}.{name}.{part}"] for part in augmentation.draws(self.shape)}
            samples = augmentation.augment(samples, numbers, knobs[f"augmentation.{name}"])
        return self.joined(samples)


def _require_packs(recipe: Recipe) -> None:
    """Raise UsageError where batches do not divide into packs, or where a pack would have several labels."""
    pack, count = recipe.turns.pack, recipe.data.count
    if pack == 1:
        return
    if recipe.conditional:
        raise UsageError(f"turns.pack={pack}: joined samples have no label in common", "Set conditional=false, or turns.pack=1")
    if recipe.batch % pack:
        raise UsageError(
            f"a batch of {recipe.batch} does not divide into packs of {pack}", f"Set batch={recipe.batch // pack * pack or pack}"
        )
    if recipe.order.short_batch and recipe.order.how == "epochs" and count is not None and count % recipe.batch % pack:
        left = count % recipe.batch
        raise UsageError(
            f"the last batch of an epoch has {left} samples, which do not divide into packs of {pack}", "Set order.short_batch=false"
        )
