"""What the contract cannot know: the right change, as often as it should be."""

import pytest
import torch

from mulligan.augmentations import colour, cutout, instance_noise, translation
from mulligan.augmentations.chance import whole
from mulligan.training.game import Draw


def drawn(augmentation, shape: tuple[int, ...], count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: Draw(*draw).make(count, generator) for name, draw in augmentation.draws(shape).items()}


def test_noise_has_the_deviation_of_its_strength() -> None:
    samples = torch.zeros(2000, 3)
    made = instance_noise.augment(samples, drawn(instance_noise, (3,), 2000), torch.tensor(0.3))
    assert float(made.std()) == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize("augmentation", [translation, cutout, colour])
@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_probability(augmentation, strength: float) -> None:
    samples = torch.rand(2000, 1, 16, 16, generator=torch.Generator().manual_seed(1)) + 0.5
    made = augmentation.augment(samples, drawn(augmentation, (1, 16, 16), 2000), torch.tensor(strength))
    stays = 1 / 25 if augmentation is translation else 0.0  # of those that are shifted, by (0, 0)
    changed = float((made != samples).flatten(1).any(1).float().mean())
    assert changed == pytest.approx(strength * (1 - stays), abs=0.035)


def test_shifts_are_whole_and_at_most_an_eighth() -> None:
    """Every shift from -2 to 2, each as often."""
    samples = torch.zeros(3000, 1, 16, 16)
    samples[:, :, 8, 8] = 1
    made = translation.augment(samples, drawn(translation, (1, 16, 16), 3000), torch.tensor(1.0))
    assert torch.equal(made.sum((1, 2, 3)), torch.ones(3000))
    rows = made.sum((1, 3)).argmax(1).bincount(minlength=16)
    assert rows[:6].sum() == rows[11:].sum() == 0
    assert bool((rows[6:11] > 500).all())


def test_a_cut_is_a_square_of_half_the_side_cut_off_at_the_edges() -> None:
    made = cutout.augment(torch.ones(3000, 2, 16, 16), drawn(cutout, (2, 16, 16), 3000), torch.tensor(1.0))
    cut = (made == 0).float()
    assert torch.equal(cut[:, 0], cut[:, 1])
    height, width = cut[:, 0].amax(2).sum(1), cut[:, 0].amax(1).sum(1)
    assert torch.equal(cut[:, 0].sum((1, 2)), height * width)
    assert (float(height.min()), float(height.max())) == (4, 8)


def test_whole_numbers_stay_below_the_count() -> None:
    assert int(whole(torch.tensor([0.99999994]), 9).max()) == 8


def test_colour_changes_brightness_saturation_and_contrast_each_in_its_range() -> None:
    """An image of two halves, red and grey: what adds, what multiplies between channels, and what multiplies around the mean."""
    samples = torch.zeros(3000, 3, 4, 4)
    samples[:, 0, :2] = 0.9
    made = colour.augment(samples, drawn(colour, (3, 4, 4), 3000), torch.tensor(1.0))
    shift = made.mean((1, 2, 3)) - samples.mean((1, 2, 3))
    assert (float(shift.min()), float(shift.max())) == pytest.approx((-0.5, 0.5), abs=0.01)
    contrast = (made.mean(1)[:, 0, 0] - made.mean(1)[:, 3, 0]) / 0.3
    assert (float(contrast.min()), float(contrast.max())) == pytest.approx((0.5, 1.5), abs=0.01)
    saturation = (made[:, 0, 0, 0] - made[:, 1, 0, 0]) / 0.9 / contrast
    assert (float(saturation.min()), float(saturation.max())) == pytest.approx((0, 2), abs=0.01)


def test_colours_of_a_grey_image_have_no_saturation() -> None:
    grey = torch.rand(50, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    numbers = drawn(colour, (1, 4, 4), 50)
    other = {**numbers, "change": numbers["change"] * torch.tensor([1.0, -1.0, 1.0])}
    made = [colour.augment(grey, given, torch.tensor(1.0)) for given in (numbers, other)]
    assert torch.allclose(*made)
