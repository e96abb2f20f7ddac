"""What a discriminator says of samples: given ones, held-out real ones, and those of its own generator."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mulligan.data.dataset import Split
from mulligan.errors import UsageError
from mulligan.layers.critique import reduce_logits
from mulligan.randomness import numpy_generator, sample_latents
from mulligan.resolve import reopened
from mulligan.runs.folder import Run
from mulligan.training.finishing import real
from mulligan.training.game import Batch, Cast
from mulligan.training.session import Session
from mulligan.training.state import sampled
from mulligan.verbs.opening import on_a_cpu, open_session

SCORED = 1000  # samples of each side that `score` looks at
BLOCK = 256  # samples that D sees at once


def score(run: Path | str, raw: Any, label: Any = None) -> dict[str, Any]:
    """What this run's D says of samples, beside what it says of held-out real ones and of its own G's.

    raw: samples as stored (uint8 (N, C, H, W), float32 (N, D)); label: (N,) where the run is conditional.
    Returns, for `given`, `real` and `generated`: n, the mean logit, the mean score as the loss reads it, the share judged real.
    """
    folder = Run(Path(run))
    recipe = on_a_cpu(folder.read_recipe())
    dataset = reopened(recipe)
    session = open_session(folder, recipe, dataset)
    if "discriminator" not in session.game.actors:
        raise UsageError(f"{folder.path} has no discriminator, so it scores nothing", "Use a run of another recipe")
    return judged(session, raw, label, SCORED)


def judged(session: Session, given: np.ndarray, label: np.ndarray | None, count: int) -> dict[str, Any]:
    """D's opinion of `given` raw samples (N, ...) with labels (N,) where the game has classes, of real and of generated ones.

    real: held-out samples where the data have some, training samples otherwise (`split` says which). Raises UsageError for samples
    of another shape, or without the labels that D is told.
    """
    game, recipe = session.game, session.recipe
    if tuple(given.shape[1:]) != game.kind.shape:
        raise UsageError(f"samples of shape {tuple(given.shape[1:])}: this run's are {game.kind.shape}", "Give samples of the same kind")
    if game.pack > 1:
        raise UsageError(
            f"this run's discriminator judges {game.pack} samples together, and has no opinion of one", "Score a run with turns.pack=1"
        )
    if game.classes and label is None:
        raise UsageError(
            "this run's discriminator is told labels, and these samples have none", "Give an .npz with labels, or class folders"
        )
    cast = sampled(game.actors, session.state)
    held_out = session.dataset.test is not None
    truth, truth_label = _real(session, held_out, count)
    z = sample_latents(game.latent.distribution, recipe.latent.size, recipe.seed, range(count))
    own_label = torch.arange(count) % game.classes if game.classes else None
    with torch.no_grad():
        own = game.sample(cast, z, own_label, Batch(truth, truth_label, torch.zeros(len(truth))))
        said = {
            "given": _logits(session, cast, game.kind.encode(torch.from_numpy(given)), None if label is None else torch.from_numpy(label)),
            "real": _logits(session, cast, game.kind.encode(truth), truth_label),
            "generated": _logits(session, cast, own, own_label),
        }
    opinions = {name: _opinion(session, logits, said["real"]) for name, logits in said.items()}
    opinions["real"]["split"] = "test" if held_out else "train"
    return {"reading": game.reading, "equilibrium": game.equilibrium, "step": session.step, **opinions}


def _logits(session: Session, cast: Cast, samples: Tensor, label: Tensor | None) -> Tensor:
    told = label if session.game.classes else None
    parts = []
    for start in range(0, len(samples), BLOCK):
        part = slice(start, start + BLOCK)
        parts.append(cast("discriminator", samples[part], None if told is None else told[part], inference=True).logits)
    return reduce_logits(torch.cat(parts)).float()


def _opinion(session: Session, logits: Tensor, real: Tensor) -> dict[str, Any]:
    """Means of what D said; real_above: the share of pairs with a real sample in which the real one has the larger logit."""
    probability = session.game.reading == "probability"
    scores = torch.sigmoid(logits) if probability else logits
    middle = 0.0 if session.game.reading != "raw" else 0.5
    opinion: dict[str, Any] = {"n": len(logits), "score": float(scores.mean()), "score_std": float(scores.std(correction=0))}
    if session.game.reading in ("probability", "raw"):
        opinion["judged_real"] = float((logits > middle).float().mean())
    above = 1 - torch.searchsorted(real.sort().values, logits, right=True).float() / len(real)
    return {**opinion, "logit": float(logits.mean()), "real_above": float(above.mean())}


def _real(session: Session, held_out: bool, count: int) -> tuple[Tensor, Tensor | None]:
    split = session.dataset.test if held_out else session.dataset.train
    if not isinstance(split, Split):
        raw = real(session.dataset, held_out, count, session.recipe.seed)
        assert raw is not None  # an endless source always draws
        return torch.from_numpy(raw), None
    places = numpy_generator(session.recipe.seed, "score").permutation(len(split.target))[:count]
    label = split.label
    return torch.from_numpy(split.target[places]), None if label is None else torch.from_numpy(label[places])
