"""Nearest rows among many: the search that neighbours, memorisation, clusters and duplicates share.

Distances are Euclidean, in double precision, taken block by block so that the whole table of distances is never in memory.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

BLOCK = 2**22  # distances held at once: 32 MiB


def squared_distances(rows: Tensor, among: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Blocks of rows (N, D), each with its squared distances to all of `among` (M, D): (slice of rows, (n, M) float64).

    |x - y|^2 = |x|^2 + |y|^2 - 2 x·y loses digits where rows lie near each other and far from the origin; centred and in double
    precision, what is lost is below 1e-15 of the squared size of the set. A distance of zero may come out as tiny, never as negative.
    """
    centre = among.double().mean(0)
    columns = among.double() - centre
    sizes = columns.square().sum(1)
    step = max(BLOCK // len(among), 1)
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        block = rows[part].double() - centre
        squares = torch.addmm(sizes, block, columns.T, alpha=-2)
        yield part, squares.add_(block.square().sum(1, keepdim=True)).clamp_(min=0)


def nearest(rows: Tensor, among: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The k nearest of `among` to each row: distances and places, (N, k) each, the nearest first; fewer columns where `among` has fewer.

    rows: (N, D), among: (M, D). Distances are float64 and exact: those found are taken again as lengths of differences, so that
    equal rows have distance 0.

    >>> distances, places = nearest(torch.tensor([[0.0], [9.0]]), torch.tensor([[1.0], [5.0], [8.0]]))
    >>> distances.squeeze(1).tolist(), places.squeeze(1).tolist()
    ([1.0, 1.0], [0, 2])
    """
    return _nearest(rows, among, k, own=False)


def nearest_others(rows: Tensor, k: int = 1) -> tuple[Tensor, Tensor]:
    """The k nearest other rows of the same set: as `nearest`, but no row is its own neighbour. An equal row in another place is one.

    >>> nearest_others(torch.tensor([[0.0], [1.0], [3.0]]))[0].squeeze(1).tolist()
    [1.0, 1.0, 2.0]
    """
    return _nearest(rows, rows, k, own=True)


def _nearest(rows: Tensor, among: Tensor, k: int, own: bool) -> tuple[Tensor, Tensor]:
    k = max(min(k, len(among) - own), 0)
    distances = torch.empty(len(rows), k, dtype=torch.float64)
    places = torch.empty(len(rows), k, dtype=torch.int64)
    if not k:
        return distances, places
    for part, squares in squared_distances(rows, among):
        if own:
            squares[torch.arange(len(squares)), torch.arange(part.start, part.stop)] = torch.inf
        found = squares.argmin(1, keepdim=True) if k == 1 else squares.topk(k, largest=False).indices
        block = rows[part].double()
        exact = torch.stack([(block - among[column].double()).norm(dim=1) for column in found.T], dim=1)
        distances[part], order = exact.sort(dim=1)
        places[part] = found.gather(1, order)
    return distances, places
