"""An autoencoder: one turn in which encoder and generator (the decoder) together minimise the distance to the original.

`sample` draws codes from a Gaussian fitted to the codes of training samples (Ghosh et al. 2020, arXiv 1903.12436, section 4, with one
component), so it needs no adversary.
"""

import torch
from torch import Tensor

from mulligan.errors import UsageError
from mulligan.kinds.kind import Kind
from mulligan.recipe import Recipe
from mulligan.training.game import Batch, Cast, Draw, Game, Show, Tensors, Told, Turn
from mulligan.training.state import actor, build


def game(recipe: Recipe, kind: Kind) -> Game:
    """Players `encoder` and `generator`, and their one turn."""
    if recipe.players.keys() != {"encoder", "generator"}:
        raise UsageError(f"task reconstruct has the players encoder and generator, not {', '.join(recipe.players)}")
    signature = recipe.signature()
    actors = {name: actor(build(player.network, signature, recipe.seed, name), player) for name, player in recipe.players.items()}

    def distance(cast: Cast, batch: Batch | None, drawn: Tensors, knobs: Tensors) -> Told:
        assert batch is not None  # the turn reads
        original = kind.encode(batch.target)
        reproduction = cast("generator", cast("encoder", original), None)
        return Told({"generator.loss": (reproduction - original).square().flatten(1).mean(1)}, {})

    def fit(cast: Cast, record: Batch) -> tuple[Tensor, Tensor]:
        return fitted_codes(cast("encoder", kind.encode(record.target), inference=True))

    def sample(cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Tensor:
        mean, factor = fit(cast, record)
        samples: Tensor = cast("generator", mean + z @ factor.T, None, inference=True)
        return samples

    def show(cast: Cast, z: Tensor, label: Tensor | None, record: Batch) -> Show:
        original = kind.encode(record.target[: len(z)])
        reproduction = cast("generator", cast("encoder", original, inference=True), None, inference=True)
        return Show(("original", "reproduction"), (original, reproduction))

    return Game(
        kind=kind,
        actors=actors,
        turns=(Turn("reconstruct", ("encoder", "generator"), distance, reads=True),),
        sample=sample,
        show=show,
        latent=Draw("normal", (recipe.latent.size,)),
        shows_real=True,
        fit=fit,
    )


def fitted_codes(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and lower factor of a Gaussian fitted to codes (N, D): a code is mean + factor @ eps with eps standard normal."""
    codes = codes.double()
    mean = codes.mean(0)
    centred = codes - mean
    covariance = centred.T @ centred / max(len(codes) - 1, 1)
    # A code that is nearly constant would make the factorisation fail; a millionth of the mean variance does not show in a picture.
    jitter = 1e-6 * covariance.diagonal().mean() + 1e-12
    factor = torch.linalg.cholesky(covariance + jitter * torch.eye(len(covariance), dtype=codes.dtype, device=codes.device))
    return mean.float(), factor.float()
