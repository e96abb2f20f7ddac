"""How well samples cover a mixture of Gaussians whose centres are known: modes, high-quality share, KL, width of a mode.

The protocol is that of Srivastava et al. 2017 (arXiv 1705.07761) and Lin et al. 2018 (arXiv 1712.04086, section 4.1): 2,500 points, a
point is of high quality within three deviations of the nearest centre, and a mode is covered by one such point.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

WITHIN = 3.0  # deviations from the nearest centre


@dataclass(frozen=True)
class Modes:
    """What was counted. kl_floor: what a perfect generator has on average; width: of a mode, relative to the true one."""

    modes: int
    of: int
    high_quality: float
    off_mode: float
    kl: float
    kl_floor: float
    width: float | None


def mixture_modes(points: Tensor, centres: Tensor, deviation: float) -> Modes:
    """Count the modes of points (N, D) by centres (K, D), for Gaussians of one deviation and equal weights.

    >>> centres = torch.tensor([[0.0, 0.0], [9.0, 0.0]])
    >>> mixture_modes(centres.repeat(50, 1), centres, 0.1).modes
    2
    """
    distances, nearest = torch.cdist(points, centres).min(dim=1)
    good = distances <= WITHIN * deviation
    counts = torch.bincount(nearest[good], minlength=len(centres)).double()
    share = counts / counts.sum().clamp(min=1)
    kl = torch.special.xlogy(share, share * len(centres)).sum()
    quality = float(good.double().mean())
    return Modes(
        modes=int((counts > 0).sum()),
        of=len(centres),
        high_quality=quality,
        off_mode=1 - quality,
        kl=float(kl) if bool(good.any()) else float("inf"),
        kl_floor=(len(centres) - 1) / (2 * len(points)),
        width=_width(points[good], nearest[good], len(centres), deviation),
    )


def _width(points: Tensor, nearest: Tensor, modes: int, deviation: float) -> float | None:
    """Root of the mean variance per axis about each mode's own mean, over modes of two points or more, in true deviations."""
    variances = [float(points[nearest == mode].var(dim=0).mean()) for mode in range(modes) if int((nearest == mode).sum()) > 1]
    return (sum(variances) / len(variances)) ** 0.5 / deviation if variances else None
