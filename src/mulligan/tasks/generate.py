"""Generate samples from noise, with or without a label: the game of Goodfellow et al. 2014 (arXiv 1406.2661), with any loss.

Two turns as a rule: D on real and fake, then G. `turns.separate` makes D's part two updates, `turns.critic` repeats it.
"""

import inspect
from typing import Any

from torch import Tensor

from mulligan import find
from mulligan.errors import UsageError
from mulligan.kinds.kind import Kind
from mulligan.recipe import Recipe
from mulligan.tasks.critic import constraint_of, logits, penalties_of, penalty_terms, scores
from mulligan.training.game import Batch, Cast, Draw, Game, Show, Tensors, Told, Turn
from mulligan.training.state import actor, build


def game(recipe: Recipe, kind: Kind) -> Game:
    """Players `generator` and `discriminator`, and their turns."""
    if recipe.players.keys() != {"generator", "discriminator"}:
        raise UsageError(f"task generate has the players generator and discriminator, not {', '.join(recipe.players)}")
    signature = recipe.signature()
    actors = {name: actor(build(player.network, signature, recipe.seed, name), player) for name, player in recipe.players.items()}
    loss = find.load("losses", recipe.loss.name)
    rounds = _discriminator_turns(recipe, kind, loss)
    turns = tuple(_numbered(turn, place, recipe.turns.critic) for place in range(recipe.turns.critic) for turn in rounds)
    return Game(
        kind=kind,
        actors=actors,
        turns=(*turns, _generator_turn(recipe, kind, loss)),
        sample=sample,
        show=show,
        reading=loss.reading,
        equilibrium=loss.equilibrium,
        latent=Draw(recipe.latent.distribution, (recipe.latent.size,)),
        classes=signature.classes,
    )


def sample(cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Tensor:
    """Samples from latents, as the generator makes them in inference mode."""
    samples: Tensor = cast("generator", z, label, inference=True)
    return samples


def show(cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Show:
    """One group: the samples of the fixed latents."""
    return Show(("samples",), (sample(cast, z, label, record),))


def _numbered(turn: Turn, place: int, critic: int) -> Turn:
    """A name of its own for each of several critic turns, so that each draws its own numbers."""
    name = turn.name if critic == 1 else f"{turn.name}.{place}"
    return Turn(name, turn.players, turn.objective, turn.reads, turn.draws, turn.constraint)


def _smoothing(recipe: Recipe, loss: Any) -> dict[str, float]:
    """The keyword for the loss of real samples, where labels are smoothed."""
    if not recipe.loss.smoothing:
        return {}
    if loss.needs_pairs or "smoothing" not in inspect.signature(loss.real_loss).parameters:
        raise UsageError(
            f"loss {recipe.loss.name} has no labels that could be smoothed", "Set loss.smoothing=0, or loss.name=non-saturating"
        )
    return {"smoothing": recipe.loss.smoothing}


def _latent_draws(recipe: Recipe) -> dict[str, Draw]:
    draws = {"z": Draw(recipe.latent.distribution, (recipe.latent.size,))}
    if recipe.conditional:
        draws["label"] = Draw("class", classes=len(recipe.data.classes))
    return draws


def _discriminator_turns(recipe: Recipe, kind: Kind, loss: Any) -> tuple[Turn, ...]:
    penalties = penalties_of(recipe)
    constraint = constraint_of(recipe)
    smoothing = _smoothing(recipe, loss)
    frozen_generator = recipe.turns.fakes == "inference"
    draws = _latent_draws(recipe)
    for name, penalty in penalties.items():
        if penalty.needs_mix:
            draws[f"mix.{name}"] = Draw("unit")
        if recipe.turns.separate and len(penalty.sees) > 1:
            raise UsageError(f"penalty {name} looks at real and fake samples together", "Set turns.separate=false")
    if recipe.turns.separate and loss.needs_pairs:
        raise UsageError(f"loss {recipe.loss.name} compares real and fake samples", "Set turns.separate=false")

    def fakes(cast: Cast, drawn: Tensors) -> Tensor:
        made: Tensor = cast("generator", drawn["z"], drawn.get("label"), inference=frozen_generator)
        return made.detach()

    def on_real(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None  # the turn reads
        real = kind.encode(batch.target)
        d_real = logits(cast, real, batch.condition)
        terms = {"discriminator.loss.real": loss.real_loss(d_real, **smoothing)}
        terms |= penalty_terms(penalties, lambda x: logits(cast, x, batch.condition), real, None, drawn, knobs)
        return Told(terms, scores(loss, d_real, None))

    def on_fake(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        fake = fakes(cast, drawn)
        d_fake = logits(cast, fake, drawn.get("label"))
        terms = {"discriminator.loss.fake": loss.fake_loss(d_fake)}
        terms |= penalty_terms(penalties, lambda x: logits(cast, x, drawn.get("label")), None, fake, drawn, knobs)
        return Told(terms, scores(loss, None, d_fake))

    def on_both(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None  # the turn reads
        real, label = kind.encode(batch.target), batch.condition
        # Where both are judged together, a fake has the label of the real sample it stands beside: a pair differs in nothing but its truth.
        fake = fakes(cast, drawn if label is None else {**drawn, "label": label})
        d_real, d_fake = logits(cast, real, label), logits(cast, fake, label)
        if loss.needs_pairs:
            terms = {"discriminator.loss": loss.discriminator_loss(d_real, d_fake)}
        else:
            terms = {"discriminator.loss.real": loss.real_loss(d_real, **smoothing), "discriminator.loss.fake": loss.fake_loss(d_fake)}
        terms |= penalty_terms(penalties, lambda x: logits(cast, x, label), real, fake, drawn, knobs)
        return Told(terms, scores(loss, d_real, d_fake))

    who = ("discriminator",)
    if not recipe.turns.separate:
        return (Turn("discriminator", who, on_both, reads=True, draws=draws, constraint=constraint),)
    mixes = {name: draw for name, draw in draws.items() if name.startswith("mix.")}
    return (
        Turn("discriminator.real", who, on_real, reads=True, draws=mixes, constraint=constraint),
        Turn("discriminator.fake", who, on_fake, draws=draws, constraint=constraint),
    )


def _generator_turn(recipe: Recipe, kind: Kind, loss: Any) -> Turn:
    def on_fake(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        label = drawn.get("label")
        d_fake = logits(cast, cast("generator", drawn["z"], label), label)
        return Told({"generator.loss": loss.generator_loss(d_fake)}, {})

    def on_pairs(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None  # the turn reads
        label = batch.condition
        d_real = logits(cast, kind.encode(batch.target), label)
        d_fake = logits(cast, cast("generator", drawn["z"], label), label)
        return Told({"generator.loss": loss.generator_loss(d_real, d_fake)}, {})

    draws = _latent_draws(recipe)
    if loss.needs_pairs:
        return Turn("generator", ("generator",), on_pairs, reads=True, draws=draws)
    return Turn("generator", ("generator",), on_fake, draws=draws)
