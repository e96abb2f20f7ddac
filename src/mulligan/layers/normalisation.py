"""Normalisation of what flows between layers."""

import torch
from torch import Tensor, nn


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1) of (N, C) or (N, C, H, W).

    In training mode each channel is normalised by the mean and variance of the batch, and the moving statistics go a step towards
    them; in inference mode by the moving statistics. They are buffers: a pure step hands in clones of them
    (`torch.func.functional_call`), which are updated in place. There is no counter of batches, as `torch.nn.BatchNorm1d` has one,
    since a counter cannot be updated inside a gradient of a gradient (`torch.func.grad` within another).

    channels: C.
    momentum: share of the moving statistics that is kept at each batch (Keras' sense of the word).
    epsilon: added to the variance.

    >>> norm = BatchNorm(2)
    >>> norm(torch.tensor([[0.0, 1.0], [2.0, 1.0]])).mean(0).tolist()
    [0.0, 0.0]
    """

    def __init__(self, channels: int, momentum: float = 0.99, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x."""
        # one value per channel has no variance: such a batch is normalised, as in inference, by the moving statistics
        by_batch = self.training and x.numel() > x.shape[1]
        return torch.batch_norm(
            x, self.weight, self.bias, self.mean, self.variance, by_batch, 1 - self.momentum, self.epsilon, torch.backends.cudnn.enabled
        )

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.weight.numel()}, momentum={self.momentum}, epsilon={self.epsilon}"
