"""F30: images that are deleted or altered while a training is under way."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mulligan.data import folder
from mulligan.data.opening import open_dataset
from mulligan.recipe import Data
from mulligan.runs import history
from mulligan.runs.folder import Run

from .conftest import SETTINGS

DATA = 3
IMAGES = 40


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of small grey images, no two alike."""
    place = tmp_path / "photos"
    place.mkdir()
    for number, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (IMAGES, 28, 28), np.uint8)):
        Image.fromarray(pixels).save(place / f"{number:02d}.png")
    return place


def test_f30_an_image_that_goes_while_the_folder_is_read_is_counted(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = folder.find_images

    def then_one_goes(root: Path) -> object:
        names = found(root)
        (root / "07.png").unlink()
        return names

    monkeypatch.setattr(folder, "find_images", then_one_goes)
    dataset = open_dataset(Data(source=str(photos)))
    assert dataset.data.count == IMAGES - 1
    assert [skip.file for skip in dataset.skipped] == ["07.png"]


@pytest.mark.parametrize("what", ["deleted", "altered"])
def test_f30_a_run_in_the_middle_does_not_see_it_and_its_resume_names_it(
    what: str, photos: Path, tmp_path: Path, mulligan: Callable[..., tuple[int, str]], stopped: Callable[..., None]
) -> None:
    run = tmp_path / "run"
    asked = ["train", str(photos), "--recipe", "shallow", "--run", str(run), *SETTINGS]
    stopped(2, *asked)
    if what == "deleted":
        (photos / "07.png").unlink()
    else:
        Image.new("L", (28, 28), 3).save(photos / "07.png")
    code, said = mulligan("resume", str(run))
    assert code == DATA
    assert f"{photos} has changed since the run began" in said
    assert (f"count {IMAGES}, now {IMAGES - 1}" if what == "deleted" else "other content") in said
    assert mulligan("resume", str(run), "--allow-changed-data")[0] == 0
    assert history.read(Run(run))[-1]["step"] == 15
