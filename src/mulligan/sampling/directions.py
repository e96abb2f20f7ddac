"""Directions of latent space along which samples change most."""

import torch
from torch import Tensor

from mulligan.randomness import sample_latents
from mulligan.sampling.sampler import Sampler

DRAWN = 512  # latents that the map is fitted to
LOOKED_AT = 16_384  # numbers of a sample, of larger ones every second, third ..., so that memory stays small


def directions(model: Sampler, count: int, label: int | None = None, seed: int = 0) -> Tensor:
    """Orthonormal directions (count, D), the one along which samples change most first; fewer where a latent or a sample has fewer numbers.

    The linear map from latents to samples that fits best (least squares over some hundred of them) is taken apart into its singular
    vectors; those on the side of the latents are the answer. Härkönen et al. 2020 (arXiv 2004.02546, section 2) regress latents on
    principal components of what the generator makes inside; here it is on samples themselves, so that any model will do. label: the class
    of all samples, by number, where the model has classes. Each direction points to where the sum of all numbers of a sample rises.
    """
    latent = model.description.latent
    z = sample_latents(latent.distribution, latent.size, seed, range(DRAWN))
    made = torch.from_numpy(model.generate(z, label)).flatten(1)
    made = made[:, :: -(-made.shape[1] // LOOKED_AT)].double()
    fitted = torch.linalg.lstsq(z.double(), made - made.mean(0)).solution  # (D, numbers of a sample)
    found, _, _ = torch.linalg.svd(fitted, full_matrices=False)
    chosen = found[:, : min(count, latent.size)].T
    rising = (chosen @ fitted).sum(1, keepdim=True)
    return torch.where(rising < 0, -chosen, chosen).to(z.dtype)
