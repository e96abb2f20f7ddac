"""What `steps.py` times: which recipes, on which data, with which plain loop; and the goals that each was set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import plain
import plain_modern

from mulligan.data.dataset import Dataset, Split
from mulligan.data.opening import open_dataset
from mulligan.errors import UsageError
from mulligan.recipe import Data, Recipe, Settings
from mulligan.resolve import resolve

# The loops that are timed.
COMPILED, EAGER = "Mulligan", "Mulligan, not compiled"
PLAIN, FUSED = "plain PyTorch", "plain PyTorch, fused Adam"
KERAS, KERAS_ON_BATCH, JAX = "Keras", "Keras, predict_on_batch", "JAX"
# The bounds.
ARITHMETIC, BYTES, EMPTY = "bound: arithmetic", "bound: bytes", "bound: empty compiled call"
BOUNDS = (ARITHMETIC, BYTES, EMPTY)

DIGITS, COLOUR = "digits", "colour.npy"  # the second is made of the first, where it is needed

Loop = Callable[[Recipe, np.ndarray | None, bool, str], plain.Plain]  # recipe, images (N, C, H, W), fused, device


def _grey(loop: Callable[[np.ndarray, bool, str], plain.Plain]) -> Loop:
    """A plain loop of grey images alone."""

    def made(recipe: Recipe, images: np.ndarray | None, fused: bool, device: str) -> plain.Plain:
        assert images is not None
        return loop(images[:, 0], fused, device)

    return made


def _modern(recipe: Recipe, images: np.ndarray | None, fused: bool, device: str) -> plain.Plain:
    assert images is not None
    return plain_modern.modern(recipe, images, fused, device)


@dataclass(frozen=True)
class System:
    """A recipe on data, its plain loop, and whether its Keras original is known."""

    recipe: str
    source: str
    plain: Loop
    settings: tuple[str, ...] = ()
    keras: bool = False

    def resolved(self, folder: Path, settings: tuple[str, ...] = ()) -> tuple[Recipe, Dataset]:
        """The recipe and its data. folder: for data that have to be made first."""
        source = self.source
        if source == COLOUR:
            source = str(folder / COLOUR)
            if not Path(source).exists():
                np.save(source, _colour())
        recipe, dataset = resolve(source, self.recipe, (*self.settings, *settings))
        require_known(recipe)
        return recipe, dataset


SYSTEMS = {
    "dense-dropout": System("dense-dropout", DIGITS, _grey(plain.dense_dropout), keras=True),
    "shallow": System("shallow", DIGITS, _grey(plain.shallow)),
    "dense-batchnorm": System("dense-batchnorm", DIGITS, _grey(plain.dense_batchnorm)),
    "points": System("points", "parabola", lambda recipe, images, fused, device: plain.points(fused, device)),
    "dense-smooth": System("dense-smooth", DIGITS, _grey(plain.dense_smooth)),
    "modern-dense-28": System("modern", DIGITS, _modern, ("network=dense",)),
    "modern-dense-32": System("modern", COLOUR, _modern, ("network=dense",)),
    "modern-conv-28": System("modern", DIGITS, _modern, ("network=conv",)),
    "modern-conv-32": System("modern", COLOUR, _modern, ("network=conv",)),
}


def images_of(dataset: Dataset) -> np.ndarray | None:
    """The training images, uint8 (N, C, H, W); None for an endless source of points."""
    return dataset.train.target if isinstance(dataset.train, Split) else None


def _digits() -> np.ndarray:
    train = open_dataset(Data(source=DIGITS)).train
    assert isinstance(train, Split)
    return train.target[:, 0]


def _colour() -> np.ndarray:
    """Pictures of 32x32 in three colours, each a digit with a frame: (N, 32, 32, 3). How long a step takes does not depend on them."""
    framed = np.pad(_digits(), ((0, 0), (2, 2), (2, 2)))
    return np.stack([np.roll(framed, place, axis=0) for place in range(3)], axis=-1)


@dataclass(frozen=True)
class Goal:
    """How many times as fast as another loop a step is to be, on two cores; against a bound, how many times as slow at most."""

    system: str
    precision: str
    than: str  # another loop, or `the largest bound`
    factor: float

    @property
    def said(self) -> str:
        """The goal in words."""
        if self.than == LARGEST:
            return f"within {self.factor:g} times the largest bound"
        return f"no slower than {self.than}" if self.factor == 1.0 else f"{self.factor:g} times as fast as {self.than}"


LARGEST = "the largest bound"
PRECISIONS = ("float32", "bfloat16")
WITHIN = 2.0  # times the largest bound

GOALS = (
    Goal("dense-dropout", "float32", KERAS, 4.0),
    Goal("dense-dropout", "float32", PLAIN, 1.5),
    Goal("dense-dropout", "bfloat16", KERAS, 7.0),
    Goal("dense-dropout", "bfloat16", PLAIN, 2.5),
    Goal("shallow", "float32", PLAIN, 2.0),
    Goal("dense-batchnorm", "float32", PLAIN, 2.0),
    Goal("dense-smooth", "float32", PLAIN, 2.0),
    Goal("points", "float32", PLAIN, 5.0),
    Goal("modern-dense-28", "float32", PLAIN, 2.5),
    Goal("modern-dense-32", "float32", PLAIN, 2.5),
    Goal("modern-conv-28", "float32", PLAIN, 2.0),
    Goal("modern-conv-32", "float32", PLAIN, 2.0),
    *(
        Goal(system, precision, than, factor)
        for system in SYSTEMS
        for precision in PRECISIONS
        for than, factor in ((JAX, 1.0), (LARGEST, WITHIN))
    ),
)

# What the loops beside Mulligan's can do. A recipe that asks for more would be compared with another training.
KNOWN: Mapping[str, tuple[str, ...]] = {
    "Recipe": (
        "name",
        "data",
        "scaling",
        "latent",
        "players",
        "loss",
        "penalties",
        "turns",
        "order",
        "batch",
        "horizon",
        "machine",
        "keeping",
    ),
    "Player": ("network", "optimiser", "ema"),
    "Generator": (
        "widths",
        "activation",
        "slope",
        "dropout",
        "initialisation",
        "normalisation",
        "output",
        "width",
        "largest",
        "resampling",
    ),
    "Discriminator": ("widths", "activation", "slope", "dropout", "initialisation", "width", "largest"),
    "Turns": ("separate", "fakes"),
    "Loss": ("name", "smoothing"),
}
LOSSES = ("non-saturating", "pairing")
PENALTIES = ("zero-centred-real", "zero-centred-fake")


def require_known(recipe: Recipe) -> None:
    """Raise UsageError where a recipe has something that the loops beside Mulligan's lack."""
    strange = [*_strange(recipe), *_strange(recipe.turns), *_strange(recipe.loss)]
    for player in recipe.players.values():
        strange += [*_strange(player), *_strange(player.network)]
        strange += [f"the network {player.network.name}"] if player.network.name not in ("mlp", "conv") else []
    strange += [f"the loss {recipe.loss.name}"] if recipe.loss.name not in LOSSES else []
    strange += [f"the penalty {name}" for name in recipe.penalties if name not in PENALTIES]
    if strange:
        raise UsageError(
            f"{recipe.name} has {', '.join(strange)}, and the loops that it is timed beside have not",
            "Teach it to benchmarks/plain_modern.py and benchmarks/jax_scan.py, so that they do the same updates",
        )


def _strange(settings: Settings) -> list[str]:
    """Fields that are neither known nor as they are by default."""
    known = KNOWN[type(settings).__name__]
    given: dict[str, Any] = {name: getattr(settings, name) for name in type(settings).model_fields}
    defaults = {name: field.get_default(call_default_factory=True) for name, field in type(settings).model_fields.items()}
    return [f"{name}={value!r}" for name, value in given.items() if name not in known and value != defaults[name] and name != "role"]
