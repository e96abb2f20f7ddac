"""Zero-centred gradient penalty on fakes (R2): D should be flat where the generator is.

Mescheder et al. 2018 (arXiv 1801.04406), equation 10: gamma / 2 times the mean of ||grad D(G(z))||^2; the weight is gamma.
"""

from torch import Tensor

from mulligan.penalties.slope import Critic, given, gradients

sees = ("fake",)
needs_mix = False


def penalty(critic: Critic, real: Tensor | None, fake: Tensor | None, mix: Tensor | None) -> Tensor:
    """Half the squared gradient norm at each fake.

    critic: samples (N, ...) -> logits (N,). fake: (N, ...). real, mix: not looked at. Returns (N,), never negative.
    Raises ValueError without fakes.

    >>> import torch
    >>> penalty(lambda x: x @ torch.tensor([3.0, 4.0]), None, torch.zeros(2, 2), None)
    tensor([12.5000, 12.5000])
    """
    return 0.5 * gradients(critic, given(fake, "fakes")).square().sum(1)
