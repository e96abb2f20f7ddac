import json
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest

from mulligan.lab import Lab, LabSettings
from mulligan.web.studio.lab_frames import GRAIN, frame
from mulligan.web.studio.lab_page import JOINED, penalty_choices

SMALL = LabSettings(width=8, batch=16)


def places(text: str) -> np.ndarray:
    return np.frombuffer(b64decode(text), "<i2").reshape(-1, 2) / GRAIN


def test_a_frame_holds_what_the_view_holds() -> None:
    lab = Lab("moons", SMALL)
    lab.step(count=3)
    view = lab.view()
    made = frame(view, lab.settings)
    assert np.allclose(places(made.canvas["fake"]), view.fake, atol=0.6 / GRAIN)
    assert np.allclose(places(made.canvas["lines"]), view.lattice.reshape(-1, 2), atol=0.6 / GRAIN)
    land = np.frombuffer(b64decode(made.canvas["land"]), "<i2").reshape(view.landscape.values.shape) / 32767
    assert np.allclose(land, (view.landscape.values - 0.5) / 0.5, atol=1e-4)
    assert np.frombuffer(b64decode(made.losses["steps"]), "<f4").tolist() == [1, 2, 3]
    assert made.distances["levels"] == [view.floor.kl, view.floor.js]
    assert "after 3 steps" in made.label
    assert len(json.dumps(made)) < 40_000


def test_what_is_far_away_is_cut_and_not_wrapped_around() -> None:
    lab = Lab("ring", SMALL)
    view = lab.view()
    wild = replace(view, fake=np.array([[1e6, -1e6]], np.float32))
    assert places(frame(wild, SMALL).canvas["fake"]).tolist() == [[32.0, -32.0]]


@pytest.mark.parametrize("joined", penalty_choices())
def test_every_penalty_that_is_offered_can_be_played(joined: str) -> None:
    lab = Lab("ring", SMALL)
    lab.change(SMALL.model_copy(update={"penalties": tuple(joined.split(JOINED)) if joined else ()}))
    assert lab.step() == 1
