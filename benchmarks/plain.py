"""Five published GANs as plain PyTorch loops, the way an introduction writes them: modules, `backward()`, `torch.optim.Adam`.

They share no code with Mulligan, and do the same updates on batches of the same shape (a test compares the weights); `steps.py` times
both. Where introductions differ, this takes the cheaper way: images are scaled once and stay in memory as floats, batches are drawn by
index (no DataLoader), fakes for D are made without gradients, and of the figures the losses are read, accuracies only where the
publication shows them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Plain:
    """A plain loop: two networks, and a call that does one step and returns the figures that it read.

    update: what `step` does with what it has drawn: real samples as networks see them, and latents, in the order in which they are used.
    average: of the generator's weights, where there is one.
    """

    generator: nn.Module
    discriminator: nn.Module
    step: Callable[[], dict[str, float]]
    update: Callable[..., dict[str, float]]
    average: nn.Module | None = None


def dense_dropout(images: np.ndarray, fused: bool = False, device: str = "cpu") -> Plain:
    """Three updates: D on real, D on fakes made in inference mode, then G. images: uint8 (N, 28, 28)."""
    g = nn.Sequential(
        nn.Linear(100, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 512), nn.LeakyReLU(0.2),
        nn.Linear(512, 1024), nn.LeakyReLU(0.2),
        nn.Linear(1024, 784), nn.Tanh(),
    )  # fmt: skip
    d = nn.Sequential(
        nn.Linear(784, 1024), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(1024, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(256, 1), nn.Sigmoid(),
    )  # fmt: skip
    for layer in g:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            nn.init.zeros_(layer.bias)
    for layer in d:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    g, d = g.to(device), d.to(device)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
    bce = nn.BCELoss()
    x_train = torch.from_numpy(images.reshape(-1, 784).astype(np.float32) / 127.5 - 1).to(device)
    ones, zeros = torch.ones(64, 1, device=device), torch.zeros(64, 1, device=device)

    def step() -> dict[str, float]:
        real = x_train[np.random.randint(0, len(x_train), 64)]
        return update(real, torch.randn(64, 100, device=device), torch.randn(64, 100, device=device))

    def update(real: Tensor, z: Tensor, z_g: Tensor) -> dict[str, float]:
        set_trainable(d, True)
        adam_d.zero_grad()
        judged_real = d(real)
        loss_real = bce(judged_real, ones)
        loss_real.backward()
        adam_d.step()

        g.eval()
        with torch.no_grad():
            fake = g(z)
        g.train()
        adam_d.zero_grad()
        judged_fake = d(fake)
        loss_fake = bce(judged_fake, zeros)
        loss_fake.backward()
        adam_d.step()

        set_trainable(d, False)
        adam_g.zero_grad()
        loss_g = bce(d(g(z_g)), ones)
        loss_g.backward()
        adam_g.step()
        return {
            "loss on real": loss_real.item(),
            "loss on fake": loss_fake.item(),
            "accuracy on real": (judged_real > 0.5).float().mean().item(),
            "accuracy on fake": (judged_fake < 0.5).float().mean().item(),
            "loss of G": loss_g.item(),
        }

    return Plain(g, d, step, update)


def shallow(images: np.ndarray, fused: bool = False, device: str = "cpu") -> Plain:
    """Three updates: D on real, D on fake, then G. images: uint8 (N, 28, 28)."""
    g = nn.Sequential(nn.Linear(100, 256), nn.LeakyReLU(0.2), nn.Linear(256, 784), nn.Sigmoid())
    d = nn.Sequential(
        nn.Linear(784, 100), nn.LeakyReLU(0.2),
        nn.Linear(100, 50), nn.LeakyReLU(0.2),
        nn.Linear(50, 1), nn.Sigmoid(),
    )  # fmt: skip
    g, d = g.to(device), d.to(device)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
    bce = nn.BCELoss()
    batches = shuffled(torch.from_numpy(images.reshape(-1, 784).astype(np.float32) / 255).to(device), 64)

    def step() -> dict[str, float]:
        real = next(batches)
        return update(real, torch.randn(len(real), 100, device=device), torch.randn(len(real), 100, device=device))

    def update(real: Tensor, z: Tensor, z_g: Tensor) -> dict[str, float]:
        ones, zeros = torch.ones(len(real), 1, device=device), torch.zeros(len(real), 1, device=device)
        set_trainable(d, True)
        adam_d.zero_grad()
        loss_real = bce(d(real), ones)
        loss_real.backward()
        adam_d.step()

        with torch.no_grad():
            fake = g(z)
        adam_d.zero_grad()
        loss_fake = bce(d(fake), zeros)
        loss_fake.backward()
        adam_d.step()

        set_trainable(d, False)
        adam_g.zero_grad()
        loss_g = bce(d(g(z_g)), ones)
        loss_g.backward()
        adam_g.step()
        return {"loss on real": loss_real.item(), "loss on fake": loss_fake.item(), "loss of G": loss_g.item()}

    return Plain(g, d, step, update)


def dense_batchnorm(images: np.ndarray, fused: bool = False, device: str = "cpu") -> Plain:
    """Two updates: D on real and fake, then G. images: uint8 (N, 28, 28)."""
    g = nn.Sequential(
        nn.Linear(100, 256), nn.LeakyReLU(0.2), nn.BatchNorm1d(256, eps=1e-3, momentum=0.01),
        nn.Linear(256, 512), nn.LeakyReLU(0.2), nn.BatchNorm1d(512, eps=1e-3, momentum=0.01),
        nn.Linear(512, 1024), nn.LeakyReLU(0.2), nn.BatchNorm1d(1024, eps=1e-3, momentum=0.01),
        nn.Linear(1024, 784), nn.Sigmoid(),
    )  # fmt: skip
    d = nn.Sequential(
        nn.Linear(784, 512), nn.LeakyReLU(0.2),
        nn.Linear(512, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 1), nn.Sigmoid(),
    )  # fmt: skip
    g, d = g.to(device), d.to(device)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
    bce = nn.BCELoss()
    batches = shuffled(torch.from_numpy(images.reshape(-1, 784).astype(np.float32) / 255).to(device), 64)

    def step() -> dict[str, float]:
        real = next(batches)
        return update(real, torch.randn(len(real), 100, device=device), torch.randn(len(real), 100, device=device))

    def update(real: Tensor, z: Tensor, z_g: Tensor) -> dict[str, float]:
        ones, zeros = torch.ones(len(real), 1, device=device), torch.zeros(len(real), 1, device=device)
        set_trainable(d, True)
        adam_d.zero_grad()
        with torch.no_grad():
            fake = g(z)
        loss_d = bce(d(real), ones) + bce(d(fake), zeros)
        loss_d.backward()
        adam_d.step()

        set_trainable(d, False)
        adam_g.zero_grad()
        loss_g = bce(d(g(z_g)), ones)
        loss_g.backward()
        adam_g.step()
        return {"loss of D": loss_d.item(), "loss of G": loss_g.item()}

    return Plain(g, d, step, update)


def points(fused: bool = False, device: str = "cpu") -> Plain:
    """Two updates: D on points of a parabola and on fakes, then G through a D that is held constant."""
    g = nn.Sequential(nn.Linear(5, 15), nn.ReLU(), nn.Linear(15, 2))
    d = nn.Sequential(nn.Linear(2, 25), nn.ReLU(), nn.Linear(25, 1), nn.Sigmoid())
    for network in (g, d):
        hidden = network[0]
        assert isinstance(hidden, nn.Linear)
        nn.init.kaiming_uniform_(hidden.weight, nonlinearity="relu")
    g, d = g.to(device), d.to(device)
    adam_g = torch.optim.Adam(g.parameters(), lr=1e-3, eps=1e-7, fused=fused)
    adam_d = torch.optim.Adam(d.parameters(), lr=1e-3, eps=1e-7, fused=fused)
    bce = nn.BCELoss()
    ones, zeros = torch.ones(128, 1, device=device), torch.zeros(128, 1, device=device)

    def step() -> dict[str, float]:
        x = np.random.rand(128) - 0.5
        real = torch.from_numpy(np.column_stack((x, x * x)).astype(np.float32)).to(device)
        return update(real, torch.randn(128, 5, device=device), torch.randn(128, 5, device=device))

    def update(real: Tensor, z: Tensor, z_g: Tensor) -> dict[str, float]:
        set_trainable(d, True)
        adam_d.zero_grad()
        with torch.no_grad():
            fake = g(z)
        judged_real, judged_fake = d(real), d(fake)
        loss_d = bce(judged_real, ones) + bce(judged_fake, zeros)
        loss_d.backward()
        adam_d.step()

        set_trainable(d, False)
        adam_g.zero_grad()
        loss_g = bce(d(g(z_g)), ones)
        loss_g.backward()
        adam_g.step()
        return {
            "loss of D": loss_d.item(),
            "accuracy on real": (judged_real > 0.5).float().mean().item(),
            "accuracy on fake": (judged_fake < 0.5).float().mean().item(),
            "loss of G": loss_g.item(),
        }

    return Plain(g, d, step, update)


def dense_smooth(images: np.ndarray, fused: bool = False, device: str = "cpu") -> Plain:
    """Two updates: D on real (labels smoothed to 0.9) and fake, then G; dropout in both. images: uint8 (N, 28, 28)."""
    g = nn.Sequential(
        nn.Linear(100, 32), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(32, 64), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(128, 784), nn.Tanh(),
    )  # fmt: skip
    d = nn.Sequential(
        nn.Linear(784, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(32, 1),
    )  # fmt: skip
    g, d = g.to(device), d.to(device)
    adam_g = torch.optim.Adam(g.parameters(), lr=2e-3, fused=fused)
    adam_d = torch.optim.Adam(d.parameters(), lr=2e-3, fused=fused)
    bce = nn.BCEWithLogitsLoss()
    batches = shuffled(torch.from_numpy(images.reshape(-1, 784).astype(np.float32) / 127.5 - 1).to(device), 64, short=True)

    def uniform(count: int) -> Tensor:
        return torch.rand(count, 100, device=device) * 2 - 1

    def step() -> dict[str, float]:
        real = next(batches)
        return update(real, uniform(len(real)), uniform(len(real)))

    def update(real: Tensor, z: Tensor, z_g: Tensor) -> dict[str, float]:
        ones, zeros = torch.ones(len(real), 1, device=device), torch.zeros(len(real), 1, device=device)
        set_trainable(d, True)
        adam_d.zero_grad()
        with torch.no_grad():
            fake = g(z)
        loss_d = bce(d(real), ones * 0.9) + bce(d(fake), zeros)
        loss_d.backward()
        adam_d.step()

        set_trainable(d, False)
        adam_g.zero_grad()
        loss_g = bce(d(g(z_g)), ones)
        loss_g.backward()
        adam_g.step()
        return {"loss of D": loss_d.item(), "loss of G": loss_g.item()}

    return Plain(g, d, step, update)


def set_trainable(network: nn.Module, trainable: bool) -> None:
    """Freeze a network, or let it train again."""
    for parameter in network.parameters():
        parameter.requires_grad_(trainable)


def shuffled(x: Tensor, size: int, short: bool = False) -> Iterator[Tensor]:
    """Batches of an epoch in random order, the last smaller one kept where `short`; and again without end."""
    while True:
        order = torch.randperm(len(x))
        for start in range(0, len(x) if short else len(x) - size + 1, size):
            yield x[order[start : start + size]]
