"""What D's scores of real, held-out and generated samples say about the game, whatever loss they belong to: only their order counts."""

import math

import torch
from torch import Tensor


def opinions(real: Tensor, fake: Tensor, heldout: Tensor | None = None) -> dict[str, float]:
    """Figures of scores (N,), larger for more real, by the names they have in a history.

    discriminator.ranking: share of pairs in which a real sample scores higher than a generated one; 0.5 where D can only guess.
    discriminator.margin: difference of the means in standard deviations. discriminator.logit: mean size of a score. Where there are
    scores of held-out samples: their ranking, and discriminator.heldout.auc, the share of pairs in which a training sample scores
    higher than a held-out one, with the deviation that chance gives it (Hanley and McNeil 1982, for an area of 0.5).

    >>> opinions(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0]))["discriminator.ranking"]
    0.875
    """
    real, fake = real.detach().flatten().float().cpu(), fake.detach().flatten().float().cpu()
    within = torch.cat([real - real.mean(), fake - fake.mean()]).std(correction=0)
    found = {
        "discriminator.logit": float(torch.cat([real, fake]).abs().mean()),
        "discriminator.ranking": ranking(real, fake),
        "discriminator.margin": float((real.mean() - fake.mean()) / within.clamp(min=1e-12)),
    }
    if heldout is not None:
        held = heldout.detach().flatten().float().cpu()
        found["discriminator.heldout.ranking"] = ranking(held, fake)
        found["discriminator.heldout.auc"] = ranking(real, held)
        found["discriminator.heldout.noise"] = math.sqrt((len(real) + len(held) + 1) / (12 * len(real) * len(held)))
    return found


def ranking(above: Tensor, below: Tensor) -> float:
    """Share of pairs in which the first is larger, equal ones counted half: the area under the ROC curve.

    >>> ranking(torch.tensor([1.0, 2.0]), torch.tensor([0.0, 1.0]))
    0.875
    """
    ordered = below.sort().values
    under = torch.searchsorted(ordered, above.contiguous(), right=False) + torch.searchsorted(ordered, above.contiguous(), right=True)
    return float(under.double().mean()) / (2 * len(below))


def turnover(before: list[float], now: list[float]) -> float:
    """Share of samples that changed their cluster on balance, from shares of clusters to shares of clusters (total variation)."""
    return sum(abs(a - b) for a, b in zip(before, now, strict=True)) / 2
