"""The table of layers counts everything once and leaves the network as it was."""

import torch
from torch import Tensor, nn

from mulligan.layers.normalisation import BatchNorm
from mulligan.layers.table import table, trainable
from mulligan.networks.mlp import Discriminator
from mulligan.recipe import Signature


class Odd(nn.Module):
    """A parameter of its own beside layers, one layer used twice, a frozen one, and torch's BatchNorm with its counter."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.twice = nn.Linear(4, 4)
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.frozen(self.twice(self.twice(x)))) * self.scale


def test_rows() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), BatchNorm(4), nn.Dropout(0.5), nn.Linear(4, 2), nn.Tanh())
    rows = table(net, torch.zeros(1, 5))
    assert [(row.layer, row.activation, row.shape, row.parameters, row.trainable) for row in rows] == [
        ("Dense", "relu", (4,), 24, 24),
        ("BatchNorm", "", (4,), 16, 8),
        ("Dropout", "", (4,), 0, 0),
        ("Dense", "tanh", (2,), 10, 10),
    ]


def test_everything_is_counted_once() -> None:
    net = Odd()
    rows = table(net, torch.zeros(1, 4))
    assert sum(row.parameters for row in rows) == 4 + 20 + 20 + 8 + 8  # without the counter, which is no number of the network
    assert sum(row.trainable for row in rows) == trainable(net) == 4 + 20 + 8


def test_nothing_is_left_behind() -> None:
    """Modes, buffers and hooks are as before."""
    net = nn.Sequential(nn.Linear(5, 4), BatchNorm(4).eval(), nn.Dropout(0.5))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    table(net, torch.ones(3, 5))
    assert [module.training for module in net] == [True, False, True]
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert not any(module._forward_hooks for module in net)


def test_discriminator_has_a_last_row_of_one_logit() -> None:
    module = Discriminator.tiny().build(Signature(sample=(1, 28, 28), latent=5, scaling="symmetric"))
    rows = table(module, torch.zeros(1, 1, 28, 28))
    assert [row.shape for row in rows] == [(8,), (1,)]
