"""Latents that choose: a mixture with components that are learnt, in the place of one prior for all."""

import torch
from torch import Tensor, nn

SPREAD = 0.2  # of a component at the start


class Mixture(nn.Module):
    """Standard normal latents to codes of a learnt mixture: (N, latent + more) -> (N, latent - 1 + more).

    The first number of a latent chooses one of the components, each equally likely, by its share of the normal distribution below it; the
    others are scaled by the component's spread and shifted by its mean: z = mean_i + spread_i * noise (Gurumurthy et al. 2017, DeLiGAN,
    arXiv 1706.02071). A continuous generator has to tear one prior apart to reach modes with nothing between them; here
    nothing lies between two components. Numbers behind the latent (a label) stay as they are.

    >>> Mixture(5, 8)(torch.randn(3, 5)).shape
    torch.Size([3, 4])
    """

    def __init__(self, latent: int, components: int) -> None:
        super().__init__()
        self.latent = latent
        self.mean = nn.Parameter(torch.randn(components, latent - 1))
        self.spread = nn.Parameter(torch.full((components, latent - 1), SPREAD))

    def forward(self, z: Tensor) -> Tensor:
        """Codes of latents z."""
        components = len(self.mean)
        place = (torch.special.ndtr(z[:, :1]) * components).floor().clamp(max=components - 1)
        # a comparison and a product, not an index: it maps over seeds and compiles as one piece
        chosen = (place == torch.arange(components, device=z.device)).to(z)
        code = chosen @ self.mean + (chosen @ self.spread) * z[:, 1 : self.latent]
        return torch.cat([code, z[:, self.latent :]], dim=1)

    def extra_repr(self) -> str:
        """What print shows."""
        return f"{self.latent}, {len(self.mean)}"
