"""Checks of recipes and tasks: what is played is played for a step or two."""

from collections.abc import Callable
from dataclasses import replace
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from mulligan import find
from mulligan.data.dataset import Dataset
from mulligan.errors import CheckpointError
from mulligan.randomness import seed_operators
from mulligan.recipe import Recipe
from mulligan.resolve import recipe_function, reopened, resolve
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.testing.demand import demand, found, title, unchanged
from mulligan.training.compiling import stepper
from mulligan.training.game import Batch, Cast, Draw, Game
from mulligan.training.session import Session
from mulligan.training.state import State, named, sampled
from mulligan.verbs import made_game

EAGER = ("machine.device=cpu", "machine.threads=1", "machine.compile=off", "machine.precision=float32")
SHOWN = 4  # samples that are made to be looked at


def check_recipe(name: str, source: str | None = None, settings: tuple[str, ...] = ()) -> Recipe:
    """Check a recipe by playing two steps of it, as it stands, on the CPU.

    It names its data and itself, and says in words what it is; it is the same after a way through JSON; its numbers stay finite, each
    player that has an optimiser moves, its samples have the shape of the data; and the second step, played after a way through a
    checkpoint, gives the same bits.

    name: a recipe, or `path.py:name` (which is trusted by giving it here). source: data in place of those it was published on.
    settings: `key=value`. Returns the recipe as it was resolved. Raises AssertionError, UsageError for what is missing.

    >>> check_recipe("points").batch
    128
    """
    recipe, dataset = resolve(source, name, [*settings, *EAGER])
    demand(bool(getdoc(recipe_function(name))), f"{name}: its function has no docstring: say what it is and what is chosen")
    own = name.rpartition(":")[2].replace("_", "-")
    demand(recipe.name.replace("_", "-") == own, f"{name}: the recipe that it makes is called {recipe.name!r}")
    demand(
        Recipe.model_validate_json(recipe.model_dump_json()) == recipe, f"{name}: what is written as JSON is read back as something else"
    )
    with TemporaryDirectory() as folder:
        _check_steps(name, recipe, dataset, Run(Path(folder)).prepare())
    return recipe


def _check_steps(name: str, recipe: Recipe, dataset: Dataset, run: Run) -> None:
    game = made_game(recipe, dataset)
    session = Session(run, recipe, dataset, game)
    before = _copy(session.state)
    _play(session, name)
    session.save()
    _play(session, name)
    after = _copy(session.state)
    for player, tensors in after.items():
        demand(all(bool(tensor.isfinite().all()) for tensor in tensors.values()), f"{name}: {player} holds numbers that are not finite")
        moves = any(player in turn.players for turn in game.turns) and recipe.players[player].optimiser is not None
        demand(unchanged(before[player], tensors) != moves, f"{name}: {player} {'does not move' if moves else 'is frozen, and moves'}")
    _check_samples(name, game, session.state, session.source.batch_of("check", 0, 0))

    again = Session(run, recipe, dataset, game)
    saved = checkpoints.newest(run)
    if saved is None:
        raise CheckpointError(f"{run.path}: there is no checkpoint")
    again.restore(saved)
    _play(again, name)
    for player, tensors in _copy(again.state).items():
        demand(unchanged(after[player], tensors), f"{name}: {player} is another after a way through a checkpoint")


def check_task(thing: Any, recipe: Recipe) -> Game:
    """Check a task by playing each of its turns alone: its players move and no others, and its objective is pure.

    thing: a name, or a namespace with `game(recipe, kind) -> Game`. recipe: a small one that plays it, resolved. Returns the game.
    Raises AssertionError, UsageError for what is missing.

    >>> from mulligan.resolve import resolve
    >>> [turn.name for turn in check_task("generate", resolve("ring", "points")[0]).turns]
    ['discriminator', 'generator']
    """
    task = found("tasks", thing)
    name = title(task)
    dataset = reopened(recipe)
    machine = recipe.machine.model_copy(update={"device": "cpu", "threads": 1, "compile": "off", "precision": "float32"})
    recipe = recipe.model_copy(update={"machine": machine})
    game = _game(task, recipe, dataset)
    demand(game.actors.keys() == recipe.players.keys(), f"{name}: its actors are {', '.join(game.actors)}, not the recipe's players")
    demand(len({turn.name for turn in game.turns}) == len(game.turns) > 0, f"{name}: expected turns, each with a name of its own")
    demand(any(turn.reads for turn in game.turns), f"{name}: no turn reads real samples")
    for turn in game.turns:
        strange = [player for player in turn.players if player not in game.actors]
        demand(bool(turn.players) and not strange, f"{name}: turn {turn.name} moves {', '.join(strange) or 'nobody'}")
    for place, turn in enumerate(game.turns):
        _check_turn(f"{name}: turn {turn.name}", recipe, dataset, game, place)
    return game


def _game(task: Any, recipe: Recipe, dataset: Dataset) -> Game:
    make: Callable[..., Game] = find.attribute(task, "game")
    game = make(recipe, made_game(recipe, dataset).kind)
    demand(isinstance(game, Game), f"{title(task)}.game gave a {type(game).__name__}, expected a mulligan.training.game.Game")
    return game


def _check_turn(name: str, recipe: Recipe, dataset: Dataset, game: Game, place: int) -> None:
    turn = game.turns[place]
    session = Session(Run(Path()), recipe, dataset, game)
    batches, draws, now = session.inputs()
    size = len(next(batch.target for batch in batches if batch is not None)) // game.pack
    cast = sampled(game.actors, session.state)
    seed_operators(0, 0, 0)
    told = turn.objective(cast, batches[place], draws[place], now)
    seed_operators(0, 0, 0)
    again = turn.objective(sampled(game.actors, session.state), batches[place], draws[place], now)
    demand(bool(told.terms), f"{name} has no term to minimise")
    for key, term in told.terms.items():
        demand(term.shape == (size,), f"{name}: {key} has shape {tuple(term.shape)}, expected one number per sample or pack, ({size},)")
    demand(all(figure.ndim == 0 for figure in told.figures.values()), f"{name}: figures are scalars")
    demand(unchanged(told.terms | told.figures, again.terms | again.figures), f"{name}: gives another result for the same numbers")
    keys = [key for key in told.terms | told.figures if key.partition(".")[0] not in game.actors]
    demand(not keys, f"{name}: {', '.join(keys)} does not begin with the name of a player")

    before = _copy(session.state)
    step = stepper(replace(game, turns=(turn,)), recipe)
    seed_operators(0, 0, 0)
    _, finite = step(session.state, batches[place : place + 1], draws[place : place + 1], now)
    demand(bool(finite), f"{name} is not finite at the first step")
    for player, tensors in _copy(session.state).items():
        still = [{key: value for key, value in part.items() if "buffers/" not in key} for part in (before[player], tensors)]
        demand(unchanged(*still) == (player not in turn.players), f"{name}: {player} should {'move' if player in turn.players else 'stay'}")


def _play(session: Session, name: str) -> None:
    """One step, eager."""
    seed_operators(session.recipe.seed, session.step, session.controls.attempt)
    figures, finite = stepper(session.game, session.recipe)(session.state, *session.inputs())
    demand(bool(finite), f"{name}: step {session.step} is not finite: { {key: float(value) for key, value in figures.items()} }")
    strange = [key for key in figures if key.partition(".")[0] not in session.game.actors]
    demand(not strange, f"{name}: figures {', '.join(strange)} do not begin with the name of a player")
    session.step += 1


def _check_samples(name: str, game: Game, state: State, record: Batch) -> None:
    cast: Cast = sampled(game.actors, state)
    label = Draw("class", classes=game.classes) if game.classes else None
    generator = torch.Generator().manual_seed(0)
    z = game.latent.make(SHOWN, generator)
    labels = label.make(SHOWN, generator) if label else None
    with torch.no_grad():
        samples = game.sample(cast, z, labels, record)
        shown = game.show(cast, z, labels, record)
    demand(tuple(samples.shape) == (SHOWN, *game.kind.shape), f"{name}: samples have shape {tuple(samples.shape)}")
    demand(len(shown.headings) == len(shown.groups), f"{name}: a heading for each group that is shown, and a group for each heading")
    demand(len({len(group) for group in shown.groups}) == 1, f"{name}: groups that are shown are of one length")
    game.kind.decode(samples)


def _copy(state: State) -> dict[str, dict[str, torch.Tensor]]:
    return {player: {key: tensor.clone() for key, tensor in tensors.items()} for player, tensors in named(state).items()}
