import numpy as np
import pytest

from mulligan.data.dataset import Split, fingerprint, held_out, images, require_same, split_by
from mulligan.errors import DataError
from mulligan.recipe import Data

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 1, 8, 8), np.uint8)


def test_f08_the_fingerprint_follows_content_order_shape_and_labels() -> None:
    labels = np.arange(6) % 2
    same = fingerprint(Split(PIXELS, labels))
    assert fingerprint(Split(np.asfortranarray(PIXELS), labels.copy())) == same
    changed = PIXELS.copy()
    changed[3, 0, 5, 5] ^= 1
    others = [
        Split(changed, labels),
        Split(PIXELS[::-1], labels),
        Split(PIXELS.reshape(6, 1, 4, 16), labels),
        Split(PIXELS, labels[::-1]),
        Split(PIXELS),
        Split(PIXELS[:5], labels[:5]),
    ]
    assert len({same, *(fingerprint(other) for other in others)}) == 7


def test_f08_changed_data_are_told_with_what_changed() -> None:
    before = images(Data(source="mine"), Split(PIXELS), None).data
    require_same(images(Data(source="mine"), Split(PIXELS.copy()), None).data, before)
    with pytest.raises(DataError, match="count 6, now 5"):
        require_same(images(Data(source="mine"), Split(PIXELS[:5]), None).data, before)
    with pytest.raises(DataError, match="same shape, other content") as caught:
        require_same(images(Data(source="mine"), Split(255 - PIXELS), None).data, before)
    assert caught.value.exit_code == 3


def test_about_a_tenth_is_held_out_and_stays_so() -> None:
    names = [f"{place}.png" for place in range(2000)]
    held = held_out(names)
    assert 150 < held.sum() < 250
    assert np.array_equal(held_out(names[500:]), held[500:])
    assert not held_out(names[:99]).any()


def test_nothing_held_out_is_no_test_split() -> None:
    train, test = split_by(np.zeros(6, bool), PIXELS, None)
    assert test is None
    assert train.target is PIXELS
