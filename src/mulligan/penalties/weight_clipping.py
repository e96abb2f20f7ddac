"""Weight clipping: a critic whose slope is bounded because its weights are.

Arjovsky et al. 2017 (arXiv 1701.07875), algorithm 1, line 7: after every update of the critic, each of its parameters is put back into
[-c, c]; the weight is c, 0.01 in the paper.
"""

import torch
from torch import Tensor

sees = ()
needs_mix = False


def constraint(parameters: dict[str, Tensor], limit: float | Tensor) -> dict[str, Tensor]:
    """Parameters put back into [-limit, limit].

    parameters: by name, of any shapes; they are not changed. limit: positive, a number or a tensor of one. Returns new ones.

    >>> constraint({"weight": torch.tensor([-2.0, 0.005, 0.3])}, 0.01)
    {'weight': tensor([-0.0100,  0.0050,  0.0100])}
    """

    def clipped(tensor: Tensor) -> Tensor:
        bound = torch.as_tensor(limit, dtype=tensor.dtype, device=tensor.device)
        return tensor.clamp(-bound, bound)

    return {name: clipped(tensor) for name, tensor in parameters.items()}
