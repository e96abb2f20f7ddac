"""What a report looks at: samples of fixed latents beside real ones, a distance, the moments of both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from mulligan.data.dataset import Dataset, Split
from mulligan.diagnostics import proof
from mulligan.diagnostics.diagnosis import write
from mulligan.diagnostics.finding import Diagnosis
from mulligan.kinds.plots import Decision, preview_points
from mulligan.marks import Mark, write_gif, write_npz, write_png
from mulligan.metrics.distances import Slices
from mulligan.randomness import numpy_generator, sample_latents
from mulligan.runs import history
from mulligan.training.game import Batch, Cast
from mulligan.training.probing import Memory, Prober
from mulligan.training.session import Session
from mulligan.training.state import sampled

VALIDATION = 1000  # samples of each side that a probe compares
LEAST = 256  # samples that a probe is given, also of a small data set
RAW = 300  # samples of the generator as it is, where the average is what is looked at
GRID = 100  # samples in a picture
COLUMNS = 10
BLOCK = 250  # samples made at once
FRAMES = 40  # of the GIF, which stands in the report


@dataclass
class Observer:
    """Looks at the players of a session from outside; nothing that it does changes them.

    The validation slice is a part of the training samples (chosen once, by the seed), so that a checkpoint is never selected by the
    test split; another slice of the same size gives the floor: what real data score.
    """

    session: Session
    validation: Batch = field(init=False)
    slices: Slices = field(init=False)
    floor: float = field(init=False)
    data_mean: float = field(init=False)
    data_std: float = field(init=False)
    prober: Prober = field(init=False)
    _fixed: Tensor = field(init=False, default_factory=lambda: torch.empty(0))  # latents that were drawn already
    memory: Memory = field(init=False, default_factory=dict)  # of the newest figures: the session keeps it once their line is written

    def __post_init__(self) -> None:
        source, seed = self.session.source, self.session.recipe.seed
        if isinstance(source.split, Split):
            order = numpy_generator(seed, "validation").permutation(len(source.split.target))
            half = max(min(VALIDATION, len(order) // 2), 1)
            self.validation, other = source.records(order[:half]), source.records(order[-half:])
        else:
            draws = [source.split.draw(VALIDATION, numpy_generator(seed, "validation", side)) for side in (0, 1)]
            self.validation, other = (Batch(torch.from_numpy(draw).to(source.device), None, torch.zeros(VALIDATION)) for draw in draws)
        self.slices = Slices(self._decoded_raw(self.validation.target))
        self.floor = self.slices.distance(self._decoded_raw(other.target))
        seen = self.session.game.kind.encode(self.validation.target)
        self.data_mean, self.data_std = float(seen.mean()), float(seen.std(correction=0))
        self.prober = Prober(self.session, self.validation)

    def figures(self) -> dict[str, float]:
        """Figures of samples as they are now; not-a-number where a sample is not finite."""
        count = len(self.validation.target)
        drawn = torch.cat(list(self._samples(max(count, LEAST))))
        made = drawn[:count]
        values = {
            "sample.mean": float(made.mean()),
            "sample.std": float(made.std(correction=0)),
            "data.mean": self.data_mean,
            "data.std": self.data_std,
            "distance": float("nan"),
            "distance.floor": self.floor,
        }
        if bool(made.isfinite().all()):
            values["distance"] = self.slices.distance(self.session.game.kind.decode(made))
        label = self._latents(range(len(drawn)))[1]
        probed, self.memory = self.prober.figures(drawn, label, self._raw_samples, self.session.memory)
        return values | probed

    def write_diagnosis(self, diagnosis: Diagnosis, lines: Sequence[history.Line]) -> None:
        """diagnosis.json, and the picture that shows what was found."""
        kind = self.session.game.kind
        made = torch.cat(list(self._samples(max(len(self.validation.target), LEAST))))
        whole = made[made.flatten(1).isfinite().all(1)]
        decoded = kind.decode(whole) if len(whole) else self.prober.real[:0]
        caption = proof.write(self.session.run, diagnosis, lines, kind, self.prober.probe, self.prober.real, decoded)
        write(self.session.run, diagnosis, caption)

    def _raw_samples(self, cast: Cast) -> Tensor:
        return self.session.game.sample(cast, *self._latents(range(RAW)), self.validation).float()

    def write_picture(self) -> None:
        """The sample grid (or the plot of points) of this step."""
        session = self.session
        kind, game = session.game.kind, session.game
        cast = sampled(game.actors, session.state)
        if kind.name == "points":
            made = kind.decode(torch.cat(list(self._samples(len(self.validation.target)))))
            real = self._decoded_raw(self.validation.target)
            picture = preview_points(real, made, self._decision(cast), session.dataset.data.columns)
            mark = Mark(composite=True, seed=session.recipe.seed)
        else:
            with torch.no_grad():
                shown = game.show(cast, *self._latents(range(GRID)), self._first(GRID))
            groups = [kind.decode(group) for group in shown.groups]
            made, picture = groups[-1], self._preview(groups)
            mark = Mark(composite=game.shows_real, seed=session.recipe.seed)
        write_png(picture, session.run.sample_grid(session.step), mark)
        if session.recipe.keeping.arrays:
            name = "points" if kind.name == "points" else "images"
            write_npz({name: made}, session.run.sample_array(session.step), Mark(seed=session.recipe.seed))

    def write_real(self) -> None:
        """The real grid: the data first."""
        arrays, kind = self._decoded_raw(self.validation.target), self.session.game.kind
        if kind.name == "points":
            picture = preview_points(arrays, None, names=self.session.dataset.data.columns)
        else:
            picture = self._preview([arrays[:GRID]])
        write_png(picture, self.session.run.real_grid, None)

    def _preview(self, groups: Sequence[np.ndarray]) -> Image:
        session = self.session
        return session.game.kind.preview(groups, columns=COLUMNS, dark_on_light=session.recipe.keeping.dark_on_light)

    def _samples(self, count: int) -> Iterator[Tensor]:
        session = self.session
        cast = sampled(session.game.actors, session.state)
        with torch.no_grad():
            for start in range(0, count, BLOCK):
                places = range(start, min(start + BLOCK, count))
                yield session.game.sample(cast, *self._latents(places), self.validation).float()

    def _latents(self, places: range) -> tuple[Tensor, Tensor | None]:
        """Latents and labels of samples: those that `mulligan sample` gives for the run's seed."""
        session = self.session
        draw, device, seed = session.game.latent, session.recipe.machine.device, session.recipe.seed
        if len(self._fixed) < places.stop:
            self._fixed = sample_latents(draw.distribution, draw.shape[0], seed, range(places.stop)).to(device)
        z = self._fixed[places.start : places.stop]
        if not session.game.classes:
            return z, None
        return z, torch.tensor([(seed + place) % session.game.classes for place in places], device=device)

    def _first(self, count: int) -> Batch:
        label = self.validation.condition
        return Batch(self.validation.target[:count], None if label is None else label[:count], self.validation.places[:count])

    def _decoded_raw(self, raw: Tensor) -> np.ndarray:
        return self.session.game.kind.to_arrays(raw.cpu().numpy())

    def _decision(self, cast: Cast) -> Decision | None:
        game = self.session.game
        if "discriminator" not in game.actors or game.kind.shape != (2,) or game.classes or game.pack > 1:
            return None

        def decide(points: np.ndarray) -> np.ndarray:
            raw = torch.from_numpy(np.asarray(points, np.float32)).to(self.session.recipe.machine.device)
            with torch.no_grad():
                logits = cast("discriminator", game.kind.encode(raw), None, inference=True).logits.float()
            seen: np.ndarray = (torch.sigmoid(logits) if game.reading == "probability" else logits).cpu().numpy()
            return seen

        return decide


def write_progress(session: Session, milliseconds: int = 250) -> None:
    """The pictures of the run, one after the other, as a GIF that stays on the last for a while; of very many, some from all along."""
    import PIL.Image

    steps = session.run.sample_steps()
    shown = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), FRAMES)).round().astype(int))
    paths = [session.run.sample_grid(steps[place]) for place in shown]
    frames = []
    for path in paths:
        with PIL.Image.open(path) as picture:
            frames.append(picture.convert("RGB" if picture.mode not in ("L", "RGB") else picture.mode))
    if frames:
        mark = Mark(composite=session.game.kind.name == "points" or session.game.shows_real, seed=session.recipe.seed)
        write_gif(frames, session.run.progress_gif, mark, [milliseconds] * (len(frames) - 1) + [3000])


def describe_split(dataset: Dataset) -> tuple[int | None, int | None]:
    """Numbers of training and of held-out samples; None for an endless source, or where there are none."""
    train = len(dataset.train.target) if isinstance(dataset.train, Split) else None
    test = len(dataset.test.target) if isinstance(dataset.test, Split) else None
    return train, test
