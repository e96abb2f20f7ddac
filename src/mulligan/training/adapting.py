"""Augmentations whose strength follows how well D knows its training samples by heart (Karras et al. 2020, arXiv 2006.06676, section 3.1).

Some training samples are withheld: no turn ever shows them to a player. Every few steps D is asked about some of them and about as many
that it is trained on, all of them changed as in a turn. Then the strengths go up or down by a fixed amount for each image, as D knows
too much or not. The test split has no part in this.
"""

import numpy as np
import torch

from mulligan.data.dataset import Endless, Split
from mulligan.diagnostics.opinion import ranking
from mulligan.errors import UsageError
from mulligan.randomness import numpy_generator, torch_generator
from mulligan.recipe import LEAST_TO_ADAPT, Recipe
from mulligan.training.batches import Source
from mulligan.training.controls import Controls
from mulligan.training.game import Cast, Game, Tensors
from mulligan.training.state import State, parameters

EVERY = 16  # steps between two measurements
ASKED = 64  # samples of each side that D is asked about
WITHHELD = 0.1  # share of the training samples
MOST = 256  # of them


def adaptive(recipe: Recipe) -> tuple[str, ...]:
    """Names of the augmentations whose strength adapts."""
    return tuple(name for name, augmentation in recipe.augmentations.items() if augmentation.adaptive)


def withheld(recipe: Recipe, split: Split | Endless) -> np.ndarray | None:
    """Places (K,) of the training samples that no turn may show; None where nothing adapts. Raises UsageError where none can be spared."""
    names = adaptive(recipe)
    if not names:
        return None
    hint = f"Set augmentations.{names[0]}.adaptive=false"
    if isinstance(split, Endless):
        raise UsageError(
            f"augmentation {names[0]} is adaptive, and nothing of {recipe.data.source}, which never ends, is known by heart", hint
        )
    count = len(split.target)
    spared = min(round(WITHHELD * count), MOST)
    if count < LEAST_TO_ADAPT or spared < recipe.turns.pack:
        raise UsageError(f"augmentation {names[0]} is adaptive, for which a tenth of the samples is withheld: {count} are too few", hint)
    return np.sort(numpy_generator(recipe.seed, "withheld").permutation(count)[:spared])


def measured(recipe: Recipe, game: Game, source: Source, state: State, step: int, attempt: int, knobs: Tensors) -> float:
    """How well D knows its training samples by heart after so many steps: 0 not at all, 1 each of them.

    P(D(trained on) > D(withheld)) - P(D(trained on) < D(withheld)), over pairs. Only the order of D's logits counts, so that it means the
    same for every loss; of a pairing loss, whose logits have no zero, there is nothing else to be read. Where D merely wins, it stays at 0.
    """
    opinion = game.opinion
    assert opinion is not None  # where something adapts, D is shown samples
    assert source.withheld is not None  # and some are withheld
    chosen = numpy_generator(recipe.seed, "adapting", step, attempt)
    players = {name: parameters(player) for name, player in state.items()}
    cast = Cast(game.actors, players, {name: player.buffers for name, player in state.items()})
    said = []
    for side, places in (("trained", source.kept), ("withheld", source.withheld)):
        count = min(len(places), ASKED) // game.pack * game.pack
        batch = source.records(chosen.permutation(places)[:count])
        drawn = {
            name: draw.make(count, torch_generator(recipe.seed, f"adapting/{side}/{name}", step, attempt)).to(batch.target.device)
            for name, draw in opinion.draws.items()
        }
        with torch.no_grad():
            said.append(opinion.ask(cast, game.kind.encode(batch.target), batch.condition, drawn, knobs).float().cpu())
    return 2 * ranking(*said) - 1


def adapted(recipe: Recipe, controls: Controls, found: float, images: int) -> Controls:
    """The controls after a measurement, `images` after the one before: each strength a step towards 1 above its target, to 0 below."""
    strengths = {}
    for name in adaptive(recipe):
        augmentation = recipe.augmentations[name]
        step = images / augmentation.rise * (1 if found > augmentation.target else -1)
        strengths[name] = min(max(controls.strengths.get(name, 0.0) + step, 0.0), 1.0)
    return controls.model_copy(update={"strengths": strengths, "known": found})
