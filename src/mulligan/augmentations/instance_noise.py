"""Instance noise: normal noise on every sample that D sees, so that real and generated samples overlap from the start.

Sonderby et al. 2016 (arXiv 1610.04490), in the section on instance noise; Arjovsky and Bottou 2017 (arXiv 1701.04862), section 3, argue
the same. The strength is the deviation of the noise, in the numbers that networks see; let it fall along the run (`final=0`), as there.
"""

from collections.abc import Mapping

from torch import Tensor

needs_image = False
most = None


def draws(shape: tuple[int, ...]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """A normal number for each number of the sample."""
    return {"noise": ("normal", shape)}


def augment(samples: Tensor, drawn: Mapping[str, Tensor], strength: Tensor) -> Tensor:
    """Samples + strength * noise.

    >>> import torch
    >>> augment(torch.zeros(1, 2), {"noise": torch.tensor([[1.0, -2.0]])}, torch.tensor(0.5))
    tensor([[ 0.5000, -1.0000]])
    """
    return samples + strength * drawn["noise"]
