"""Truncation: latents nearer to the middle of the prior, whose samples are more alike and more often good."""

import torch
from torch import Tensor

from mulligan.errors import UsageError

MOST = 10.0  # deviations; beyond, nothing is cut off


def truncated(z: Tensor, distribution: str, bound: float) -> Tensor:
    """Latents (N, D) of a prior as those of the prior cut off at `bound`, each where it was among the others.

    normal: a normal distribution between -bound and bound deviations (the truncation of Brock et al. 2019, arXiv 1809.11096, section
    3.1, which draws again what lies outside; here the quantiles are mapped, so that each latent stays a function of its seed).
    uniform: between -bound and bound, at most 1. Raises UsageError for a bound that is none.

    >>> z = torch.tensor([[-3.0, 0.0, 0.5, 3.0]])
    >>> [round(number, 2) for number in truncated(z, "normal", 1.0)[0].tolist()]
    [-1.0, 0.0, 0.33, 1.0]
    >>> truncated(torch.tensor([[-1.0, 0.5]]), "uniform", 0.5).tolist()
    [[-0.5, 0.25]]
    """
    most = 1.0 if distribution == "uniform" else MOST
    if not 0 < bound <= most:
        raise UsageError(f"truncation {bound:g}: expected more than 0 and at most {most:g}", "Smaller is more alike; 1 is a usual choice")
    if distribution == "uniform":
        return z * bound
    below = torch.special.ndtr(torch.tensor(-bound, dtype=torch.float64))
    share = below + torch.special.ndtr(z.double()) * (1 - 2 * below)
    cut: Tensor = torch.special.ndtri(share)
    return cut.clamp(-bound, bound).to(z.dtype)
