"""Generate samples from noise, with or without a label: the game of Goodfellow et al. 2014 (arXiv 1406.2661), with any loss.

Two turns as a rule: D on real and fake, then G. `turns.separate` makes D's part two updates, `turns.critic` repeats it. D sees samples
through a `View`; G may look ahead (`turns.unroll`).
"""

import inspect
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mulligan import find
from mulligan.errors import UsageError
from mulligan.kinds.kind import Kind
from mulligan.layers.critique import Critique, reduce_logits
from mulligan.recipe import Recipe
from mulligan.tasks.critic import constraint_of, penalties_of, penalty_terms, scores
from mulligan.tasks.unrolling import ahead
from mulligan.tasks.view import View
from mulligan.training.game import Batch, Cast, Draw, Game, Opinion, Show, Tensors, Told, Turn
from mulligan.training.state import actor, build


def game(recipe: Recipe, kind: Kind) -> Game:
    """Players `generator` and `discriminator`, and their turns."""
    if recipe.players.keys() != {"generator", "discriminator"}:
        raise UsageError(f"task generate has the players generator and discriminator, not {', '.join(recipe.players)}")
    rules = Rules.of(recipe, kind)
    signature = recipe.signature()
    fitted = {"generator": signature, "discriminator": rules.view.signature(signature)}
    actors = {name: actor(build(player.network, fitted[name], recipe.seed, name), player) for name, player in recipe.players.items()}
    rounds = _discriminator_turns(rules)
    turns = tuple(_numbered(turn, place, recipe.turns.critic) for place in range(recipe.turns.critic) for turn in rounds)
    return Game(
        kind=kind,
        actors=actors,
        turns=(*turns, _generator_turn(rules)),
        sample=sample,
        show=show,
        reading=rules.loss.reading,
        equilibrium=rules.loss.equilibrium,
        latent=Draw(recipe.latent.distribution, (recipe.latent.size,)),
        classes=signature.classes,
        pack=rules.view.pack,
        opinion=rules.opinion(),
        inputs={} if rules.view.pack == 1 else {"discriminator": rules.view.joined_shape},
    )


def sample(cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Tensor:
    """Samples from latents, as the generator makes them in inference mode."""
    samples: Tensor = cast("generator", z, label, inference=True)
    return samples


def show(cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Show:
    """One group: the samples of the fixed latents."""
    return Show(("samples",), (sample(cast, z, label, record),))


@dataclass(frozen=True)
class Rules:
    """What the turns share: how D is asked, and what it minimises."""

    recipe: Recipe
    kind: Kind
    loss: Any
    penalties: dict[str, Any]
    smoothing: dict[str, float]  # the keyword for the loss of real samples, where labels are smoothed
    view: View
    needs_features: bool  # whether G's loss looks at what D's layers saw

    @classmethod
    def of(cls, recipe: Recipe, kind: Kind) -> "Rules":
        """The rules of a recipe. Raises UsageError for what does not go together."""
        loss = find.load("losses", recipe.loss.name)
        penalties = penalties_of(recipe)
        if recipe.turns.separate:
            for name, penalty in penalties.items():
                if len(penalty.sees) > 1:
                    raise UsageError(f"penalty {name} looks at real and fake samples together", "Set turns.separate=false")
            if loss.needs_pairs:
                raise UsageError(f"loss {recipe.loss.name} compares real and fake samples", "Set turns.separate=false")
        if recipe.turns.unroll and recipe.players["discriminator"].optimiser is None:
            raise UsageError(f"turns.unroll={recipe.turns.unroll}: the discriminator does not move", "Set turns.unroll=0")
        return cls(recipe, kind, loss, penalties, _smoothing(recipe, loss), View.of(recipe), bool(getattr(loss, "needs_features", False)))

    def latent_draws(self) -> dict[str, Draw]:
        """Latents, and labels where there is a condition."""
        draws = {"z": Draw(self.recipe.latent.distribution, (self.recipe.latent.size,))}
        if self.recipe.conditional:
            draws["label"] = Draw("class", classes=len(self.recipe.data.classes))
        return draws

    def mixes(self) -> dict[str, Draw]:
        """Places between real samples and fakes, for the penalties that want some."""
        return {f"mix.{name}": Draw("unit") for name, penalty in self.penalties.items() if penalty.needs_mix}

    def critique(self, cast: Cast, samples: Tensor, label: Tensor | None, side: str, drawn: Tensors, knobs: Tensors) -> Critique:
        """What D says of samples of a side, with its features where G's loss looks at them."""
        seen = self.view.seen(self.view.joined(samples), side, drawn, knobs)
        said: Critique = cast("discriminator", seen, label, True) if self.needs_features else cast("discriminator", seen, label)
        return said

    def opinion(self) -> Opinion:
        """D's opinion of samples from outside of any turn."""

        def ask(cast: Cast, samples: Tensor, label: Tensor | None, drawn: Tensors, knobs: Tensors) -> Tensor:
            seen = self.view.seen(self.view.joined(samples), "real", drawn, knobs)
            return reduce_logits(cast("discriminator", seen, label, inference=True).logits)

        return Opinion(ask, self.view.draws("real"))

    def penalised(
        self, cast: Cast, real: Tensor | None, fake: Tensor | None, label: Tensor | None, drawn: Tensors, knobs: Tensors
    ) -> tuple[Tensors, Tensors]:
        """Terms of the penalties, at samples as they are before they are augmented, and D's logits of each side that is there.

        Where a penalty is taken at all samples of a side, D judges them once for both.
        """

        def critic(samples: Tensor, side: str) -> Tensor:
            first = {name: numbers[: len(samples) * self.view.pack] for name, numbers in drawn.items()}
            seen = self.view.seen(samples, side, first, knobs)
            return reduce_logits(cast("discriminator", seen, None if label is None else label[: len(samples)]).logits)

        sides = {side: self.view.joined(samples) for side, samples in (("real", real), ("fake", fake)) if samples is not None}
        shares = {name: penalty.share for name, penalty in self.recipe.penalties.items()}
        terms, said = penalty_terms(self.penalties, shares, critic, sides.get("real"), sides.get("fake"), drawn, knobs)
        return terms, {side: said[side] if side in said else critic(samples, side) for side, samples in sides.items()}

    def judged(self, cast: Cast, real: Tensor, fake: Tensor, label: Tensor | None, drawn: Tensors, knobs: Tensors) -> Told:
        """What D minimises on real samples and fakes together."""
        penalties, said = self.penalised(cast, real, fake, label, drawn, knobs)
        d_real, d_fake = said["real"], said["fake"]
        if self.loss.needs_pairs:
            terms = {"discriminator.loss": self.loss.discriminator_loss(d_real, d_fake)}
        else:
            terms = {
                "discriminator.loss.real": self.loss.real_loss(d_real, **self.smoothing),
                "discriminator.loss.fake": self.loss.fake_loss(d_fake),
            }
        return Told(terms | penalties, scores(self.loss, d_real, d_fake))


def _numbered(turn: Turn, place: int, critic: int) -> Turn:
    """A name of its own for each of several critic turns, so that each draws its own numbers."""
    return turn if critic == 1 else replace(turn, name=f"{turn.name}.{place}")


def _smoothing(recipe: Recipe, loss: Any) -> dict[str, float]:
    if not recipe.loss.smoothing:
        return {}
    if loss.needs_pairs or "smoothing" not in inspect.signature(loss.real_loss).parameters:
        raise UsageError(
            f"loss {recipe.loss.name} has no labels that could be smoothed", "Set loss.smoothing=0, or loss.name=non-saturating"
        )
    return {"smoothing": recipe.loss.smoothing}


def _discriminator_turns(rules: Rules) -> tuple[Turn, ...]:
    recipe, kind, loss = rules.recipe, rules.kind, rules.loss
    frozen_generator = recipe.turns.fakes == "inference"

    def fakes(cast: Cast, drawn: Tensors) -> Tensor:
        made: Tensor = cast("generator", drawn["z"], drawn.get("label"), inference=frozen_generator)
        return made.detach()

    def on_real(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None  # the turn reads
        real, label = kind.encode(batch.target), batch.condition
        penalties, said = rules.penalised(cast, real, None, label, drawn, knobs)
        terms = {"discriminator.loss.real": loss.real_loss(said["real"], **rules.smoothing)}
        return Told(terms | penalties, scores(loss, said["real"], None))

    def on_fake(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        fake, label = fakes(cast, drawn), drawn.get("label")
        penalties, said = rules.penalised(cast, None, fake, label, drawn, knobs)
        terms = {"discriminator.loss.fake": loss.fake_loss(said["fake"])}
        return Told(terms | penalties, scores(loss, None, said["fake"]))

    def on_both(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None  # the turn reads
        real, label = kind.encode(batch.target), batch.condition
        # Where both are judged together, a fake has the label of the real sample it stands beside: a pair differs in nothing but its truth.
        fake = fakes(cast, drawn if label is None else {**drawn, "label": label})
        return rules.judged(cast, real, fake, label, drawn, knobs)

    who, constraint, view = ("discriminator",), constraint_of(recipe), rules.view
    if not recipe.turns.separate:
        draws = {**rules.latent_draws(), **rules.mixes(), **view.draws("real", "fake")}
        return (Turn("discriminator", who, on_both, reads=True, draws=draws, constraint=constraint),)
    real_draws, fake_draws = {**rules.mixes(), **view.draws("real")}, {**rules.latent_draws(), **rules.mixes(), **view.draws("fake")}
    return (
        Turn("discriminator.real", who, on_real, reads=True, draws=real_draws, constraint=constraint),
        Turn("discriminator.fake", who, on_fake, draws=fake_draws, constraint=constraint),
    )


def _generator_turn(rules: Rules) -> Turn:
    loss, unroll = rules.loss, rules.recipe.turns.unroll
    compares = loss.needs_pairs or rules.needs_features

    def objective(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        real, label = (None, drawn.get("label")) if batch is None else (rules.kind.encode(batch.target), batch.condition)
        fake = None
        if unroll and real is not None:
            made: Tensor = cast("generator", drawn["z"], label)
            fake, given = made, real

            def minimised(cast: Cast) -> Tensor:
                terms = rules.judged(cast, given, made, label, drawn, knobs).terms
                return torch.stack([term.mean() for term in terms.values()]).sum()

            cast = ahead(cast, minimised, unroll, knobs["discriminator.rate"])
        seen = [rules.critique(cast, real, label, "real", drawn, knobs)] if compares and real is not None else []
        if fake is None:
            fake = cast("generator", drawn["z"], label)
        seen.append(rules.critique(cast, fake, label, "fake", drawn, knobs))
        said = [critique.features if rules.needs_features else reduce_logits(critique.logits) for critique in seen]
        return Told({"generator.loss": loss.generator_loss(*said)}, {})

    reads = compares or unroll > 0
    draws = {**rules.latent_draws(), **rules.view.draws(*(("real", "fake") if reads else ("fake",))), **(rules.mixes() if unroll else {})}
    return Turn("generator", ("generator",), objective, reads=reads, draws=draws)
