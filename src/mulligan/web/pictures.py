"""Samples as picture files for pages and answers."""

import base64

import numpy as np
from PIL import Image

from mulligan.marks import Mark, png_bytes, webp_bytes
from mulligan.sampling.sampler import Sampler


def picture(sampler: Sampler, samples: np.ndarray, mark: Mark | None, format: str = "png", columns: int | None = None) -> bytes:
    """One image as it is, several as a grid, points as a plot. format: png or webp. columns: of the grid; absent, as many as rows."""
    alone = len(samples) == 1 and len(sampler.kind.shape) == 3
    columns = columns or max(1, round(len(samples) ** 0.5))
    made = Image.fromarray(samples[0]) if alone else sampler.kind.preview([samples], columns)
    return webp_bytes([made], mark) if format == "webp" else png_bytes(made, mark)


def link(png: bytes) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
