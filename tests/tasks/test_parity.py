"""Each game equals the plain PyTorch loop that one would write by hand, with torch's own Adam and autograd, on the same draws."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from mulligan.randomness import seed_operators
from mulligan.training.compiling import stepper
from mulligan.training.game import Batch, Tensors
from mulligan.training.session import Session
from mulligan.training.state import parameters

STEPS = 4
WIDTHS = ("generator.network.widths=[12,16]", "discriminator.network.widths=[16,12]")

Open = Callable[..., Session]
Batches = list[Batch]
Loop = Callable[["Plain", Batches, list[Tensors]], None]


class Plain:
    """The same players as modules, each with torch's own optimiser."""

    def __init__(self, session: Session) -> None:
        recipe = session.recipe
        self.kind = session.game.kind
        self.modules: dict[str, nn.Module] = {}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        for name, player in recipe.players.items():
            module = player.network.build(recipe.signature())
            module.load_state_dict({**parameters(session.state[name]), **session.state[name].buffers})
            settings = player.optimiser
            assert settings is not None
            self.modules[name] = module.train()
            self.optimisers[name] = torch.optim.Adam(
                module.parameters(), lr=settings.rate, betas=(settings.beta1, settings.beta2), eps=settings.epsilon
            )

    def real(self, batch: Batch) -> Tensor:
        return self.kind.encode(batch.target)

    def g(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        made: Tensor = self.modules["generator"](z, label)
        return made

    def d(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        logits: Tensor = self.modules["discriminator"](x, label).logits
        return logits

    def minimise(self, loss: Tensor, *players: str) -> None:
        for optimiser in self.optimisers.values():
            optimiser.zero_grad()
        loss.backward()
        for player in players:
            self.optimisers[player].step()


def bce(logits: Tensor, target: float) -> Tensor:
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def three_updates(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """D on real, D on fake, then G, as `shallow` and `dense-dropout` were published."""
    _, on_fake, on_generator = draws
    plain.minimise(bce(plain.d(plain.real(batches[0]), batches[0].condition), 1.0), "discriminator")
    with torch.no_grad():
        fake = plain.g(on_fake["z"], on_fake.get("label"))
    plain.minimise(bce(plain.d(fake, on_fake.get("label")), 0.0), "discriminator")
    label = on_generator.get("label")
    plain.minimise(bce(plain.d(plain.g(on_generator["z"], label), label), 1.0), "generator")


def two_updates(smoothing: float = 0.0) -> Loop:
    """D on the sum of both, then G, as `dense-smooth`, `dense-batchnorm` and `points` were published."""

    def loop(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
        with torch.no_grad():
            fake = plain.g(draws[0]["z"])
        loss = bce(plain.d(plain.real(batches[0])), 1.0 - smoothing) + bce(plain.d(fake), 0.0)
        plain.minimise(loss, "discriminator")
        plain.minimise(bce(plain.d(plain.g(draws[1]["z"])), 1.0), "generator")

    return loop


def slope(plain: Plain, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(plain.d(x).sum(), x, create_graph=True)
    return gradient.flatten(1)


def both_penalties(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Pairing loss with zero-centred penalties on real and fake (Huang et al. 2024), at gamma 10."""
    fake, real = plain.g(draws[0]["z"]).detach(), plain.real(batches[0])
    loss = softplus(plain.d(fake) - plain.d(real)).mean()
    loss = loss + 5 * slope(plain, real).square().sum(1).mean() + 5 * slope(plain, fake).square().sum(1).mean()
    plain.minimise(loss, "discriminator")
    real = plain.real(batches[1])
    plain.minimise(softplus(plain.d(real) - plain.d(plain.g(draws[1]["z"]))).mean(), "generator")


def five_critic_steps(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Wasserstein with the one-centred penalty on interpolates (Gulrajani et al. 2017, algorithm 1)."""
    for batch, draw in zip(batches[:5], draws[:5], strict=True):
        real, fake = plain.real(batch), plain.g(draw["z"]).detach()
        mix = draw["mix.one-centred"][:, None]
        between = slope(plain, mix * real + (1 - mix) * fake)
        loss = plain.d(fake).mean() - plain.d(real).mean() + 10 * (between.norm(dim=1) - 1).square().mean()
        plain.minimise(loss, "discriminator")
    plain.minimise(-plain.d(plain.g(draws[5]["z"])).mean(), "generator")


def clipped(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Wasserstein with weight clipping after each update of D (Arjovsky et al. 2017, algorithm 1)."""
    fake = plain.g(draws[0]["z"]).detach()
    plain.minimise(plain.d(fake).mean() - plain.d(plain.real(batches[0])).mean(), "discriminator")
    with torch.no_grad():
        for parameter in plain.modules["discriminator"].parameters():
            parameter.clamp_(-0.05, 0.05)
    plain.minimise(-plain.d(plain.g(draws[1]["z"])).mean(), "generator")


def autoencoder(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    real = plain.real(batches[0])
    plain.minimise((plain.g(plain.modules["encoder"](real)) - real).square().mean(), "encoder", "generator")


ENCODER = ("encoder.network.widths=[16]", "generator.network.widths=[16]", "encoder.optimiser.final=1", "generator.optimiser.final=1")
STEADY = (
    "generator.optimiser.final=1",
    "discriminator.optimiser.final=1",
    "penalties.zero-centred-real.final=1",
    "penalties.zero-centred-fake.final=1",
)
WASSERSTEIN = ("loss.name=wasserstein", "turns.critic=5", "penalties.one-centred.weight=10")
CLIPPED = ("loss.name=wasserstein", "penalties.weight-clipping.weight=0.05")

GAMES = {
    "shallow": (three_updates, "shallow", "digits", WIDTHS),
    "dense-dropout": (three_updates, "dense-dropout", "digits", WIDTHS),
    "shallow-conditional": (three_updates, "shallow-conditional", "digits", WIDTHS),
    "points": (two_updates(), "points", "parabola", ()),
    "dense-batchnorm": (two_updates(), "dense-batchnorm", "digits", WIDTHS),
    "dense-smooth": (two_updates(0.1), "dense-smooth", "digits", (*WIDTHS, "order.short_batch=false")),
    "modern": (both_penalties, "modern", "ring", ("gamma=10", *WIDTHS, *STEADY)),
    "five critic steps": (five_critic_steps, "points", "ring", (*WIDTHS, *WASSERSTEIN)),
    "weight clipping": (clipped, "points", "ring", (*WIDTHS, *CLIPPED)),
    "autoencoder": (autoencoder, "autoencoder", "digits", ENCODER),
}


@pytest.mark.parametrize("name", GAMES)
def test_game_equals_a_plain_loop(name: str, small: Open) -> None:
    """Weights after a few steps, dropout and moving statistics included, within rounding."""
    loop, recipe, source, settings = GAMES[name]
    session = small(recipe, source, *settings)
    plain = Plain(session)
    step = stepper(session.game, session.recipe)
    for _ in range(STEPS):
        batches, draws, now = session.inputs()
        seed_operators(0, session.step, 0)
        loop(plain, [batch for batch in batches if batch is not None], draws)
        seed_operators(0, session.step, 0)
        _, finite = step(session.state, batches, draws, now)
        assert finite
        session.step += 1
    for player, module in plain.modules.items():
        state = session.state[player]
        for key, ours in {**parameters(state), **state.buffers}.items():
            theirs = module.state_dict()[key]
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=2e-5)
        assert float(state.updates) == STEPS * sum(player in turn.players for turn in session.game.turns)
