"""Colour: brightness, saturation and contrast of an image change, each by its own amount.

Zhao et al. 2020 (arXiv 2006.10738), section 3, DiffAugment, with the ranges of its code: up to half of a unit is added to all numbers,
differences between channels are multiplied by 0 to 2, and those to the image's mean by 0.5 to 1.5. The strength is the probability that
a sample is changed (there 1), as in `translation`. A grey image has no saturation.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from mulligan.augmentations.chance import happens

needs_image = True
most = 1.0
BRIGHTNESS = 0.5
SATURATION = 1.0
CONTRAST = 0.5


def draws(shape: tuple[int, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """How far each of the three goes, and whether at all."""
    return {"change": ("uniform", (3,)), "coin": ("unit", ())}


def augment(samples: Tensor, drawn: Mapping[str, Tensor], strength: Tensor) -> Tensor:
    """Each sample in other colours, where its coin is below the strength.

    >>> image = torch.zeros(1, 1, 1, 2) + torch.tensor([0.0, 1.0])
    >>> augment(image, {"change": torch.tensor([[0.5, 0.0, -1.0]]), "coin": torch.zeros(1)}, torch.tensor(1.0))
    tensor([[[[0.5000, 1.0000]]]])
    """
    brightness, saturation, contrast = drawn["change"][:, :, None, None, None].unbind(1)
    changed = samples + BRIGHTNESS * brightness
    grey = changed.mean(1, keepdim=True)
    changed = grey + (1 + SATURATION * saturation) * (changed - grey)
    mean = changed.mean((1, 2, 3), keepdim=True)
    changed = mean + (1 + CONTRAST * contrast) * (changed - mean)
    return torch.where(happens(drawn["coin"], strength)[:, None, None, None], changed, samples)
