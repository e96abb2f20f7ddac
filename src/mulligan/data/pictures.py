"""Pixels from any form into squares of one size: uint8 (C, size, size), grey or RGB."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from mulligan.recipe import Data

Size = tuple[int, int]  # width, height
KEPT = range(28, 65)  # squares of these sides stay as they are


def side_for(request: Data, sizes: Iterable[Size]) -> int:
    """The side to resize to: as asked for; that of the images, if they are all one square of 28 to 64; else the default.

    >>> side_for(Data(source="x"), [(28, 28), (28, 28)]), side_for(Data(source="x"), [(640, 480)])
    (28, 32)
    """
    if request.size is not None:
        return request.size
    found = set(sizes)
    if len(found) == 1:
        width, height = found.pop()
        if width == height and width in KEPT:
            return width
    return request.default_size


def square(image: Image.Image, side: int, channels: int) -> np.ndarray:
    """An image (mode L or RGB) as uint8 (channels, side, side): its centre square, resized with antialiasing."""
    image = image.convert("L" if channels == 1 else "RGB")
    width, height = image.size
    if (width, height) != (side, side):
        edge = min(width, height)
        left, top = (width - edge) // 2, (height - edge) // 2
        image = image.crop((left, top, left + edge, top + edge))  # resize alone would look beyond the edge
        # Reducing by whole numbers first costs little and keeps the antialiasing of the rest.
        image = image.resize((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = np.asarray(image)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def fit_all(pixels: np.ndarray, side: int, channels: int) -> np.ndarray:
    """Images uint8 (N, H, W) or (N, H, W, 3) as uint8 (N, channels, side, side)."""
    grey = pixels.ndim == 3
    if pixels.shape[1:3] == (side, side) and grey == (channels == 1):
        return np.ascontiguousarray(pixels[:, None] if grey else pixels.transpose(0, 3, 1, 2))
    fitted = np.empty((len(pixels), channels, side, side), np.uint8)
    for place, sample in enumerate(pixels):
        fitted[place] = square(Image.fromarray(sample), side, channels)
    return fitted


def channels_for(request: Data, grey: bool) -> int:
    """1 or 3: as asked for, or as found."""
    if request.colour == "auto":
        return 1 if grey else 3
    return 1 if request.colour == "grey" else 3
