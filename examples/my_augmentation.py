"""An augmentation of one's own: what D sees is brighter or darker by a factor, drawn for each sample.

Zhao et al. 2020 (arXiv 2006.10738) shift the brightness instead. From the folder that holds `examples/`:

    mulligan train digits augmentations.examples/my_augmentation.py:my_augmentation.weight=0.2
"""

from collections.abc import Mapping

from torch import Tensor

needs_image = False
most = None


def draws(shape: tuple[int, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """One uniform number in [-1, 1] for each sample."""
    return {"factor": ("uniform", ())}


def augment(samples: Tensor, drawn: Mapping[str, Tensor], strength: Tensor) -> Tensor:
    """Samples (N, ...), each times a number between 1 - strength and 1 + strength."""
    factor = 1 + strength * drawn["factor"]
    return samples * factor.view(-1, *[1] * (samples.ndim - 1))
