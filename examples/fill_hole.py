"""A paired game: a digit with a hole goes in, the whole digit comes out (adversarial and L1 terms; Isola et al. 2017, arXiv 1611.07004).

    mulligan train digits --recipe examples/fill_hole.py:fill_hole --steps 2000

One file with a recipe and a task. It plays by the same step as everything else: two turns over two players. The discriminator sees the
picture with the hole beside the filled one, so it judges whether they belong together. There is no latent: what comes out depends on
what went in, so a run leaves pictures and checkpoints, and no model that samples from noise.
"""

from typing import TYPE_CHECKING, Literal

from mulligan.recipe import Adam, Data, Network, Player, Recipe, Signature

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mulligan.kinds.kind import Kind
    from mulligan.training.game import Game

DATA = "digits"
HERE = "examples/fill_hole.py"
L1_WEIGHT = 50.0  # of the mean absolute difference, against an adversarial term near 1


class Filler(Network):
    """Picture with a hole - dense layers - whole picture."""

    name: str = f"{HERE}:fill_hole"
    role: Literal["Filler"] = "Filler"
    width: int = 512

    def build(self, signature: Signature) -> "nn.Module":
        """(N, *sample) -> (N, *sample)."""
        from math import prod

        from torch import nn

        numbers = prod(signature.sample)
        layers = [nn.Linear(numbers, self.width), nn.LeakyReLU(0.2), nn.Linear(self.width, self.width), nn.LeakyReLU(0.2)]
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(self.width, numbers), nn.Tanh(), nn.Unflatten(1, signature.sample))

    @classmethod
    def tiny(cls) -> "Filler":
        """Eight units."""
        return cls(width=8)


class PairJudge(Network):
    """Picture with a hole and a whole picture, side by side - dense layers - a logit."""

    name: str = f"{HERE}:fill_hole"
    role: Literal["PairJudge"] = "PairJudge"
    width: int = 256

    def build(self, signature: Signature) -> "nn.Module":
        """(N, 2 * channels, H, W) -> (N, 1)."""
        from math import prod

        from torch import nn

        numbers = 2 * prod(signature.sample)
        return nn.Sequential(nn.Flatten(), nn.Linear(numbers, self.width), nn.LeakyReLU(0.2), nn.Linear(self.width, 1))

    @classmethod
    def tiny(cls) -> "PairJudge":
        """Eight units."""
        return cls(width=8)


def fill_hole(data: Data) -> Recipe:
    """Two updates a step: D on (hole, truth) and (hole, filled), then G by D's judgement and by the distance to the truth."""
    return Recipe(
        name="fill-hole",
        task=f"{HERE}:fill_hole",
        data=data,
        players={"generator": Player(network=Filler(), optimiser=Adam()), "discriminator": Player(network=PairJudge(), optimiser=Adam())},
        batch=64,
        horizon=640_000,
    )


def game(recipe: Recipe, kind: "Kind") -> "Game":
    """Players `generator` and `discriminator`; the hole of each picture is drawn by the turn that uses it."""
    import torch

    from mulligan.losses import non_saturating as loss
    from mulligan.training.game import Batch, Cast, Draw, Game, Show, Tensors, Told, Turn
    from mulligan.training.state import actor, build

    actors = {name: actor(build(player.network, recipe.signature(), recipe.seed, name), player) for name, player in recipe.players.items()}
    corner = {"corner": Draw("unit", (2,))}

    def holed(whole: "Tensor", corner: "Tensor") -> "Tensor":
        """Pictures (N, C, H, W) in which a square of half the side is black; corner (N, 2) in [0, 1) says where."""
        side = whole.shape[-1]
        start = (corner * (side - side // 2 + 1)).floor().long()
        place = torch.arange(side, device=whole.device)
        inside = (place >= start[..., None]) & (place < start[..., None] + side // 2)  # (N, 2, side): rows, columns
        hole = inside[:, 0, :, None] & inside[:, 1, None, :]
        return torch.where(hole[:, None], -torch.ones_like(whole), whole)

    def judged(cast: Cast, hole: "Tensor", whole: "Tensor") -> "Tensor":
        logits: Tensor = cast("discriminator", torch.cat([hole, whole], 1))
        return logits[:, 0]

    def discriminate(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None
        whole = kind.encode(batch.target)
        hole = holed(whole, drawn["corner"])
        d_real, d_fake = judged(cast, hole, whole), judged(cast, hole, cast("generator", hole).detach())
        terms = {"discriminator.loss.real": loss.real_loss(d_real), "discriminator.loss.fake": loss.fake_loss(d_fake)}
        return Told(terms, {"discriminator.score.real": d_real.sigmoid().mean(), "discriminator.score.fake": d_fake.sigmoid().mean()})

    def generate(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None
        whole = kind.encode(batch.target)
        hole = holed(whole, drawn["corner"])
        filled = cast("generator", hole)
        distance = (filled - whole).abs().flatten(1).mean(1)
        return Told({"generator.loss": loss.generator_loss(judged(cast, hole, filled)), "generator.l1": L1_WEIGHT * distance}, {})

    def fixed_hole(record: Batch) -> "tuple[Tensor, Tensor]":
        whole = kind.encode(record.target)
        return whole, holed(whole, torch.full((len(whole), 2), 0.5, device=whole.device))

    def sample(cast: Cast, z: "Tensor", label: "Tensor | None", record: Batch) -> "Tensor":
        filled: Tensor = cast("generator", fixed_hole(record)[1][: len(z)], inference=True)
        return filled

    def show(cast: Cast, z: "Tensor", label: "Tensor | None", record: Batch) -> Show:
        whole, hole = fixed_hole(record)
        return Show(("with a hole", "filled", "whole"), (hole, cast("generator", hole, inference=True), whole))

    return Game(
        kind=kind,
        actors=actors,
        turns=(
            Turn("discriminator", ("discriminator",), discriminate, reads=True, draws=corner),
            Turn("generator", ("generator",), generate, reads=True, draws=corner),
        ),
        sample=sample,
        show=show,
        reading=loss.reading,
        equilibrium=loss.equilibrium,
        inputs={"generator": kind.shape, "discriminator": (2 * kind.shape[0], *kind.shape[1:])},
        makes_samples=False,
        shows_real=True,
    )
