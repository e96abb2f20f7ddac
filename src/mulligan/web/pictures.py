"""Samples as PNG files for pages."""

import base64

import numpy as np
from PIL import Image

from mulligan.marks import Mark, png_bytes
from mulligan.sampling.sampler import Sampler


def png(sampler: Sampler, samples: np.ndarray, mark: Mark | None, columns: int = 0) -> bytes:
    """One image as it is, several as a grid, points as a plot. columns: of the grid; 0 for about as many as rows."""
    if len(samples) == 1 and len(sampler.kind.shape) == 3:
        return png_bytes(Image.fromarray(samples[0]), mark)
    return png_bytes(sampler.kind.preview([samples], columns or max(1, round(len(samples) ** 0.5))), mark)


def link(content: bytes) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(content).decode()
