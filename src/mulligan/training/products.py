"""Who multiplies the matrices of a compiled step on a CPU: PyTorch's own choice (on an x86 mostly MKL) or oneDNN, whichever is faster here.

In float32 PyTorch asks oneDNN for convolutions alone. On a processor of AMD, where MKL leaves half of the vector units unused, oneDNN
takes half the time for a product (dev/LOG.md).
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

ROWS, INNER, COLUMNS = 128, 512, 512  # of the product that is timed: about what a dense layer of a recipe computes
ROUNDS = 9
CLEARLY = 0.8  # of the time of PyTorch's own: what oneDNN may take at most


def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies float32 matrices clearly faster than what PyTorch calls for them, by a measurement of some milliseconds."""
    if not torch._C._has_mkldnn or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    left, right = torch.ones(ROWS, INNER), torch.ones(COLUMNS, INNER)
    return compare(lambda: by_onednn(left, right), lambda: left @ right.T) < CLEARLY


def by_onednn(left: Tensor, right: Tensor) -> Tensor:
    """The product left @ right.T of matrices (M, K) and (N, K) of float32 on a CPU; without gradients."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, None, "none", [], "")
    return product


def compare(one: Callable[[], object], other: Callable[[], object]) -> float:
    """How many times as long as the other a function takes: the median of ratios of calls in turn, the first ones left out."""
    ratios = []
    for number in range(ROUNDS + 1):
        begun = time.perf_counter()
        one()
        between = time.perf_counter()
        other()
        if number:
            ratios.append((between - begun) / (time.perf_counter() - between))
    return statistics.median(ratios)
