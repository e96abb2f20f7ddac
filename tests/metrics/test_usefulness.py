"""Whether samples help: more of the same does, wrong labels do not, and the answer is the same each time."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t
from torch import Tensor

from mulligan.data.digits import load
from mulligan.errors import DataError
from mulligan.metrics import classifier
from mulligan.metrics.classifier import Classifier, Part
from mulligan.metrics.usefulness import (
    MEANING,
    Usefulness,
    Way,
    _compared,
    _interval,
    _nested,
    chosen_sizes,
    student,
    trainings,
    usefulness,
)
from mulligan.randomness import numpy_generator
from mulligan.recipe import Data

CENTRES = torch.cat([torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]), torch.zeros(3, 10)], 1)


def blobs(count: int, seed: int, labels: Any = None) -> tuple[Tensor, Tensor]:
    """Three Gaussians that overlap a little, of the labels that are asked for; ten of the twelve columns say nothing."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.arange(count) % 3 if labels is None else torch.as_tensor(labels)
    return CENTRES[own] + 0.6 * torch.randn(count, 12, generator=generator), own


def perfect(count: int, labels: np.ndarray | None, seed: int) -> Tensor:
    return blobs(count, 1000 + seed, labels)[0]


def shuffled(count: int, labels: np.ndarray | None, seed: int) -> Tensor:
    """Good samples, whose labels have nothing to do with what was asked for."""
    assert labels is not None
    return perfect(count, numpy_generator(seed, "shuffled").permutation(labels), seed)


def judged(sampler: Any = perfect, **settings: Any) -> Usefulness:
    (train, labels), (test, test_labels) = blobs(600, 1), blobs(900, 2)
    return usefulness(
        sampler, train, labels, test, test_labels, **{"sizes": (12, 600), "seeds": (0, 1, 2, 3), "n": 300, "steps": 40} | settings
    )


def test_more_samples_of_the_same_distribution_help_where_there_are_few() -> None:
    found = judged()
    few, all_of_them = found.sizes
    assert (few.real, few.verdict, all_of_them.verdict) == (12, "helps", "no gain shown")
    assert few.gain.low > 0
    assert few.to_real["both"].value == pytest.approx(few.accuracy["both"].value - few.accuracy["real"].value)
    assert found.verdict == "no gain shown"  # that of the largest size
    assert abs(found.gap.value) < 0.03
    assert found.labels == "asked for"
    assert found.sentence() == "helps at 12 real samples, no gain shown at 600; overall: no gain shown"


def test_nothing_is_gained_from_shuffled_labels() -> None:
    found = judged(shuffled)
    assert found.cas.value == pytest.approx(1 / 3, abs=0.15)
    assert found.gap.low > 0.3
    assert {at.verdict for at in found.sizes} <= {"hurts", "no gain shown"}
    assert all(at.gain.value < 0 for at in found.sizes)


@pytest.mark.slow
def test_digits_help_a_hundred_digits_and_shuffled_ones_do_not() -> None:
    """Real optimisers on real pictures: a sampler that hands out other real digits, with their labels and with those of others."""
    dataset = load(Data(source="digits"))
    pixels, labels = torch.from_numpy(dataset.train.target), torch.from_numpy(dataset.train.label)
    pool, pool_labels = pixels[1000:], labels[1000:]

    def others(count: int, asked: np.ndarray | None, seed: int, shuffle: bool = False) -> Tensor:
        generator = numpy_generator(seed, "others")
        wanted = generator.permutation(asked) if shuffle else asked
        places = [(pool_labels == label).nonzero().flatten() for label in range(10)]
        return torch.stack([pool[places[label][generator.integers(len(places[label]))]] for label in wanted])

    def wrong(count: int, asked: np.ndarray | None, seed: int) -> Tensor:
        return others(count, asked, seed, shuffle=True)

    test, test_labels = torch.from_numpy(dataset.test.target), torch.from_numpy(dataset.test.label)
    settings: dict[str, Any] = {"sizes": (100,), "seeds": (0, 1, 2), "n": 2000, "steps": 100}
    right, none = (usefulness(s, pixels[:1000], labels[:1000], test, test_labels, **settings) for s in (others, wrong))
    assert right.verdict == "helps"
    assert right.sizes[0].better in ("real", "augmented")
    assert none.verdict != "helps"
    assert none.cas.value == pytest.approx(0.1, abs=0.08)
    assert tuple(right.sizes[0].accuracy) == tuple(MEANING)


def test_same_seeds_same_figures() -> None:
    assert judged(sizes=(12,)).as_dict() == judged(sizes=(12,)).as_dict()
    assert judged(sizes=(12,)).sizes[0].seeds != judged(sizes=(12,), seeds=(4, 5, 6, 7)).sizes[0].seeds


def test_a_seed_draws_its_samples_once_whatever_the_sizes() -> None:
    calls = []

    def counted(count: int, labels: np.ndarray | None, seed: int) -> Tensor:
        calls.append((count, seed, None if labels is None else tuple(np.bincount(labels))))
        return perfect(count, labels, seed)

    told: list[int] = []
    found = judged(counted, n=200, steps=5, told=told.append)
    assert [call[:2] for call in calls] == [(200, seed) for seed in (0, 1, 2, 3)]
    assert all(max(shares) - min(shares) < 30 for _, _, shares in calls)  # those of the real data, as far as chance lets them
    assert sum(told) == trainings((12, 600), 4, images=False, conditional=True) == 20
    assert found.protocol.n == 200


def test_samples_without_labels_are_labelled_by_what_the_real_ones_taught() -> None:
    def unlabelled(count: int, labels: np.ndarray | None, seed: int) -> Tensor:
        assert labels is None
        return perfect(count, None, seed)

    told: list[int] = []
    found = judged(unlabelled, conditional=False, told=told.append)
    assert found.labels == "given by a classifier of the real data"
    assert sum(told) == trainings((12, 600), 4, images=False, conditional=False) == 24
    few, many = found.sizes
    assert few.accuracy["synthetic"].value < many.accuracy["synthetic"].value  # a teacher of 12 samples teaches less
    assert few.accuracy["synthetic"].value > 0.5


def test_real_samples_of_a_size_have_the_shares_of_the_classes_and_nest() -> None:
    labels = torch.cat([torch.zeros(300), torch.ones(100)]).long()
    parts = _nested(Part(torch.arange(400.0)[:, None], labels), (8, 40, 400), seed=5)
    assert [int(part.labels.sum()) for part in parts.values()] == [2, 10, 100]
    rows = [set(part.samples.flatten().tolist()) for part in parts.values()]
    assert rows[0] < rows[1] < rows[2]
    assert rows[0] != set(_nested(Part(torch.arange(400.0)[:, None], labels), (8,), seed=6)[8].samples.flatten().tolist())


@pytest.mark.parametrize(
    ("augmented", "both", "verdict"),
    [(0.7, 0.9, "helps"), (0.9, 0.8, "no gain shown"), (0.9, 0.9, "no gain shown"), (0.5, 0.6, "no gain shown"), (0.9, 0.3, "hurts")],
)
def test_verdicts(augmented: float, both: float, verdict: str) -> None:
    """Real samples alone reach 0.6: a gain has to be one over augmentation, too, and a loss is one against real samples alone."""
    shares: dict[Way, float] = {"real": 0.6, "augmented": augmented, "synthetic": 0.5, "both": both}
    generator = torch.Generator().manual_seed(0)
    right = {(50, way): (torch.rand(5, 1000, generator=generator) < share).double() for way, share in shares.items()}
    protocol = judged(steps=1, n=10).protocol
    found = _compared(right, (50,), "asked for", protocol)
    assert (found.verdict, found.sizes[0].better) == (verdict, "augmented" if augmented > 0.6 else "real")
    assert ("but not than augmentation" in found.sentence()) == (verdict == "no gain shown" and both > 0.7)
    assert found.sizes[0].to_real["both"].value == pytest.approx(both - 0.6, abs=0.02)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 30])
def test_students_quantile(freedom: int) -> None:
    assert student(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=1e-9)


def test_an_interval_covers_the_truth() -> None:
    """Hits of two ways with a known difference: the interval holds it in about 95 of 100 repetitions."""
    generator = torch.Generator().manual_seed(0)
    held = 0
    for _ in range(200):
        skill = torch.randn(5, 1, generator=generator, dtype=torch.float64) * 0.02
        hard = torch.randn(1, 400, generator=generator, dtype=torch.float64) * 0.1
        found = _interval(0.3 + skill + hard)
        held += found.low <= 0.3 <= found.high
    assert 182 <= held <= 200


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 48), (1, 5, 8)])
def test_a_classifier_takes_images_of_any_size(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 2
    images = (torch.rand(40, *shape, generator=generator) * 60 + 150 * labels[:, None, None, None]).to(torch.uint8)
    told_apart = Classifier(images, 2, steps=20, flips=True)
    weights = told_apart.fit([Part(images, labels)], 0, augmented=True)
    assert sum(weight.numel() for weight in weights) == told_apart.parameters < 60_000
    assert bool((told_apart.classify(weights, images) == labels).all())


def test_augmentation_moves_a_little_and_mirrors_only_if_told() -> None:
    """A bright half stays on its side, unless images may be mirrored; no image is left as it was."""
    images = torch.zeros(64, 1, 28, 28, dtype=torch.uint8)
    images[..., :14] = 255
    inputs = images.float() / 127.5 - 1
    kept, mirrored = (Classifier(images, 2, flips=flips)._augment(inputs, torch.Generator().manual_seed(0)) for flips in (False, True))
    assert bool((kept[..., 4].mean((1, 2)) > 0.9).all())
    assert 15 < int((mirrored[..., 4].mean((1, 2)) < 0).sum()) < 49
    assert bool(((kept - inputs).abs().amax((1, 2, 3)) > 0.01).all())
    assert float(kept.abs().max()) <= 1.0001
    assert classifier.SHIFT == 2


def test_sizes_that_there_are() -> None:
    assert chosen_sizes(None, torch.arange(8000) % 10) == (100, 1000, 8000)
    assert chosen_sizes(None, torch.arange(90) % 10) == (90,)
    assert chosen_sizes((500, 20, 500), np.arange(600) % 10) == (20, 500)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"sizes": (2,)}, "2 real samples: there are 600, of 3 classes"),
        ({"sizes": (601,)}, "601 real samples"),
        ({"seeds": (0,)}, "one seed has no spread"),
        ({"seeds": (4, 4)}, "one seed has no spread"),
        ({"sampler": lambda count, labels, seed: torch.zeros(count, 3)}, "the sampler made"),
    ],
)
def test_what_cannot_be_judged(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        judged(**settings)


def test_labels_that_do_not_fit() -> None:
    points, labels = blobs(90, 0)
    with pytest.raises(DataError, match="90 training samples with labels of shape"):
        usefulness(perfect, points, labels[:8], points, labels)
    with pytest.raises(DataError, match="test samples"):
        usefulness(perfect, points, labels, points[:0], labels[:0])
    with pytest.raises(DataError, match="one class"):
        usefulness(perfect, points, labels * 0, points, labels * 0)
    with pytest.raises(DataError, match="training samples of shape"):
        usefulness(perfect, points, labels, points[:, :1], labels)
