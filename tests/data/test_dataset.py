import numpy as np
import pytest

from mulligan.data.dataset import Split, fingerprint, held_out, images, require_same, split_by
from mulligan.data.opening import open_dataset
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


def test_a_limit_takes_a_part_that_is_always_the_same() -> None:
    """A hundred are among the five hundred, in their order and with their labels; the test split stays whole."""
    whole = open_dataset(Data(source="digits"))
    part, smaller = (open_dataset(Data(source="digits", limit=limit)) for limit in (500, 100))
    assert (part.data.count, smaller.data.count) == (500, 100)
    assert len({whole.data.fingerprint, part.data.fingerprint, smaller.data.fingerprint}) == 3
    assert open_dataset(Data(source="digits", limit=500)).data == part.data
    rows = [row_numbers(split.train) for split in (whole, part, smaller)]
    assert set(rows[2].values()) <= set(rows[1].values()) <= set(rows[0].values())
    places = {row: place for place, row in rows[0].items()}
    order = [places[row] for _, row in sorted(rows[1].items())]
    assert order == sorted(order)
    assert len(part.test.target) == len(whole.test.target) == 2000


def row_numbers(split: Split) -> dict[int, tuple[bytes, int]]:
    """Place -> content and label."""
    return {place: (image.tobytes(), int(label)) for place, (image, label) in enumerate(zip(split.target, split.label, strict=True))}


def test_a_limit_beyond_the_data_takes_all() -> None:
    assert open_dataset(Data(source="digits", limit=9000)).data.fingerprint == open_dataset(Data(source="digits")).data.fingerprint


def test_no_limit_of_what_never_ends() -> None:
    with pytest.raises(DataError, match="ring makes new points without end"):
        open_dataset(Data(source="ring", limit=100))
