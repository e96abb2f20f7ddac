"""What can be set in the lab, and the recipe that it stands for."""

from typing import Literal

from pydantic import Field, field_validator

from mulligan import find
from mulligan.networks import mlp
from mulligan.recipe import Adam, Data, Latent, Loss, Machine, Order, Penalty, Player, Prior, Recipe, Settings, Turns

Sides = Literal["both", "discriminator", "generator"]  # who moves in a step
MOST_BATCH = 1024
DIMENSIONS = 2  # of a latent: as many as of a point, so that a lattice of latents is a lattice of all that G makes
RESTARTS = ("width", "depth", "prior", "seed")  # settings that begin with new weights; all others go on with those that are there
SUGGESTED = {"one-centred": 1.0, "weight-clipping": 0.1}  # weights of penalties that differ from that of most
SUGGESTED_WEIGHT = 0.03


class LabSettings(Settings):
    """How the two players of the lab learn."""

    loss: str = Field("non-saturating", description="What both players minimise.")
    penalties: tuple[str, ...] = Field(
        ("zero-centred-real", "zero-centred-fake"), max_length=4, description="Penalties on the discriminator; none are needed."
    )
    weight: float = Field(SUGGESTED_WEIGHT, ge=1e-4, le=100, description="Strength of each penalty; for weight clipping, the limit.")
    discriminator_rate: float = Field(5e-3, ge=1e-6, le=1, description="Learning rate of the discriminator.")
    generator_rate: float = Field(2e-3, ge=1e-6, le=1, description="Learning rate of the generator.")
    discriminator_updates: int = Field(1, ge=1, le=20, description="Updates of the discriminator in a step.")
    generator_updates: int = Field(1, ge=1, le=20, description="Updates of the generator in a step.")
    batch: int = Field(128, ge=4, le=MOST_BATCH, description="Points in an update.")
    width: int = Field(64, ge=2, le=256, description="Numbers in each hidden layer; a change begins anew.")
    depth: int = Field(2, ge=1, le=4, description="Hidden layers of each network; a change begins anew.")
    prior: Prior = Field("uniform", description="Where latents are drawn: evenly from a square, or normal; a change begins anew.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of weights and draws; a change begins anew.")

    @field_validator("loss")
    @classmethod
    def _known_loss(cls, loss: str) -> str:
        return _known("losses", loss)

    @field_validator("penalties")
    @classmethod
    def _known_penalties(cls, penalties: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(penalties)) < len(penalties):
            raise ValueError("a penalty is named twice")
        return tuple(_known("penalties", name) for name in penalties)


def _known(folder: str, name: str) -> str:
    """The name, if it is of this package or of an entry point: code of the user's own is not run from a page."""
    if name not in find.names(folder):
        raise ValueError(f"{name}: no such name in {folder}. {find.suggestion(name, find.names(folder))}")
    return name


def suggested_weight(penalties: tuple[str, ...]) -> float:
    """A strength to begin with where these penalties are chosen.

    >>> suggested_weight(("weight-clipping",)), suggested_weight(())
    (0.1, 0.03)
    """
    return SUGGESTED.get(penalties[0], SUGGESTED_WEIGHT) if penalties else SUGGESTED_WEIGHT


def recipe(settings: LabSettings, data: Data, drawn: bool) -> Recipe:
    """The recipe of these settings, constant all along: nothing falls with a horizon that the lab does not have.

    Built-in points are standardised; drawn ones stay where they were drawn. Not compiled, with one thread, in float32.
    `generator_updates` beyond the first are turns of the lab's game, as no recipe knows them.
    """
    widths = (settings.width,) * settings.depth
    generator = mlp.Generator(widths=widths, initialisation="he")
    discriminator = mlp.Discriminator(widths=widths, initialisation="he")
    return Recipe(
        name="lab",
        data=data,
        scaling="none" if drawn else "standard",
        latent=Latent(size=DIMENSIONS, distribution=settings.prior),
        players={
            "generator": Player(network=generator, optimiser=Adam(rate=settings.generator_rate, beta1=0.5, beta2=0.99)),
            "discriminator": Player(network=discriminator, optimiser=Adam(rate=settings.discriminator_rate, beta1=0.5, beta2=0.99)),
        },
        loss=Loss(name=settings.loss),
        penalties={name: Penalty(weight=settings.weight) for name in settings.penalties},
        turns=Turns(critic=settings.discriminator_updates),
        order=Order(how="replacement"),
        batch=settings.batch,
        seed=settings.seed,
        machine=Machine(device="cpu", threads=1, compile="off", precision="float32", products="default"),
    )
