"""Zero-centred gradient penalty on real samples (R1): D should be flat where the data are.

Mescheder et al. 2018 (arXiv 1801.04406), equation 9: gamma / 2 times the mean of ||grad D(x)||^2; the weight is gamma.
"""

from torch import Tensor

from mulligan.penalties.slope import Critic, given, gradients

sees = ("real",)
needs_mix = False


def penalty(critic: Critic, real: Tensor | None, fake: Tensor | None, mix: Tensor | None) -> Tensor:
    """Half the squared gradient norm at each real sample.

    critic: samples (N, ...) -> logits (N,). real: (N, ...). fake, mix: not looked at. Returns (N,), never negative.
    Raises ValueError without real samples.

    >>> import torch
    >>> penalty(lambda x: x @ torch.tensor([3.0, 4.0]), torch.zeros(2, 2), None, None)
    tensor([12.5000, 12.5000])
    """
    return 0.5 * gradients(critic, given(real, "real samples")).square().sum(1)
