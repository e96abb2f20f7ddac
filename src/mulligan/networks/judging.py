"""What discriminators offer against collapse and steepness, whatever they are made of."""

from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field

from mulligan.recipe import Network

if TYPE_CHECKING:
    from torch import nn

    from mulligan.layers.minibatch import Beside

Layer = TypeVar("Layer", bound="nn.Module")


class Judging(Network):
    """Settings of a discriminator."""

    spectral: bool = Field(False, description="Whether the weights of each layer are divided by their largest singular value.")
    minibatch: Literal["none", "discrimination", "deviation"] = Field(
        "none", description="What D is told of the samples beside a sample: how near they are (discrimination), or how much they vary."
    )
    kernels: int = Field(16, ge=1, le=1024, description="Numbers that minibatch discrimination tells of each sample.")
    kernel_size: int = Field(5, ge=1, le=1024, description="Numbers that samples are compared by for each of those.")

    def _layer(self, layer: Layer) -> Layer:
        """A layer with weights, normalised where that is asked for."""
        from mulligan.layers.spectral import spectral

        return spectral(layer) if self.spectral else layer

    def _beside(self, inputs: int) -> "Beside | None":
        """What stands in front of the last layer, and joins numbers about the batch to so many features."""
        from mulligan.layers.minibatch import beside

        return beside(self.minibatch, inputs, self.kernels, self.kernel_size)
