"""Models of real networks at tiny sizes."""

from collections.abc import Callable

import pytest
import torch

from mulligan.kinds.image import Image
from mulligan.kinds.points import Points
from mulligan.networks import conv, mlp
from mulligan.recipe import Latent, Signature
from mulligan.sampling.description import Description, Trained
from mulligan.sampling.model import Model
from mulligan.sampling.weights import expected

TRAINED = Trained(steps=10, images=640, data="digits")


def with_weights(description: Description) -> Model:
    """A model whose weights are drawn: wide enough that all samples differ."""
    generator = torch.Generator().manual_seed(1)
    weights = {name: 2 * torch.rand(shape, generator=generator) - 1 for name, (_, shape) in expected(description).items()}
    return Model(description, {name: tensor.abs() if name.endswith("variance") else tensor for name, tensor in weights.items()})


def image_model(
    classes: tuple[str, ...] = (),
    block: int = 8,
    colour: bool = False,
    convolutional: bool = False,
    latent: Latent | None = None,
    side: int = 8,  # of dense nets
) -> Model:
    latent = latent or Latent(size=4)
    shape = (3 if colour else 1, 16, 16) if convolutional else (3 if colour else 1, side, side)
    network = conv.Generator.tiny() if convolutional else mlp.Generator(widths=(8,), normalisation="batch")
    return with_weights(
        Description(
            recipe="tiny",
            network=network,
            signature=Signature(sample=shape, latent=latent.size, classes=len(classes), scaling="symmetric"),
            kind=Image(shape=shape, scaling="symmetric"),
            latent=latent,
            classes=classes,
            block=block,
            trained=TRAINED,
        )
    )


@pytest.fixture
def make_image_model() -> Callable[..., Model]:
    return image_model


@pytest.fixture
def model() -> Model:
    return image_model()


@pytest.fixture
def conditional() -> Model:
    return image_model(classes=("Coat", "Bag", "Ankle boot"))


@pytest.fixture
def points() -> Model:
    kind = Points.tiny()
    return with_weights(
        Description(
            recipe="points",
            network=mlp.Generator.tiny(),
            signature=Signature(sample=kind.shape, latent=5, classes=0, scaling=kind.scaling),
            kind=kind,
            latent=Latent(size=5),
            block=8,
            trained=TRAINED,
        )
    )


@pytest.fixture
def autoencoder() -> Model:
    return with_weights(
        Description(
            recipe="autoencoder",
            network=mlp.Generator.tiny(),
            encoder=mlp.Encoder.tiny(),
            signature=Signature(sample=(1, 8, 8), latent=4, classes=0, scaling="unit"),
            kind=Image(shape=(1, 8, 8), scaling="unit"),
            latent=Latent(size=4),
            fitted=True,
            block=8,
            trained=TRAINED,
        )
    )
