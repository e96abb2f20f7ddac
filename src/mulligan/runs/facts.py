"""facts.json: what the report says beside settings, history and pictures. The loop writes it at the start and again with figures.

The report reads nothing but the run folder, so what it tells about data, networks and loss must stand here. No text in it may hold a
path, a user or a host: a path of data is given by its last part.

>>> from mulligan.runs.folder import Run
>>> facts = Facts(data=DataFacts(name="digits", kind="image", shape=(1, 28, 28), stored=(0, 255), seen=(-1, 1)))
>>> facts.model_copy(update={"progress": Progress(steps=20, images=1280, seconds=3.5)}).progress.images
1280
"""

from typing import Literal

from pydantic import Field, ValidationError

from mulligan.errors import CheckpointError
from mulligan.recipe import Settings
from mulligan.runs import safe_json
from mulligan.runs.folder import Run
from mulligan.runs.writing import write_text

Reading = Literal["probability", "raw", "difference", "pairs"]


class DataFacts(Settings):
    """The data, as a newcomer should meet them before any network."""

    name: str = Field(description="Name for people: a built-in set, or the last part of a path.")
    kind: str = Field(description="What one sample is: image, points.")
    shape: tuple[int, ...] = Field(description="Shape of one sample, channels first.")
    train: int | None = Field(None, description="Training samples; absent for an endless source.")
    test: int | None = Field(None, description="Held-out samples; absent where there are none or the source is endless.")
    stored: tuple[float, float] = Field(description="Smallest and largest number as stored.")
    seen: tuple[float, float] = Field(description="Smallest and largest number as the networks see them.")
    mean: float | None = Field(None, description="Mean of the numbers that the networks see.")
    std: float | None = Field(None, description="Standard deviation of the numbers that the networks see.")
    classes: tuple[str, ...] = Field((), description="Names of the classes.")
    licence: str = Field("", description="Licence of the data, if known.")
    skipped: tuple[str, ...] = Field((), description="Files that could not be read: name and reason, without folders.")


class LayerFacts(Settings):
    """One row of a table of layers; fields as in `mulligan.layers.table.Layer`."""

    name: str
    layer: str
    activation: str = ""
    shape: tuple[int, ...]
    parameters: int = Field(description="All numbers: trainable ones and moving statistics.")
    trainable: int


class PlayerFacts(Settings):
    """One network of the game."""

    name: str = Field(description="Name of the player: generator, discriminator, encoder.")
    network: str = Field("", description="File in networks/ that it comes from.")
    layers: tuple[LayerFacts, ...] = ()
    parameters: int = Field(description="All numbers of the network: trainable ones and moving statistics.")
    trainable: int = Field(description="Those that training changes by gradients.")
    note: str = Field("", description="For example how a published count is made up.")


class LossFacts(Settings):
    """How the scores of D are read."""

    name: str
    reading: Reading
    equilibrium: str = Field(description="What D says where nobody wins, in words.")


class FigureFacts(Settings):
    """A figure of the finished model, with its protocol and its floor."""

    name: str = Field(description="For example distance, fd_random.")
    meaning: str = Field(description="What it measures, in one clause, with its protocol.")
    value: float | None
    low: float | None = Field(None, description="Lower end of its 95 % interval.")
    high: float | None = Field(None, description="Upper end.")
    floor: float | None = Field(None, description="The same figure at the same number of samples for real data.")
    group: str = Field("", description="Heading under which it stands.")
    better: str = Field("lower", description="Which way is better: lower, higher, as the data.")
    baselines: dict[str, float] = Field({}, description="The same figure of trivial samplers, by name.")


class Progress(Settings):
    """How far training came."""

    steps: int = 0
    images: int = 0
    seconds: float = Field(0.0, description="Training time, all sessions together.")
    best_step: int | None = Field(None, description="Step of the best checkpoint, which the model is made from.")


class Facts(Settings):
    """All of facts.json."""

    schema_version: Literal[1] = 1
    data: DataFacts
    players: tuple[PlayerFacts, ...] = ()
    loss: LossFacts | None = Field(None, description="Absent in a game without a discriminator.")
    figures: tuple[FigureFacts, ...] = Field((), description="The score card of the model, once there is one.")
    protocol: str = Field("", description="How these figures were taken.")
    progress: Progress = Progress()
    notes: tuple[str, ...] = Field((), description="Anything that a reader should know, a sentence each.")


def write(run: Run, facts: Facts) -> None:
    """Write facts.json. Raises DiskError."""
    write_text(run.facts_file, safe_json.dumps(facts.model_dump(mode="json")))


def advance(run: Run, steps: int, images: int, seconds: float) -> None:
    """Say how far training has come by now; of facts that are there. Raises DiskError."""
    known = read(run)
    if known is not None:
        write(run, known.model_copy(update={"progress": Progress(steps=steps, images=images, seconds=seconds)}))


def is_current(run: Run) -> bool:
    """Whether model and report of a run are of its newest checkpoint: they are not where a signal stopped it, or where it still trains."""
    known, steps = read(run), run.checkpoint_steps()
    return not steps or (known is not None and known.progress.best_step is not None and known.progress.steps == steps[-1])


def read(run: Run) -> Facts | None:
    """The facts of a run; None if there are none yet. Raises CheckpointError or UnsafeError if they are broken."""
    if not run.facts_file.exists():
        return None
    try:
        return Facts.model_validate(safe_json.read_object(run.facts_file))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(
            f"{run.facts_file}: {place}: {first['msg']}", "It was written by another version, or changed by hand"
        ) from None
