"""Where an explorer stands in latent space, and what can be seen from there. No page, no thread: work that pages give to one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mulligan import given
from mulligan.data.dataset import Endless
from mulligan.errors import DataError
from mulligan.marks import Mark, png_bytes
from mulligan.randomness import numpy_generator, sample_latents
from mulligan.resolve import reopened
from mulligan.runs.folder import Run, slug
from mulligan.sampling.directions import directions
from mulligan.sampling.inversion import invert
from mulligan.sampling.sampler import Sampler
from mulligan.sampling.truncation import truncated
from mulligan.sampling.walks import legs
from mulligan.verbs import Originals, open_sampler
from mulligan.web.pictures import picture

DIRECTIONS = 8
REACH = 3.0  # deviations that a slider goes to either side
NEAR = 0.5  # deviations to either side that are shown around a point
REAL = 1000  # real points that it is shown among
SIDE = 9  # samples along a side of the map
STEPS = 8  # samples from each picked one to the next


@dataclass(frozen=True)
class Place:
    """A latent, and how it was found. moved: along each direction, in deviations. base: (D,), of a seed or of a picture."""

    base: Tensor
    moved: tuple[float, ...]
    label: int | None
    truncation: float | None
    seed: int | None  # None where it comes from a picture

    @property
    def name(self) -> str:
        """For people and files."""
        return "picture" if self.seed is None else f"seed{self.seed}"

    @property
    def is_moved(self) -> bool:
        """Whether it lies elsewhere than its base."""
        return any(self.moved) or self.truncation is not None

    def has_map_of(self, other: "Place | None") -> bool:
        """Whether another place has the same map: all is equal but what the map shows."""
        if other is None or other.base is not self.base:
            return False
        return (other.moved[2:], other.label, other.truncation) == (self.moved[2:], self.label, self.truncation)


class Explorer:
    """A run's newest model, its directions, and its training samples once they are asked for."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.model: Sampler = open_sampler(run.path)[1]
        self._directions: dict[int | None, Tensor] = {}
        self._originals: Originals | None = None
        self._real: np.ndarray | None = None  # real points, for plots

    @property
    def count(self) -> int:
        """Directions that there are."""
        return min(DIRECTIONS, self.model.description.latent.size, prod(self.model.kind.shape))

    @property
    def has_originals(self) -> bool:
        """Whether there are training samples that a sample can be near to; built-in points are drawn without end."""
        return self.run.read_recipe().data.count is not None

    @property
    def is_image(self) -> bool:
        """Whether samples are images; points have plots."""
        return len(self.model.kind.shape) == 3

    def told(self, place: Place) -> str:
        """A place in words."""
        label = "" if place.label is None else f", {self.model.classes[place.label]}"
        return f"{place.name}{label}{', moved' if place.is_moved else ''}"

    def file_name(self, place: Place) -> str:
        """A name for the sample's file: model, seed, class, and whether it was moved."""
        label = "" if place.label is None else f"-{slug(self.model.classes[place.label])}"
        return f"mulligan-{self.model.description.weights[:8]}-{place.name}{label}{'-moved' if place.is_moved else ''}.png"

    def start(self, seed: int) -> Place:
        """The first sample of a seed, of the class that it has by itself."""
        label = seed % len(self.model.classes) if self.model.classes else None
        return Place(self._of_seeds([seed])[0], (0.0,) * self.count, label, None, seed)

    def latents(self, places: Sequence[Place]) -> Tensor:
        """Latents (N, D) of places: the base, cut off where it is truncated, moved along the directions."""
        distribution = self.model.description.latent.distribution
        found = []
        for place in places:
            base = place.base[None] if place.truncation is None else truncated(place.base[None], distribution, place.truncation)
            z = base + torch.tensor([place.moved]) @ self._along(place.label)
            found.append(z.clamp(-1, 1) if distribution == "uniform" else z)
        return torch.cat(found)

    def sample(self, place: Place) -> np.ndarray:
        """The sample of a place, (1, ...)."""
        return self.model.generate(self.latents([place]), place.label)

    def shown(self, place: Place) -> bytes:
        """The sample of a place as a PNG with its mark; of points, what lies around the place among real ones."""
        mark = replace(self.model.mark, seed=None if place.is_moved else place.seed)
        if self.is_image:
            return picture(self.model, self.sample(place), mark)
        return self._plot(self._made(self._around(place, NEAR)), mark)

    def map(self, place: Place) -> bytes:
        """Samples along the first two directions around a place, the first to the right, the second upwards."""
        around = self._around(replace(place, moved=(0.0, 0.0, *place.moved[2:])), REACH)
        return picture(self.model, self._made(around), self.model.mark, columns=SIDE)

    def gallery(self, seeds: Sequence[int]) -> list[bytes]:
        """The first samples of seeds, each as a PNG."""
        return [self.shown(self.start(seed)) for seed in seeds]

    def walk(self, places: Sequence[Place]) -> bytes:
        """Samples from each place to the next, a row each."""
        ways = legs(self.latents(places), STEPS, self.model.description.latent.distribution)
        # A class has no half: the second one begins in the middle of the way
        labels = [(last if 2 * step >= STEPS else first).label for first, last in pairwise(places) for step in range(STEPS)]
        made = self.model.generate(ways.flatten(0, 1), _known(labels))
        return picture(self.model, made, self.model.mark, columns=STEPS) if self.is_image else self._plot(made, self.model.mark)

    def nearest(self, place: Place) -> tuple[bytes, float]:
        """The training sample that is nearest to the sample of a place, and their distance as `mulligan nearest` tells it."""
        originals, _, ratios = self.originals().nearest(self.sample(place))
        return picture(self.model, originals, None), float(ratios[0])

    def originals(self) -> Originals:
        """The training samples, which are read when they are first asked for."""
        if self._originals is None:
            self._originals = Originals.of(reopened(self.run.read_recipe()))
        return self._originals

    def invert(self, file: Path, tick: Callable[[float], object]) -> tuple[Place, float, float]:
        """The place whose sample is nearest to a picture, its error (`mulligan.sampling.inversion`), and that before the search."""
        try:
            raw, _ = given.read(str(file), self.model.kind.shape)
        except DataError as error:
            raise DataError(error.message.replace(str(file), "the picture"), error.hint) from None
        found = invert(self.model, raw[:1], tick=tick)
        label = None if found.labels is None else int(found.labels[0])
        place = Place(found.latents[0], (0.0,) * self.count, label, None, None)
        return place, float(found.errors[0]), float(found.before[0])

    def _of_seeds(self, seeds: Sequence[int]) -> Tensor:
        latent = self.model.description.latent
        return torch.cat([sample_latents(latent.distribution, latent.size, seed, range(1)) for seed in seeds])

    def _along(self, label: int | None) -> Tensor:
        if label not in self._directions:
            self._directions[label] = directions(self.model, DIRECTIONS, label)
        return self._directions[label]

    def _around(self, place: Place, reach: float) -> list[Place]:
        """Places along the first two directions, row by row from above."""
        x, y = (*place.moved, 0.0)[:2]
        ends = np.linspace(-reach, reach, SIDE).tolist()
        offsets = [(x + across, y + up) for up in reversed(ends) for across in ends]
        return [replace(place, moved=(*offset, *place.moved[2:])[: self.count]) for offset in offsets]

    def _made(self, places: Sequence[Place]) -> np.ndarray:
        return self.model.generate(self.latents(places), _known([place.label for place in places]))

    def _plot(self, points: np.ndarray, mark: Mark) -> bytes:
        """Generated points among real ones."""
        if self._real is None:
            train = reopened(self.run.read_recipe()).train
            self._real = train.draw(REAL, numpy_generator(0, "explorer")) if isinstance(train, Endless) else train.target[:REAL]
        return png_bytes(self.model.kind.preview([self._real, points]), replace(mark, composite=True))


def _known(labels: Sequence[int | None]) -> list[int] | None:
    """Labels for a model with classes; None for one without."""
    known = [label for label in labels if label is not None]
    return known if len(known) == len(labels) else None
