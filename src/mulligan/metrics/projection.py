"""Principal components of real samples: a small space in which distances between samples still mean something.

Balls of nearest neighbours and k-means degrade in hundreds of dimensions, most of which hold no more than noise. The components are
those of the real data alone (Pearson 1901; Hotelling 1933), so that every set of samples is seen in one space, fitted once.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import flat
from mulligan.randomness import torch_generator

DIMENSIONS = 64
_ROWS = 10_000  # rows that components are fitted to, at most
_PART = 2**26  # numbers that are seen at once: what is smaller is one product of matrices, whose last bits depend on its size
_WIDE = 2048  # beyond as many columns the small table is that of the rows, of which as many are taken


@dataclass(frozen=True)
class Projection:
    """Rows minus their mean, times orthonormal directions. Distances shrink or stay; what lies off the directions is not seen.

    mean: (D,), directions: (D, d) with d = dimensions, or less where data have fewer rows or columns. explained: share of the
    variance of the fitted rows that is kept, 1 for constant data.
    """

    mean: Tensor
    directions: Tensor
    explained: float

    @classmethod
    def fit(cls, real: Any, dimensions: int = DIMENSIONS, seed: int = 0) -> "Projection":
        """Principal components of real samples (M, D), or anything that `flat` takes; always at least one.

        Of more than 10,000 samples a random choice is fitted to; of more than 2,048 columns, 2,048 samples.

        >>> line = torch.arange(10.0)[:, None] * torch.tensor([3.0, 4.0])
        >>> Projection.fit(line, dimensions=1).apply(line).diff(dim=0).abs().mean()
        tensor(5.)
        """
        given = torch.as_tensor(real)
        most = _ROWS if given[:1].numel() <= _WIDE else _WIDE
        if len(given) > most:
            given = given[torch.randperm(len(given), generator=torch_generator(seed, "projection"))[:most]]
        rows = flat(given)
        mean = rows.mean(0, dtype=torch.float64)
        centred = rows.double() - mean
        count = max(min(dimensions, rows.shape[1], len(rows) - 1), 1)
        if len(rows) < rows.shape[1]:  # vectors of rows, carried over to columns; those of no variance are lost by that
            values, vectors = torch.linalg.eigh(centred @ centred.T)
            directions = torch.linalg.qr(centred.T @ vectors[:, -count:].flip(1)).Q
        else:
            values, vectors = torch.linalg.eigh(centred.T @ centred)
            directions = vectors[:, -count:].flip(1)
        signs = directions.gather(0, directions.abs().argmax(0, keepdim=True)).sign()  # either sign is right; one is chosen
        total = float(values.clamp(min=0).sum())
        explained = float(values[-count:].clamp(min=0).sum()) / total if total else 1.0
        return cls(mean.float(), (directions * signs).float().contiguous(), explained)

    def apply(self, samples: Any) -> Tensor:
        """Samples (N, D) along the directions: (N, d) float32. Raises DataError for rows of another length."""
        given = torch.as_tensor(samples)
        columns = flat(given[:1]).shape[1]
        if columns != len(self.mean):
            raise DataError(
                f"samples of {columns} numbers each do not fit a projection of {len(self.mean)}", "Project samples of the same shape"
            )
        # In parts, since images as floats take four times their room. The mean is taken away first: afterwards it would take digits of
        # what little is left.
        step = max(_PART // columns, 1)
        parts = [given[start : start + step] for start in range(0, max(len(given), 1), step)]
        return torch.cat([_minus(part, self.mean) @ self.directions for part in parts])


def _minus(samples: Tensor, mean: Tensor) -> Tensor:
    rows = flat(samples)
    return rows.sub_(mean) if samples.dtype == torch.uint8 else rows - mean  # bytes have been copied already
