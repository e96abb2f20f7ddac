"""Each game equals the plain PyTorch loop that one would write by hand, with torch's own Adam and autograd, on the same draws."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
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
        self.past: dict[str, list[list[Tensor]]] = {name: [] for name in recipe.players}
        self.steps = 0
        for name, player in recipe.players.items():
            signature = recipe.signature()
            sample = session.game.inputs.get(name, signature.sample)
            module = player.network.build(signature.model_copy(update={"sample": sample}))
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


def slope(judge: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)
    return gradient.flatten(1)


def joined(pack: int) -> Callable[[Tensor], Tensor]:
    """So many points side by side."""
    return lambda x: x.view(len(x) // pack, -1)


def shifted(x: Tensor, side: str, draw: Tensors) -> Tensor:
    """Each image moved by hand, where its coin says so."""
    made = torch.zeros_like(x)
    size = x.shape[-1]
    for row, (shift, coin) in enumerate(zip(draw[f"{side}.translation.shift"], draw[f"{side}.translation.coin"], strict=True)):
        down, right = (int(number * (2 * 4 + 1)) - 4 if coin < 0.9 else 0 for number in shift)  # an eighth of 28, rounded up
        for i in range(size):
            for j in range(size):
                if 0 <= i - down < size and 0 <= j - right < size:
                    made[row, :, i, j] = x[row, :, i - down, j - right]
    return made


def noisy(x: Tensor, side: str, draw: Tensors) -> Tensor:
    return x + 0.5 * draw[f"{side}.instance-noise.noise"]


def both_penalties(
    join: Callable[[Tensor], Tensor] = lambda x: x, see: Callable[[Tensor, str, Tensors], Tensor] = lambda x, side, draw: x
) -> Loop:
    """Pairing loss with zero-centred penalties on real and fake (Huang et al. 2024), at gamma 10.

    join: samples into packs. see: what becomes of samples of a side before D sees them; the slope is that at samples before.
    """

    def loop(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
        def d_real(x: Tensor, draw: Tensors = draws[0]) -> Tensor:
            return plain.d(see(x, "real", draw))

        def d_fake(x: Tensor, draw: Tensors = draws[0]) -> Tensor:
            return plain.d(see(x, "fake", draw))

        fake, real = join(plain.g(draws[0]["z"]).detach()), join(plain.real(batches[0]))
        loss = softplus(d_fake(fake) - d_real(real)).mean()
        loss = loss + 5 * slope(d_real, real).square().sum(1).mean() + 5 * slope(d_fake, fake).square().sum(1).mean()
        plain.minimise(loss, "discriminator")
        real, fake = join(plain.real(batches[1])), join(plain.g(draws[1]["z"]))
        plain.minimise(softplus(d_real(real, draws[1]) - d_fake(fake, draws[1])).mean(), "generator")

    return loop


def matched(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Feature matching (Salimans et al. 2016, section 3.1) on the last hidden layer."""
    loss = bce(plain.d(plain.real(batches[0])), 1.0) + bce(plain.d(plain.g(draws[0]["z"]).detach()), 0.0)
    plain.minimise(loss, "discriminator")
    sides = plain.real(batches[1]), plain.g(draws[1]["z"])
    real, fake = (plain.modules["discriminator"](x, None, True).features[-1].mean(0) for x in sides)
    plain.minimise((real - fake).square().sum(), "generator")


def unrolled(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """G against D as it would be two plain steps later, through those steps (Metz et al. 2017)."""
    loss = bce(plain.d(plain.real(batches[0])), 1.0) + bce(plain.d(plain.g(draws[0]["z"]).detach()), 0.0)
    plain.minimise(loss, "discriminator")
    real, fake, module = plain.real(batches[1]), plain.g(draws[1]["z"]), plain.modules["discriminator"]
    own = dict(module.named_parameters())
    for _ in range(2):
        loss = bce(functional_call(module, own, (real,)).logits, 1.0) + bce(functional_call(module, own, (fake,)).logits, 0.0)
        slopes = torch.autograd.grad(loss, list(own.values()), create_graph=True)
        own = {name: tensor - 0.05 * step for (name, tensor), step in zip(own.items(), slopes, strict=True)}
    plain.minimise(bce(functional_call(module, own, (fake,)).logits, 1.0), "generator")


def historical(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Each loss with 0.3 times the squared distance to the mean of all weights so far (Salimans et al. 2016, section 3.3)."""

    def drift(player: str) -> Tensor:
        own, past = list(plain.modules[player].parameters()), plain.past[player]
        if not past:
            return torch.zeros(())
        return 0.3 * torch.stack([(now - torch.stack(then).mean(0)).square().sum() for now, *then in zip(own, *past, strict=True)]).sum()

    def remember(player: str) -> None:
        plain.past[player].append([parameter.detach().clone() for parameter in plain.modules[player].parameters()])

    loss = bce(plain.d(plain.real(batches[0])), 1.0) + bce(plain.d(plain.g(draws[0]["z"]).detach()), 0.0)
    plain.minimise(loss + drift("discriminator"), "discriminator")
    remember("discriminator")
    plain.minimise(bce(plain.d(plain.g(draws[1]["z"])), 1.0) + drift("generator"), "generator")
    remember("generator")


def looking_ahead(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Both players go half the way back every two steps (Chavdarova et al. 2021)."""
    if not plain.past["generator"]:
        for player, module in plain.modules.items():
            plain.past[player].append([parameter.detach().clone() for parameter in module.parameters()])
    two_updates()(plain, batches, draws)
    plain.steps += 1
    if plain.steps % 2 == 0:
        for player, module in plain.modules.items():
            with torch.no_grad():
                for parameter, slow in zip(module.parameters(), plain.past[player][0], strict=True):
                    slow += 0.5 * (parameter - slow)
                    parameter.copy_(slow)


def five_critic_steps(plain: Plain, batches: Batches, draws: list[Tensors]) -> None:
    """Wasserstein with the one-centred penalty on interpolates (Gulrajani et al. 2017, algorithm 1)."""
    for batch, draw in zip(batches[:5], draws[:5], strict=True):
        real, fake = plain.real(batch), plain.g(draw["z"]).detach()
        mix = draw["mix.one-centred"][:, None]
        between = slope(plain.d, mix * real + (1 - mix) * fake)
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
    "modern": (both_penalties(), "modern", "ring", ("gamma=10", *WIDTHS, *STEADY)),
    "packing": (both_penalties(joined(4)), "modern", "ring", ("gamma=10", *WIDTHS, *STEADY, "turns.pack=4")),
    "instance noise": (
        both_penalties(see=noisy),
        "modern",
        "ring",
        ("gamma=10", *WIDTHS, *STEADY, "augmentations.instance-noise.weight=0.5"),
    ),
    "translation": (both_penalties(see=shifted), "modern", "digits", (*WIDTHS, *STEADY, "augmentations.translation.weight=0.9")),
    "feature matching": (matched, "points", "ring", (*WIDTHS, "loss.name=feature-matching")),
    "unrolling": (unrolled, "points", "ring", (*WIDTHS, "turns.unroll=2", "discriminator.optimiser.rate=0.05")),
    "historical averaging": (historical, "points", "ring", (*WIDTHS, "generator.history.weight=0.3", "discriminator.history.weight=0.3")),
    "lookahead": (looking_ahead, "points", "ring", (*WIDTHS, "generator.lookahead.every=2", "discriminator.lookahead.every=2")),
    "two time scales": (two_updates(), "points", "ring", (*WIDTHS, "discriminator.optimiser.rate=4e-3")),
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
