"""Feature matching: G is to make D's hidden layer see, in the mean, what it sees of real samples, and not to win against D.

Salimans et al. 2016 (arXiv 1606.03498), section 3.1: G minimises |E f(x) - E f(G(z))|^2, with f what an intermediate layer of D gives;
here the last one in front of the logit. D is trained as usual: by the cross-entropy of `non_saturating`.
"""

from torch import Tensor
from torch.nn.functional import softplus

needs_pairs = False
needs_features = True  # the generator's loss looks at what D's layers saw of both sides
reading = "probability"
equilibrium = "D(x) = 0.5 for every x"


def real_loss(d_real: Tensor, smoothing: float = 0.0) -> Tensor:
    """Loss of D on real samples: binary cross-entropy with the target 1 - smoothing.

    d_real: logits (N,). Returns (N,), never negative for smoothing in [0, 1].

    >>> import torch
    >>> real_loss(torch.zeros(2))
    tensor([0.6931, 0.6931])
    """
    return softplus(-d_real) + smoothing * d_real


def fake_loss(d_fake: Tensor) -> Tensor:
    """Loss of D on fakes: -log(1 - D(G(z))), the binary cross-entropy with the target 0.

    d_fake: logits (N,). Returns (N,), never negative.
    """
    return softplus(d_fake)


def generator_loss(real_features: tuple[Tensor, ...], fake_features: tuple[Tensor, ...]) -> Tensor:
    """Loss of G: squared distance of the mean features of a batch, the same number for each of its samples.

    real_features, fake_features: what D's layers gave, each (N, ...), the last one behind. Returns (N,), never negative.

    >>> import torch
    >>> generator_loss((torch.tensor([[3.0, 0.0], [3.0, 8.0]]),), (torch.zeros(2, 2),))
    tensor([25., 25.])
    """
    real, fake = real_features[-1].flatten(1), fake_features[-1].flatten(1)
    return (real.mean(0) - fake.mean(0)).square().sum().expand(len(fake))
