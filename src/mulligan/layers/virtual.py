"""Virtual batch normalisation: a sample is normalised by a batch that is always the same, and so does not depend on those beside it.

Salimans et al. 2016 (arXiv 1606.03498), section 3.5. The reference batch are latents that are drawn once, before training; they go
through the network in front of the others at each pass, so that their statistics are those of the present weights.
"""

import torch
from torch import Tensor, nn

from mulligan.recipe import Prior


class Reference(nn.Module):
    """The reference batch of a generator.

    count: latents in it. size: numbers in a latent. classes: labels go round all of them; 0 where there is no condition.
    """

    latents: Tensor

    def __init__(self, count: int, size: int, classes: int, distribution: Prior) -> None:
        super().__init__()
        self.count = count
        self.classes = classes
        latents = torch.randn(count, size) if distribution == "normal" else torch.rand(count, size) * 2 - 1
        self.register_buffer("latents", latents)

    def forward(self, z: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Latents (N, size) and labels (N,), with the reference batch in front."""
        if label is not None and self.classes:
            label = torch.cat([torch.arange(self.count, device=label.device) % self.classes, label])
        return torch.cat([self.latents.to(z), z]), label


class VirtualBatchNorm(nn.Module):
    """Normalises (N, C) or (N, C, H, W), of which the first `count` are the reference batch.

    The reference batch is normalised by its own mean and variance in each channel, any other sample by those of the reference batch
    and of itself, in which it has the weight of one sample in count + 1.

    >>> norm = VirtualBatchNorm(1, count=2)
    >>> norm(torch.tensor([[-1.0], [1.0], [0.0]])).flatten().round(decimals=2).tolist()
    [-1.0, 1.0, 0.0]
    """

    def __init__(self, channels: int, count: int, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.count = count
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x."""
        shape, x = x.shape, x.to(torch.promote_types(x.dtype, torch.float32))  # a difference of squares wants digits
        flat = x.flatten(2) if x.ndim > 2 else x.unsqueeze(2)  # (N, C, places)
        own = flat.mean(2, keepdim=True), flat.square().mean(2, keepdim=True)
        mean, square = (moment[: self.count].mean(0, keepdim=True) for moment in own)
        share = 1 / (self.count + 1)
        others = ((1 - share) * kept + share * moment[self.count :] for kept, moment in zip((mean, square), own, strict=True))
        parts = (
            self._normalised(flat[: self.count], mean, square),
            self._normalised(flat[self.count :], *others),
        )
        return (torch.cat(parts) * self.weight.unsqueeze(1) + self.bias.unsqueeze(1)).view(shape)

    def _normalised(self, x: Tensor, mean: Tensor, square: Tensor) -> Tensor:
        variance = (square - mean.square()).clamp(min=0)
        return (x - mean) * (variance + self.epsilon).rsqrt()

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.weight.numel()}, reference={self.count}"
