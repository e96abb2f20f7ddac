"""Opening what is there already: the game of a recipe, a session at its newest checkpoint, the newest model, the recorded figures."""

from pathlib import Path

from mulligan import find
from mulligan.data.dataset import Dataset
from mulligan.data.opening import open_dataset
from mulligan.errors import CheckpointError, UsageError
from mulligan.kinds.kind import Kind
from mulligan.metrics.figures import ScoreCard, read_card
from mulligan.recipe import Data, Recipe
from mulligan.resolve import reopened
from mulligan.runs import checkpoints, facts, history
from mulligan.runs.folder import Run
from mulligan.sampling.loading import load_sampler
from mulligan.sampling.model import Model
from mulligan.sampling.sampler import Sampler
from mulligan.training.finishing import made_so_far, real
from mulligan.training.game import Game
from mulligan.training.session import Session
from mulligan.training.state import count

FITTED = 100_000  # training samples that a kind is fitted to
FITTED_PIXELS = 1000  # of images, of which nothing is taken but their shape


def open_session(folder: Run, recipe: Recipe, dataset: Dataset) -> Session:
    """A session of a run, at its newest checkpoint if it has one; reads only."""
    session = new_session(folder, recipe, dataset)
    checkpoint = checkpoints.newest(folder)
    if checkpoint is None:
        raise CheckpointError(f"{folder.path} has no checkpoint yet", "Train it for some steps")
    session.restore(checkpoint)
    return session


def new_session(folder: Run, recipe: Recipe, dataset: Dataset) -> Session:
    """A session at step 0."""
    return Session(folder, recipe, dataset, made_game(recipe, dataset), lambda repaired: made_game(repaired, dataset))


def newest_model(folder: Run) -> Model | None:
    """The model of a run: as it was written or, where training went on since, made of the best checkpoint so far. Writes nothing.

    None where there is none: the game makes no samples from noise, or nothing has been trained yet.
    """
    if facts.is_current(folder):
        return Model.load(folder.path) if (folder.model / "model.json").exists() else None
    recipe = on_a_cpu(folder.read_recipe())
    return made_so_far(open_session(folder, recipe, reopened(recipe)))


def open_sampler(of: Path | str | Sampler) -> tuple[Run | None, Sampler]:
    """What draws samples, and its run if it is one's: of a run its newest model, else what the path holds, else as it was given.

    Raises UsageError for a run that has no model, and what opening a model raises.
    """
    if isinstance(of, Sampler):
        return None, of
    folder = Run(Path(of))
    if not folder.exists:
        return None, load_sampler(of)
    model = newest_model(folder)
    if model is None:
        raise UsageError(f"{folder.path} has no model that makes samples from noise", "Use a run of another recipe, or train it further")
    return folder, model


def open_like(shape: tuple[int, ...], source: str) -> Dataset:
    """Data in the size and colour of samples of a shape that are there already."""
    if len(shape) != 3:
        return open_dataset(Data(source=source))
    return open_dataset(Data(source=source, size=shape[1], colour="grey" if shape[0] == 1 else "rgb"))


def on_a_cpu(recipe: Recipe) -> Recipe:
    """For work that is over before a GPU would have begun."""
    return recipe.model_copy(update={"machine": recipe.machine.model_copy(update={"device": "cpu"})})


def made_game(recipe: Recipe, dataset: Dataset) -> Game:
    """The game of a recipe, with its players as they begin."""
    game: Game = find.attribute(find.load("tasks", recipe.task), "game")(recipe, fitted_kind(recipe, dataset))
    return game


def fitted_kind(recipe: Recipe, dataset: Dataset) -> Kind:
    """The kind of a recipe's samples, with what it takes from the training data (means of points)."""
    raw = real(dataset, False, FITTED_PIXELS if recipe.data.kind == "image" else FITTED, 0)
    kind: Kind = find.load("kinds", recipe.data.kind).fit(recipe.data, recipe.scaling, raw)
    return kind


def parameters(session: Session) -> dict[str, int | None]:
    """Trainable weights by player; `discriminator` is None where there is none."""
    counts: dict[str, int | None] = {"generator": None, "discriminator": None}
    return counts | {name: count(actor) for name, actor in session.game.actors.items()}


def recorded_figures(folder: Run) -> ScoreCard | None:
    """The newest score card of a run's model; None if there is none yet."""
    lines = history.read_lines(folder.metrics_file)
    if not lines:
        return None
    try:
        card: ScoreCard | None = read_card(lines[-1])
    except ValueError:
        raise CheckpointError(f"{folder.metrics_file} holds no figures that this version reads") from None
    return card
