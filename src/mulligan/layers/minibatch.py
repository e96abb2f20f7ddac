"""What a discriminator sees of the samples beside a sample: a generator that makes the same thing over and over is found out by it.

Both layers join numbers to the features (N, C) in front of the last layer. In inference mode, where a sample is judged by itself, the
means of these numbers over training stand in their place. A gradient penalty behind such a layer takes the slope of a batch's sum.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Minibatch = Literal["none", "discrimination", "deviation"]
KEPT = 0.9  # share of the moving means that is kept at each batch
EPSILON = 1e-8  # added to a variance under a root, which has no slope at zero


class Beside(nn.Module):
    """Joins numbers about the batch to each sample's features, and keeps the numbers' moving means.

    count: how many numbers.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("mean", torch.zeros(count))
        self.register_buffer("variance", torch.ones(count))

    def told(self, x: Tensor) -> Tensor:
        """Numbers (N, count) about the batch x (N, C)."""
        raise NotImplementedError(f"{type(self).__name__} tells nothing of a batch")

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) -> (N, C + count)."""
        if not self.training or len(x) == 1:  # one sample alone has none beside it
            return torch.cat([x, self.mean.to(x).expand(len(x), -1)], dim=1)
        told = self.told(x)
        # For its moving means alone, which this kernel may update even inside a gradient of a gradient; what it gives is not used.
        torch.batch_norm(told.float(), None, None, self.mean, self.variance, True, 1 - KEPT, 1e-5, False)
        return torch.cat([x, told.to(x)], dim=1)


class Deviation(Beside):
    """Minibatch standard deviation: of each feature over the batch, averaged over the features, one number for all samples.

    Karras et al. 2018 (arXiv 1710.10196), section 3; here of features that are flattened, in front of the last layer.

    >>> Deviation()(torch.tensor([[0.0, 5.0], [2.0, 5.0]]))[:, 2].round(decimals=2)
    tensor([0.5000, 0.5000])
    """

    def __init__(self) -> None:
        super().__init__(1)

    def told(self, x: Tensor) -> Tensor:
        """(N, 1), the same for all."""
        deviation = (x.var(0, correction=0) + EPSILON).sqrt().mean()
        return deviation.expand(len(x), 1)


class Discrimination(Beside):
    """Minibatch discrimination: how near the others are, as each of several kernels sees it.

    Salimans et al. 2016 (arXiv 1606.03498), section 3.2: a learnt tensor T makes a matrix M_i of the features of sample i; number b of
    sample i is the sum over j of exp(-|M_ib - M_jb|), with the sum of absolute differences. Here over the others alone (j != i), which
    is 1 less.

    inputs: features of a sample. kernels: numbers that are joined. size: of a row of M.
    """

    def __init__(self, inputs: int, kernels: int, size: int) -> None:
        super().__init__(kernels)
        self.size = size
        self.weight = nn.Parameter(torch.randn(inputs, kernels * size) / inputs**0.5)

    def told(self, x: Tensor) -> Tensor:
        """(N, kernels), each between 0 and N - 1."""
        rows = (x @ self.weight).view(-1, self.count, self.size).float()
        distance = (rows.unsqueeze(0) - rows.unsqueeze(1)).abs().sum(3)
        return (-distance).exp().sum(1) - 1


def beside(minibatch: Minibatch, inputs: int, kernels: int, size: int) -> Beside | None:
    """The layer of that name for features of so many numbers; None for `none`."""
    if minibatch == "none":
        return None
    return Deviation() if minibatch == "deviation" else Discrimination(inputs, kernels, size)
