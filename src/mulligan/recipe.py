"""The shell of a recipe and the base class of all settings; torch-free.

A recipe is a typed, frozen value: everything that defines a training. Its parts that depend on a choice by name (a network) are
validated by the class that the name leads to (`find`).
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from mulligan import find

if TYPE_CHECKING:
    from torch import nn

Share = Annotated[float, Field(ge=0, le=1)]
Prior = Literal["normal", "uniform"]


class Settings(BaseModel):
    """Base of all settings: frozen, no unknown keys; what a field says of itself feeds --help, docs and errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class Signature(Settings):
    """What a network must fit: the shape of a sample, of its latent, and the number of classes it is told about."""

    sample: tuple[int, ...] = Field(description="Shape of one sample: (channels, height, width), or (columns,) for points.")
    latent: int = Field(description="Numbers in one latent.")
    classes: int = Field(0, description="Classes that the networks are told about; 0 where there is no condition.")
    scaling: "Scaling" = Field(description="Which numbers a sample is made of.")
    distribution: Prior = Field("normal", description="Which numbers a latent is made of.")


class Network(Settings):
    """Base of the settings of one network; a file in networks/ has a subclass for each role that it can play."""

    name: str = Field(description="File in networks/, or path.py:name.")
    role: str = Field(description="Class of that file: Generator, Discriminator or Autoencoder.")

    def build(self, signature: Signature) -> "nn.Module":
        """The module, untrained; its initial values come from torch's global generator."""
        raise NotImplementedError(f"{type(self).__name__} builds nothing")

    @classmethod
    def tiny(cls) -> Self:
        """The same network at the smallest size that makes sense, for tests."""
        raise NotImplementedError(f"{cls.__name__} has no tiny size")


def _network(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "name" not in value or "role" not in value:
        raise ValueError("a network needs name and role")
    thing = find.load("networks", str(value["name"]))
    return find.attribute(thing, str(value["role"])).model_validate(value)


AnyNetwork = Annotated[SerializeAsAny[Network], BeforeValidator(_network)]

Scaling = Literal["symmetric", "unit", "none", "standard"]
ASKED = ("source", "size", "colour", "labels", "limit")  # of Data: what opens the same samples again


class Data(Settings):
    """Which samples: what was asked for, and what was found there."""

    source: str = Field(description="Name of a built-in set, or path of a folder, an archive, an array or a table.")
    size: int | None = Field(None, ge=4, le=256, description="Side in pixels that images are resized to; found from the data if absent.")
    default_size: int = Field(
        32, ge=4, le=256, description="Side of photographs of other shapes where no size is given; 64 where a GPU trains."
    )
    colour: Literal["auto", "grey", "rgb"] = Field("auto", description="Whether images are read as grey or as RGB.")
    labels: bool = Field(True, description="Whether labels are read where there are some.")
    limit: int | None = Field(
        None, ge=2, description="Training samples that are used at most, a random choice that is always the same; absent for all."
    )
    kind: str = Field("", description="Found: what one sample is (file in kinds/).")
    shape: tuple[int, ...] = Field((), description="Found: shape of one sample, channels first.")
    classes: tuple[str, ...] = Field((), description="Found: names of the classes.")
    columns: tuple[str, ...] = Field((), description="Found: names of the columns of points.")
    count: int | None = Field(None, description="Found: number of training samples; absent for an endless source.")
    fingerprint: str = Field("", description="Found: SHA-256 of the content of the training samples.")


class Latent(Settings):
    """The prior of z."""

    size: int = Field(100, ge=1, le=65536, description="Numbers in one latent.")
    distribution: Prior = Field("normal", description="Standard normal, or uniform in [-1, 1].")


class Adam(Settings):
    """The update of a player (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1)."""

    rate: float = Field(2e-4, gt=0, description="Learning rate at the start of training.")
    final: Share = Field(1.0, description="Share of the rate that is left at the end of the horizon, along a cosine.")
    beta1: float = Field(0.5, ge=0, lt=1, description="Decay of the first moment, per update.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Decay of the second moment, per update.")
    epsilon: float = Field(1e-8, gt=0, description="Added to the root of the second moment.")


class Ema(Settings):
    """Exponential moving average of a player's weights, which is what is sampled where there is one."""

    share: float = Field(0.05, gt=0, le=1, description="Half-life as a share of the images seen so far, so that it grows with training.")
    half_life: float | None = Field(None, gt=0, description="Longest half-life in images; absent for no limit.")


class History(Settings):
    """Historical averaging: a player's weights are drawn to their mean so far (Salimans et al. 2016, arXiv 1606.03498)."""

    weight: float = Field(1e-3, ge=0, description="Strength at the start of training, times the squared distance to the mean so far.")
    final: Share = Field(1.0, description="Share of the strength that is left at the end of the horizon, along a cosine.")


class Lookahead(Settings):
    """Slow weights, to which a player goes back every few steps (Chavdarova et al. 2021, arXiv 2006.14567)."""

    every: int = Field(5, ge=1, le=1_000_000, description="Steps of the game between two moves of the slow weights.")
    share: float = Field(0.5, gt=0, le=1, description="How far the slow weights go towards the player's own, which then go back to them.")


class Player(Settings):
    """One network of the game and how it moves."""

    network: AnyNetwork
    optimiser: Adam | None = Field(Adam(), description="Absent for a frozen player.")
    ema: Ema | None = Field(None, description="Absent for no average.")
    history: History | None = Field(None, description="Historical averaging; absent for none.")
    lookahead: Lookahead | None = Field(None, description="Slow weights; absent for none.")


class Loss(Settings):
    """The objective, by name."""

    name: str = Field("non-saturating", description="File in losses/, or path.py:name.")
    smoothing: float = Field(
        0.0, ge=0, lt=0.5, description="One-sided label smoothing: D's target on real samples is 1 minus this (minimax and non-saturating)."
    )


class Penalty(Settings):
    """A penalty on D, kept under its name."""

    weight: float = Field(1.0, gt=0, description="Strength at the start of training (gamma, lambda, or the clipping limit).")
    share: float = Field(
        1.0, gt=0, le=1, description="Share of each batch that it is taken at: on average the same at less cost; a constraint knows none."
    )
    final: Share = Field(1.0, description="Share of the strength that is left at the end of the horizon.")
    falling: Literal["cosine", "geometric"] = Field(
        "cosine", description="Along a cosine, or by the same factor for each image, which gives every order of magnitude the same time."
    )


class Augmentation(Settings):
    """A change of what D sees, of real samples and fakes alike, kept under its name."""

    weight: float = Field(
        0.1,
        ge=0,
        description="Strength at the start of training: the deviation of noise, the probability of other changes; 0 for none. "
        "Where it is adaptive, the most that it may be, and 1 if absent.",
    )
    final: Share = Field(1.0, description="Share of the strength that is left at the end of the horizon, along a cosine.")
    adaptive: bool = Field(
        False, description="Whether the strength begins at 0 and goes up and down by how well D knows its training samples by heart."
    )
    target: float = Field(
        0.3, gt=0, lt=1, description="Where it is adaptive: how well D may know them, 0 not at all; above that the strength rises."
    )
    rise: int = Field(20_000, ge=1, description="Where it is adaptive: images in which the strength goes from 0 to its most.")

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("adaptive") and "weight" not in values:
            return {**values, "weight": 1.0}
        return values


class Turns(Settings):
    """Who moves when, in one step of a game of generator and discriminator."""

    critic: int = Field(1, ge=1, le=100, description="Times that the discriminator moves before the generator does.")
    separate: bool = Field(False, description="The discriminator moves on real samples and then, on its own, on fake ones.")
    fakes: Literal["training", "inference"] = Field(
        "training", description="Mode of the generator when it makes fakes for the discriminator."
    )
    pack: int = Field(1, ge=1, le=64, description="Samples that the discriminator judges joined into one (packing).")
    unroll: int = Field(
        0, ge=0, le=100, description="Plain gradient steps of the discriminator that the generator looks ahead through; 0 for none."
    )


class Order(Settings):
    """In which order real samples are drawn."""

    how: Literal["replacement", "epochs"] = Field("epochs", description="Drawn with replacement, or each once per epoch.")
    short_batch: bool = Field(
        False, description="Whether an epoch ends with a smaller batch; otherwise batches run on into the next epoch."
    )


class Machine(Settings):
    """What may change on resume without changing what is learnt (beyond rounding)."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where tensors live; auto: a CUDA GPU if there is one.")
    threads: int = Field(0, ge=0, le=1024, description="Threads inside an operator; 0 for one or all cores, by a short measurement.")
    compile: Literal["auto", "on", "off"] = Field("auto", description="Whether the step is compiled.")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Arithmetic of the networks.")
    products: Literal["auto", "default", "onednn"] = Field(
        "auto", description="Who multiplies float32 matrices in a compiled step on a CPU: torch's default, or oneDNN where that is faster."
    )
    split: int = Field(
        1, ge=1, le=1_000_000, description="Parts that a batch is played in, one after the other; doubled by itself where memory is short."
    )


class Keeping(Settings):
    """What a run writes, and when; may change on resume."""

    reports: int = Field(30, ge=1, le=10000, description="Reports over the horizon: figures, a sample grid, a checkpoint.")
    checkpoints: int = Field(2, ge=1, le=1000, description="Newest checkpoints that are kept, beside the best.")
    arrays: bool = Field(False, description="Whether the samples of each report are kept as numbers (.npz) too.")
    dark_on_light: bool = Field(False, description="Whether grids of images are drawn dark on light, as on paper.")


class Recipe(Settings):
    """Everything that defines a training."""

    schema_version: Literal[1] = 1
    name: str = Field(description="Name of the recipe.")
    task: str = Field("generate", description="Which game is played: file in tasks/, or path.py:name.")
    data: Data
    scaling: Scaling = Field(
        "symmetric", description="Numbers that the networks see: pixels in [-1, 1] or [0, 1]; points as they are or standardised."
    )
    conditional: bool = Field(False, description="Whether both networks are told the label.")
    latent: Latent = Latent()
    players: dict[str, Player]
    loss: Loss = Loss()
    penalties: dict[str, Penalty] = Field({}, description="Penalties on the discriminator, by name.")
    augmentations: dict[str, Augmentation] = Field({}, description="Changes of what the discriminator sees, by name.")
    turns: Turns = Turns()
    order: Order = Order()
    batch: int = Field(64, ge=1, le=1_000_000, description="Samples per update.")
    horizon: int = Field(1_000_000, ge=1, description="Images seen over which everything is scheduled, and after which training ends.")
    stop: Literal["horizon", "auto"] = Field(
        "horizon", description="When training ends: at the horizon, or as soon as it has stopped improving (auto)."
    )
    patience: int = Field(8, ge=1, le=1000, description="Reports without an improvement beyond chance after which stop=auto ends a run.")
    repair: Literal["off", "on"] = Field(
        "off", description="Whether a fault that the doctor finds is mended: back to the last good state, with its remedy, at most 3 times."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of every draw.")
    machine: Machine = Machine()
    keeping: Keeping = Keeping()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.conditional and not self.data.classes:
            raise ValueError(f"conditional needs labels, and {self.data.source} has none")
        return self

    def signature(self) -> Signature:
        """What the networks of this recipe must fit."""
        return Signature(
            sample=self.data.shape,
            latent=self.latent.size,
            classes=len(self.data.classes) if self.conditional else 0,
            scaling=self.scaling,
            distribution=self.latent.distribution,
        )


def scaling_for(data: Data, images: Scaling, points: Scaling = "standard") -> Scaling:
    """The scaling of a recipe that takes images as well as points."""
    return points if data.kind == "points" else images


LEAST_TO_ADAPT = 40  # training samples, a tenth of which are withheld where an augmentation is adaptive
MAY_CHANGE = ("machine", "keeping")  # fields of a recipe that may differ on resume
