"""The doctor in a training loop that knows nothing of Mulligan: plain PyTorch, on the digits that come with the package.

    python examples/doctor_plain_loop.py

Three lines are the doctor's: one before the loop, one in it, one after it.
"""

import sys

import torch
from torch import nn

import mulligan


def main(steps: int = 2000, width: int = 256, rate: float = 2e-4) -> str:
    """Train for some steps, print what the doctor says, and return its verdict."""
    digits = mulligan.open_dataset(mulligan.Data(source="digits"))
    train, test = (torch.from_numpy(split.target).flatten(1).float() / 127.5 - 1 for split in (digits.train, digits.test))
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(64, width), nn.LeakyReLU(0.2), nn.Linear(width, 784), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(784, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))
    g_moves = torch.optim.Adam(generator.parameters(), rate, (0.5, 0.999))
    d_moves = torch.optim.Adam(discriminator.parameters(), rate, (0.5, 0.999))
    fixed = torch.randn(1000, 64)
    shape = (-1, 1, 28, 28)

    doctor = mulligan.Doctor(train.view(shape), test.view(shape), horizon=steps)
    for step in range(1, steps + 1):
        real = train[torch.randint(len(train), (64,))]
        fake = generator(torch.randn(64, 64))
        d_loss = nn.functional.softplus(-discriminator(real)).mean() + nn.functional.softplus(discriminator(fake.detach())).mean()
        d_moves.zero_grad()
        d_loss.backward()
        d_moves.step()
        g_loss = nn.functional.softplus(-discriminator(fake)).mean()
        g_moves.zero_grad()
        g_loss.backward()
        g_moves.step()
        if step % max(steps // 20, 1) == 0:
            with torch.no_grad():
                made, losses = generator(fixed), {"discriminator": d_loss.item(), "generator": g_loss.item()}
                said = [discriminator(samples[:400]) for samples in (train, made, test)]
                doctor.observe(step, made.view(shape), *said, losses)
    diagnosis = doctor.diagnosis()
    print("\n".join(diagnosis.lines()))
    return diagnosis.verdict


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
