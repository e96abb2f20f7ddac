"""What model.json says: all that is needed to rebuild the network, and what people ask of a model.

The file may come from anybody, so everything in it is checked before anything is built: names lead to the package's own code (or to
code that the user allowed), shapes are bounded and fit each other. It holds no path, user or host.
"""

from collections.abc import Mapping
from math import prod
from pathlib import PurePath
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from mulligan import find
from mulligan.errors import CheckpointError, UsageError
from mulligan.kinds.kind import Kind, restore
from mulligan.metrics.figures import ScoreCard, read_card
from mulligan.recipe import AnyNetwork, Latent, Network, Settings, Signature

OWN_DATA = "own data"  # how the data of a user are called where others may read it
BLOCK = 32  # samples in one pass: large enough to be quick, small enough that a single sample is too
_MOST_NUMBERS = 2**23  # in one block of samples: 32 MiB, or 42 RGB images of 256 x 256
MENDING = "Use a model folder that Mulligan wrote"


def public_source(source: str) -> str:
    """How a source of data is named in what leaves the run folder: a built-in set by its name, anything else as `own data`.

    >>> public_source("digits"), public_source("/home/ada/photos")
    ('digits', 'own data')
    """
    return source if source in find.names("data") else OWN_DATA


def public_name(name: str) -> str:
    """A name without the folders that may stand before it: of `folder/nets.py:Wide`, `nets.py:Wide`."""
    return PurePath(name.replace("\\", "/")).name


def _kind(value: Any) -> Any:
    return restore(value) if isinstance(value, dict) else value


class Trained(Settings):
    """How a model came to be, for people; sampling does not look at it."""

    steps: int = Field(ge=0, description="Steps of training.")
    images: int = Field(ge=0, description="Training samples seen.")
    seconds: float | None = Field(None, ge=0, description="Time of training.")
    seed: int | None = Field(None, ge=0, description="Seed of training.")
    data: Annotated[str, BeforeValidator(public_source)] = Field(description="Name of the built-in set, or `own data`.")
    licence: str = Field("", max_length=1000, description="Licence of the training data, where it is known.")
    hardware: str = Field("", max_length=1000, description="What it was trained on.")
    command: str = Field("", max_length=4000, description="What was asked for, without the names of a user's own files.")
    verdict: str = Field("", max_length=200, description="What the doctor said of the training at its end.")
    figures: Annotated[ScoreCard | None, BeforeValidator(read_card)] = Field(None, description="Score card of the samples.")


class Description(Settings):
    """The content of model.json."""

    schema_version: Literal[1] = 1
    recipe: Annotated[str, BeforeValidator(public_name)] = Field(max_length=200, description="Name of the recipe.")
    network: AnyNetwork = Field(description="Settings of the generator.")
    encoder: AnyNetwork | None = Field(None, description="Settings of the encoder, where the model can reconstruct.")
    signature: Signature = Field(description="What the networks fit.")
    kind: Annotated[SerializeAsAny[Kind], BeforeValidator(_kind)] = Field(description="What one sample is.")
    latent: Latent = Field(description="The prior of z.")
    fitted: bool = Field(False, description="Whether latents go through a Gaussian that was fitted to training codes.")
    classes: tuple[str, ...] = Field((), max_length=100_000, description="Names of the classes that a sample can be asked for.")
    block: int = Field(BLOCK, ge=1, le=4096, description="Samples in one pass: a sample is the same whatever is asked beside it.")
    weights: str = Field("", max_length=64, description="SHA-256 of the names, shapes and numbers of all tensors.")
    trained: Trained

    @field_validator("classes")
    @classmethod
    def _named(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if any(not name or len(name) > 1000 for name in classes):
            raise ValueError("a class has no name, or one of more than 1000 characters")
        return classes

    @model_validator(mode="after")
    def _fits(self) -> Self:
        signature = self.signature
        sides = signature.sample
        if not sides or min(sides) < 1 or prod(sides) * self.block > _MOST_NUMBERS:
            raise ValueError(f"a block of {self.block} samples of shape {sides} is empty, or larger than {_MOST_NUMBERS:,} numbers")
        pairs = {
            "shape": (self.kind.shape, sides),
            "scaling": (self.kind.scaling, signature.scaling),
            "latent": (self.latent.size, signature.latent),
            "classes": (len(self.classes), signature.classes),
        }
        for what, (here, there) in pairs.items():
            if here != there:
                raise ValueError(f"{what} is {here} in one place and {there} in another")
        return self

    def public(self) -> dict[str, Any]:
        """Plain values for JSON, without the folders of outside code."""
        facts = self.model_dump(mode="json")
        for part in (facts["network"], facts["encoder"], facts["kind"]):
            if part is not None:
                part["name"] = public_name(part["name"])
        return facts


def describe(facts: Any, where: str) -> Description:
    """The checked description that a JSON value makes; `where` names it in errors.

    Raises CheckpointError for what does not fit, UnsafeError for outside code that the user did not allow.
    """
    if not isinstance(facts, Mapping):
        raise CheckpointError(f"{where} holds no description of a model", MENDING)
    version = facts.get("schema_version")
    if version != 1:
        raise CheckpointError(f"{where} has schema_version {str(version)[:20]}, and this Mulligan reads 1", "Install a newer Mulligan")
    try:
        return Description.model_validate(
            {**facts, **{key: _allowed(facts[key], key, where) for key in ("network", "encoder", "kind") if key in facts}}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(f"{where}: {place + ': ' if place else ''}{first['msg']}", MENDING) from None
    except UsageError as error:  # a name that this Mulligan does not know
        raise CheckpointError(f"{where}: {error.message}", error.hint or MENDING) from None


def _allowed(settings: Any, key: str, where: str) -> Any:
    """Settings whose name leads to what it should: outside code under the name by which the user allowed it."""
    if not isinstance(settings, dict):
        return settings
    name = str(settings.get("name"))
    if find.is_outside(name):
        name = next((given for given in find.trusted() if public_name(given) == name), name)
    thing = find.load("kinds" if key == "kind" else "networks", name)  # refuses outside code that nobody allowed
    role = str(settings.get("role"))
    made = getattr(thing, role, None)
    if key != "kind" and not (isinstance(made, type) and issubclass(made, Network) and made is not Network):
        raise CheckpointError(f"{where}: {key}.role: {role[:80]} is no network in {name}", MENDING)
    return {**settings, "name": name}


def tiny() -> Description:
    """The smallest sensible description, for tests and examples: grey images of 8 x 8 from an MLP."""
    from mulligan.kinds.image import Image
    from mulligan.networks.mlp import Generator

    signature = Signature(sample=(1, 8, 8), latent=4, classes=0, scaling="symmetric")
    return Description(
        recipe="tiny",
        network=Generator.tiny(),
        signature=signature,
        kind=Image.tiny(),
        latent=Latent(size=4),
        trained=Trained(steps=1, images=64, data="digits"),
    )
