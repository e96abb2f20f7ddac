"""A network of one's own: dense layers with a shortcut around each. From the folder that holds `examples/`:

    mulligan train digits generator.network.name=examples/my_network.py:my_network \
        discriminator.network.name=examples/my_network.py:my_network

Settings of its own are keys like all others: `generator.network.blocks=3`.
"""

from math import prod
from typing import Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from mulligan import Network, Signature
from mulligan.layers.activation import output
from mulligan.layers.condition import join
from mulligan.layers.critique import Critique


class Shortcut(nn.Module):
    """h + f(h): a block that starts as nearly nothing and learns what to add."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, width))
        with torch.no_grad():
            self.body[-1].weight.mul_(0.1)

    def forward(self, h: Tensor) -> Tensor:
        return h + self.body(h)


class Maker(nn.Module):
    """Latents (N, latent), with the label if there are classes -> samples (N, *shape)."""

    def __init__(self, body: nn.Module, signature: Signature) -> None:
        super().__init__()
        self.body = body
        self.signature = signature

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.body(join(z, label, self.signature.classes)).view(-1, *self.signature.sample)


class Judge(nn.Module):
    """Samples (N, *shape), with the label if there are classes -> critique."""

    def __init__(self, body: nn.Module, head: nn.Module, classes: int) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.classes = classes

    def forward(self, x: Tensor, label: Tensor | None = None, features: bool = False) -> Critique:
        seen = self.body(join(x.flatten(1), label, self.classes))
        return Critique(self.head(seen).squeeze(1), (seen,) if features else ())


class Shortcuts(Network):
    """The settings that both roles have."""

    name: str = "examples/my_network.py:my_network"
    width: int = Field(256, ge=1, description="Numbers between the blocks.")
    blocks: int = Field(2, ge=1, description="Blocks with a shortcut.")

    def body(self, inputs: int) -> list[nn.Module]:
        return [nn.Linear(inputs, self.width), *(Shortcut(self.width) for _ in range(self.blocks)), nn.LeakyReLU(0.2)]

    @classmethod
    def tiny(cls) -> Self:
        return cls(width=8, blocks=1)


class Generator(Shortcuts):
    role: Literal["Generator"] = "Generator"

    def build(self, signature: Signature) -> nn.Module:
        last = [nn.Linear(self.width, prod(signature.sample)), *output("auto", signature.scaling)]
        return Maker(nn.Sequential(*self.body(signature.latent + signature.classes), *last), signature)


class Discriminator(Shortcuts):
    role: Literal["Discriminator"] = "Discriminator"

    def build(self, signature: Signature) -> nn.Module:
        body = nn.Sequential(*self.body(prod(signature.sample) + signature.classes))
        return Judge(body, nn.Linear(self.width, 1), signature.classes)
