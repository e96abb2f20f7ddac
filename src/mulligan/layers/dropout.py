"""Dropout by 16 random bits for each number, where torch draws a float: a tenth of a step of the published dense nets."""

import torch
from torch import Tensor, nn

_PARTS = 4  # numbers of 16 bits in one of 64, which a generator draws at once


class Dropout(nn.Dropout):
    """Each number is zero with probability p, and those that are left are divided by 1 - p (Srivastava et al. 2014, JMLR 15, section 10).

    p: below 1, rounded to a multiple of 2^-16. Draws come from torch's default generator of the device.

    >>> _ = torch.manual_seed(0)
    >>> seen = Dropout(0.25)(torch.ones(10_000))
    >>> sorted(set(seen.tolist())), bool(0.24 < (seen == 0).float().mean() < 0.26)
    ([0.0, 1.3333333730697632], True)
    """

    def forward(self, x: Tensor) -> Tensor:
        """What is left of x (...): in evaluation mode all of it."""
        if not self.training or self.p == 0:
            return x
        count = x.numel()
        drawn = torch.randint(-(2**63), 2**63 - 1, (-(-count // _PARTS),), device=x.device)
        bits = drawn.view(torch.int16)[:count].view(x.shape)  # uniform from -2^15 to 2^15 - 1
        kept = bits >= round(self.p * 2**16) - 2**15
        return torch.where(kept, x / (1 - self.p), 0.0)
