"""Where an explorer stands, and what is seen from there, without a page."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mulligan.cli import main
from mulligan.errors import DataError, UsageError
from mulligan.runs.folder import Run
from mulligan.web.studio.exploring import SIDE, STEPS, Explorer


@pytest.fixture(scope="module")
def explorer(trained: Path) -> Explorer:
    return Explorer(Run(trained / "0001-modern-bars"))


def opened(png: bytes) -> Image.Image:
    return Image.open(BytesIO(png))


def test_a_seed_is_the_sample_that_others_draw(explorer: Explorer) -> None:
    np.testing.assert_array_equal(explorer.sample(explorer.start(5)), explorer.model.sample(range(1), seed=5))


def test_moves_truncation_and_the_middle(explorer: Explorer) -> None:
    start = explorer.start(3)
    moved = replace(start, moved=(1.5, *start.moved[1:]))
    way = explorer.latents([moved]) - explorer.latents([start])
    torch.testing.assert_close(way.norm(), torch.tensor(1.5), atol=1e-5, rtol=0)
    assert explorer.latents([replace(start, truncation=0.1)]).abs().max() <= 0.1
    assert explorer.told(moved) == "seed3, moved"
    assert start.has_map_of(replace(start, moved=(2.0, -1.0, *start.moved[2:])))
    assert not start.has_map_of(replace(start, truncation=1.0))
    assert not start.has_map_of(explorer.start(4))


def test_the_map_and_the_walk_hold_what_they_lead_to(explorer: Explorer) -> None:
    start = explorer.start(0)
    side = explorer.model.kind.shape[1]
    assert opened(explorer.map(start)).width >= SIDE * side
    walk = opened(explorer.walk([start, explorer.start(1), explorer.start(2)]))
    assert walk.width >= STEPS * side
    assert walk.height >= 2 * side


def test_a_picture_leads_to_a_latent(explorer: Explorer, tmp_path: Path) -> None:
    Image.fromarray(explorer.model.sample(range(1), seed=9)[0]).save(tmp_path / "given.png")
    told: list[float] = []
    place, error, before = explorer.invert(tmp_path / "given.png", told.append)
    assert error <= before
    assert place.name == "picture"
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] < 1
    (tmp_path / "none.png").write_bytes(b"none")
    with pytest.raises(DataError):
        explorer.invert(tmp_path / "none.png", told.append)


def test_who_cancels_is_obeyed(explorer: Explorer, tmp_path: Path) -> None:
    Image.fromarray(explorer.model.sample(range(1), seed=9)[0]).save(tmp_path / "given.png")

    def stop(share: float) -> None:
        if share > 0.2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        explorer.invert(tmp_path / "given.png", stop)


def test_points_have_as_many_directions_as_numbers(tmp_path: Path) -> None:
    run = tmp_path / "points"
    words = ["train", "ring", "--recipe", "points", "--run", str(run), "--steps", "5", "machine.compile=off", "machine.threads=1"]
    assert main(words) == 0
    explorer = Explorer(Run(run))
    assert (explorer.count, explorer.is_image) == (2, False)
    start = explorer.start(1)
    for png in (
        explorer.shown(start),
        explorer.walk([start, explorer.start(2)]),
    ):
        assert opened(png).width > 100
    with pytest.raises(UsageError, match="never end"):
        explorer.nearest(start)
