"""Images on their way through a feature network: what is one, and passes that do not depend on an image's company."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError

BLOCK = 64  # images per pass; always this many, so that the features of an image do not depend on how many are asked for


def channels_first(images: Any) -> Tensor:
    """Images as a tensor uint8 (N, C, H, W), C 1 or 3.

    images: uint8, (N, H, W) for grey or (N, H, W, 3) for colour, of at least 4x4 pixels; an array or a tensor.
    Raises DataError for any other shape or type.

    >>> channels_first(torch.zeros(2, 28, 28, 3, dtype=torch.uint8)).shape
    torch.Size([2, 3, 28, 28])
    """
    given = torch.as_tensor(images)
    grey = given.ndim == 3
    colour = given.ndim == 4 and given.shape[-1] == 3
    if given.dtype != torch.uint8 or not (grey or colour) or min(given.shape[1:3]) < 4:
        raise DataError(
            f"images of shape {tuple(given.shape)} and type {str(given.dtype).removeprefix('torch.')} have no features",
            "Give uint8 images (N, H, W) or (N, H, W, 3) of at least 4x4 pixels",
        )
    return given.unsqueeze(1) if grey else given.permute(0, 3, 1, 2)


def in_blocks(look: Callable[[Tensor], tuple[Tensor, ...]], rows: Tensor) -> tuple[Tensor, ...]:
    """What `look` makes of rows, taken BLOCK at a time; zeros fill up the last block and are cut off again.

    look: a function of exactly BLOCK rows that gives tensors with one row for each. A row in the same place of a block comes out
    the same, bit for bit, whatever the others are. No gradients are kept.

    >>> (doubled,) = in_blocks(lambda block: (2 * block,), torch.arange(100.0))
    >>> doubled.shape, float(doubled[99])
    (torch.Size([100]), 198.0)
    """
    seen = []
    with torch.inference_mode():
        for start in range(0, max(len(rows), 1), BLOCK):  # none at all pass once, for the shapes
            part = rows[start : start + BLOCK]
            padding = part.new_zeros(BLOCK - len(part), *part.shape[1:])
            seen.append([told[: len(part)] for told in look(torch.cat([part, padding]))])
    return tuple(torch.cat(pieces) for pieces in zip(*seen, strict=True))
