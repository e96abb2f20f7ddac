from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of small images, each of one random colour, the same at each call."""

    def make(count: int, name: str = "photos", size: tuple[int, int] = (28, 28), grey: bool = True, ending: str = "png") -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        colours = np.random.default_rng(0).integers(0, 256, (count, 3))
        for place, (red, green, blue) in enumerate(colours.tolist()):
            image = Image.new("L", size, red) if grey else Image.new("RGB", size, (red, green, blue))
            image.save(folder / f"{place:04d}.{ending}")
        return folder

    return make
