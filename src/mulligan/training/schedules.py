"""What changes along the run, as functions of images seen over the horizon."""

import math

import torch

from mulligan.recipe import Ema, Recipe
from mulligan.training.controls import Controls
from mulligan.training.game import Tensors


def cosine(progress: float, final: float) -> float:
    """Half a cosine from 1 to `final`, over a progress from 0 to 1; constant beyond.

    >>> cosine(0.0, 0.1), cosine(1.0, 0.1), cosine(7.0, 0.1)
    (1.0, 0.1, 0.1)
    """
    return final + (1 - final) * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2


def geometric(progress: float, final: float) -> float:
    """From 1 to `final` by the same factor for each part of a progress from 0 to 1; constant beyond.

    >>> geometric(0.0, 0.01), geometric(0.5, 0.01), geometric(7.0, 0.01)
    (1.0, 0.1, 0.01)
    """
    share: float = final ** min(max(progress, 0.0), 1.0)
    return share


def ema_decay(ema: Ema, images: int, shown: int) -> float:
    """Decay per step of an average whose half-life is a share of the images seen so far.

    An average with a half-life that grows with training forgets its beginning at once (Karras et al. 2024, arXiv 2312.02696, section 3.1).
    """
    half_life = ema.share * images
    if ema.half_life is not None:
        half_life = min(half_life, ema.half_life)
    return 0.5 ** (shown / half_life) if half_life > 0 else 0.0


def knobs(recipe: Recipe, controls: Controls, images: int, shown: int) -> Tensors:
    """Every rate and weight as it is at `images` seen: float scalars by name.

    `<player>.rate`, `<player>.ema`, `<player>.history`, `<player>.lookahead`, `penalty.<name>`, `augmentation.<name>`; and `device`.
    shown: images that this step shows, by which an average moves on.
    """
    progress = images / controls.horizon
    values = {"device": 0.0}  # a knob that is always there, and tells where tensors live
    for name, player in recipe.players.items():
        if player.optimiser is not None:
            values[f"{name}.rate"] = player.optimiser.rate * controls.rate * cosine(progress, player.optimiser.final)
        if player.ema is not None:
            values[f"{name}.ema"] = ema_decay(player.ema, images + shown, shown)
        if player.history is not None:
            values[f"{name}.history"] = player.history.weight * cosine(progress, player.history.final)
        if player.lookahead is not None:
            values[f"{name}.lookahead"] = player.lookahead.share
    for name, penalty in recipe.penalties.items():
        falling = geometric if penalty.falling == "geometric" else cosine
        values[f"penalty.{name}"] = penalty.weight * falling(progress, penalty.final)
    for name, augmentation in recipe.augmentations.items():
        share = controls.strengths.get(name, 0.0) if augmentation.adaptive else 1.0
        values[f"augmentation.{name}"] = augmentation.weight * share * cosine(progress, augmentation.final)
    scalars = torch.tensor(list(values.values()), device=recipe.machine.device).unbind()
    return dict(zip(values, scalars, strict=True))
