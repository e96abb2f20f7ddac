"""class GAN: the whole of Mulligan in scikit-learn's manners.

`__init__` stores, `fit` validates and returns self, the names of what is learned end in `_`.
"""

import inspect
import json
import tempfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from mulligan import given, verbs
from mulligan.amounts import parse_count, parse_seconds
from mulligan.diagnostics.finding import Diagnosis
from mulligan.errors import UsageError
from mulligan.metrics.figures import ScoreCard
from mulligan.metrics.usefulness import SEEDS, Usefulness
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import facts, history
from mulligan.runs.folder import Run, runs_base
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.inversion import Inverted, invert
from mulligan.sampling.judging import judge
from mulligan.sampling.loading import load_sampler
from mulligan.sampling.sampler import Labels, Sampler
from mulligan.sampling.samples import Samples
from mulligan.sampling.walks import walk, write_walk
from mulligan.terminal import Terminal
from mulligan.training.budget import Budget

_ARRAYS = "arrays"  # folder beside the runs for data that came from memory


class GAN:
    """A generative adversarial network: a recipe, and after `fit` or `load` a model.

    recipe: a name (`mulligan recipes list`), a recipe.json, or path.py:name, which runs that code.
    settings: dotted keys and their values, such as {"batch": 128, "generator.network.widths": [256, 512]}.
    seed: of every draw; the recipe's own if absent. verbose: tell on stderr how training goes.

    Learned: model_ (Model, or OnnxModel from an ONNX file), run_ (Path of the run folder, None after loading a model alone), recipe_
    (Recipe, resolved), parameters_ (trainable weights by player), figures_ (ScoreCard: figures with their floors, or None), history_ (a
    dict per report: step, images, seconds and the named figures).

    >>> tiny = {"generator.network.widths": [8], "discriminator.network.widths": [8], "machine.threads": 1}
    >>> gan = GAN("points", settings=tiny)
    >>> gan.get_params()["recipe"]
    'points'
    """

    model_: Sampler | None
    run_: Path | None
    recipe_: Recipe
    parameters_: dict[str, int]
    figures_: ScoreCard | None
    history_: list[history.Line]

    def __init__(
        self, recipe: str = "fast", *, settings: Mapping[str, Any] | None = None, seed: int | None = None, verbose: bool = False
    ) -> None:
        self.recipe = recipe
        self.settings = settings
        self.seed = seed
        self.verbose = verbose

    def fit(
        self,
        data: Any = None,
        *,
        labels: Any = None,
        time: str | float | None = None,
        steps: int | str | None = None,
        images: int | str | None = None,
        run: str | Path | None = None,
    ) -> Self:
        """Train, as `mulligan train` does with the same words; returns self.

        data: a name of built-in data, a path, or numbers: images (N, H, W) or (N, H, W, 3), or points (N, D); absent for the data that
        the recipe was published on. labels: of numbers, (N,). time ("10m", or seconds), steps, images ("200k"): whichever is reached
        first ends the training. run: the run folder; absent, the newest unfinished run of the same recipe and data is continued, or a
        new one is begun. Numbers are kept in a file beside the run, so that it can be resumed.
        Raises UsageError, DataError, and what training raises.
        """
        budget = Budget(
            steps=None if steps is None else parse_count(steps, "steps"),
            images=None if images is None else parse_count(images, "images"),
            seconds=None if time is None else parse_seconds(time, "time"),
        )
        source, written = self._source(data, labels, run)
        try:
            recipe, dataset = resolve(source, self.recipe, self._keys(), self.seed)
        except Exception:
            if written is not None:
                written.unlink(missing_ok=True)  # numbers that are no data are not kept
            raise
        if not self.verbose:
            outcome = verbs.train(recipe, dataset, run=run, budget=budget, command=["GAN.fit"])
        else:
            with Terminal() as terminal:
                outcome = verbs.train(recipe, dataset, run=run, budget=budget, audience=terminal, command=["GAN.fit"])
        self._learn(Run(outcome.run))
        return self

    def sample(self, n: int = 16, seed: int = 0, label: Labels = None, truncation: float | None = None) -> Samples:
        """Samples 0 to n-1 of a seed, as `mulligan sample` draws them.

        label: one class for all, by number or name, or one for each; only where the recipe is conditional. truncation: where the prior of
        the latents is cut off, such as 1.0: samples are more alike, and more often good.
        The result has .images or .points, .grid(), .to_pil(), .save(path), and shows itself in a notebook.
        """
        return self._model().draw(of_seed(seed, range(n)), label, truncation)

    def reconstruct(self, data: Any) -> np.ndarray:
        """Decoded reproductions of samples, in their order; data as in `fit`. Raises UsageError where there is no encoder."""
        model = self._model()
        return model.reconstruct(self._given(data, None)[0])

    def invert(self, data: Any, label: int | str | None = None) -> Inverted:
        """The latents whose samples are nearest to given ones: .latents, .labels, .samples, .errors; data as in `fit`, at most 100."""
        return invert(self._model(), self._given(data, None)[0], label)

    def nearest(self, n: int = 10, seed: int = 0, label: int | str | None = None, against: str | Path | None = None) -> verbs.Nearest:
        """Samples 0 to n-1 of a seed beside the training samples that they are nearest to: .samples, .originals, .ratios.

        against: the training data, by name or path; absent, those of the run.
        """
        return verbs.nearest(self._model() if self.run_ is None else self.run_, n, seed, label, against)

    def score(self, data: Any, labels: Any = None) -> dict[str, Any]:
        """What D says of samples, beside what it says of held-out real ones and of its own G's; data as in `fit`.

        Raises UsageError where there is no discriminator, or no run: a model alone has none.
        """
        self._model()
        if self.run_ is None:
            raise UsageError("a model alone has no discriminator, so it scores nothing", "Load the run folder instead: GAN.load(RUN)")
        return verbs.score(self.run_, *self._given(data, labels))

    def helps(
        self,
        data: Any = None,
        labels: Any = None,
        *,
        sizes: Sequence[int | Literal["all"]] | None = None,
        seeds: Sequence[int] = SEEDS,
        n: int | None = None,
        flips: bool = False,
    ) -> Usefulness:
        """Whether a classifier gains from synthetic samples, as `mulligan helps` finds with the same words.

        data: labelled real data by name or path, or numbers with labels (N,); those of the run if absent. The result has .verdict,
        .sizes (one for each number of real samples), .cas, .gap, .lines() and .as_dict().
        Raises UsageError without a model or data, DataError for data without labels or without a test split.
        """
        model = self._model()
        of = model if self.run_ is None else self.run_
        if data is None or isinstance(data, str | Path):
            if labels is not None:
                raise _labels_without_numbers()
            against = None if data is None else str(data)
            return verbs.helps(of, sizes=sizes, seeds=seeds, n=n, against=against, flips=flips, shown=self.verbose)
        with tempfile.TemporaryDirectory() as folder:
            file = str(given.write_array(Path(folder) / "array.npz", data, labels))
            return verbs.helps(of, sizes=sizes, seeds=seeds, n=n, against=file, flips=flips, shown=self.verbose)

    def evaluate(self, against: Any = None, *, n: int | None = None, features: Sequence[str] = ()) -> ScoreCard:
        """The score card, as `mulligan evaluate` takes it with the same words.

        against: real data by name or path, or numbers; absent, those of the run. Raises UsageError, DataError.
        """
        model = self._model()
        if self.run_ is not None:
            return verbs.evaluate(self.run_, against, n=n, features=features)
        if against is None:
            raise UsageError("a model alone has no data to be judged by", "Give real data: gan.evaluate(DATA)")
        return judge(model, against, n=n, seed=(model.description.trained.seed or 0) + 1, features=features).card

    def diagnose(self, against: str | None = None) -> Diagnosis:
        """What is wrong with this training: .verdict, .findings with evidence and remedy. against: other real data, by name or path."""
        self._model()
        if self.run_ is None:
            raise UsageError("a model alone has no history to diagnose", "Load the run folder instead: GAN.load(RUN)")
        return verbs.diagnose(self.run_, against)

    def interpolate(
        self, seeds: Sequence[int], *, steps: int = 12, label: int | str | None = None, to: str | Path | None = None
    ) -> np.ndarray:
        """Decoded samples on the way from the first sample of each seed to that of the next: (len(seeds) - 1, steps, ...).

        to: also written there, as `.gif` or `.webp`, `.png` (a strip) or `.npz`.
        """
        model = self._model()
        if to is not None:
            write_walk(model, seeds, Path(to), steps, label)
        return walk(model, seeds, steps, label)

    def save(self, folder: str | Path) -> Path:
        """Write the model folder, which `GAN.load`, `Model.load` and `mulligan sample` read."""
        return self._model().save(folder)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A GAN from a model folder, an ONNX file, or a run folder with its model (which can score, too).

        Runs no code that was not allowed.
        """
        folder = Run(Path(path))
        if folder.exists:
            gan = cls(folder.read_recipe().name)
            gan._learn(folder)
            return gan
        model = load_sampler(path)
        gan = cls(model.description.recipe)
        gan.model_, gan.run_ = model, None
        return gan

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What `__init__` was given; deep is there for scikit-learn."""
        return {name: getattr(self, name) for name in _parameters()}

    def set_params(self, **parameters: Any) -> Self:
        """Change what `__init__` was given; returns self. Raises UsageError for other names."""
        for name, value in parameters.items():
            if name not in _parameters():
                raise UsageError(f"{name}: no such parameter of GAN", f"There are: {', '.join(_parameters())}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        signature = inspect.signature(GAN.__init__).parameters
        changed = [f"{name}={value!r}" for name, value in self.get_params().items() if value != signature[name].default or name == "recipe"]
        return f"GAN({', '.join(changed)})"

    def _learn(self, run: Run) -> None:
        known = facts.read(run)
        self.model_ = verbs.newest_model(run)
        self.run_ = run.path
        self.recipe_ = run.read_recipe()
        self.parameters_ = {player.name: player.trainable for player in known.players} if known else {}
        self.figures_ = verbs.recorded_figures(run)
        self.history_ = history.read(run)

    def _model(self) -> Sampler:
        if "model_" not in vars(self):
            raise UsageError(f"this {type(self).__name__} is not fitted yet", "Call fit(data) first, or GAN.load(PATH)")
        if self.model_ is None:
            raise UsageError("there is no model", "Either training has not ended yet, or this game makes no samples from noise")
        return self.model_

    def _keys(self) -> list[str]:
        if not isinstance(self.settings, Mapping | None):
            raise UsageError(f"settings: a {type(self.settings).__name__}", 'Give dotted keys and values: {"batch": 128}')
        try:
            return [f"{key}={json.dumps(value)}" for key, value in (self.settings or {}).items()]
        except TypeError as error:
            raise UsageError(f"settings: {error}", "Give numbers, text, lists or dictionaries") from None

    def _source(self, data: Any, labels: Any, run: str | Path | None) -> tuple[str | None, Path | None]:
        """Where the data are, and the file that was written for them: named by its content, so that the same numbers are the same data."""
        if data is None or isinstance(data, str | Path):
            if labels is not None:
                raise _labels_without_numbers()
            return None if data is None else str(data), None
        numbers = given.as_numbers(data)
        digest = sha256(f"{numbers.dtype.str} {numbers.shape}".encode() + np.ascontiguousarray(numbers).tobytes())
        if labels is not None:
            digest.update(str(np.asarray(labels).dtype).encode() + np.asarray(labels).tobytes())
        base = runs_base() if run is None else Path(run).parent
        file = base / _ARRAYS / f"array-{digest.hexdigest()[:16]}.npz"
        if file.exists():
            return str(file), None
        return str(given.write_array(file, numbers, labels)), file

    def _given(self, data: Any, labels: Any) -> given.Given:
        model = self._model()
        if isinstance(data, str | Path):
            if labels is not None:
                raise _labels_without_numbers()
            return given.read(str(data), model.kind.shape, model.classes)
        return given.read_array(data, model.kind.shape, model.classes, labels)


def _labels_without_numbers() -> UsageError:
    return UsageError("labels are for numbers in memory", "A folder has its classes as folders, an .npz its own labels")


def _parameters() -> list[str]:
    return [name for name in inspect.signature(GAN.__init__).parameters if name != "self"]
