"""What a run leaves behind: the model of its best checkpoint, figures, facts, the GIF, the curves."""

import copy
import math
import shlex
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from mulligan.data.dataset import Dataset, Endless
from mulligan.errors import MulliganError
from mulligan.layers.table import table
from mulligan.metrics.figures import ScoreCard, meaning
from mulligan.randomness import numpy_generator
from mulligan.recipe import Latent
from mulligan.runs import checkpoints, curves, environment, facts, history, safe_json
from mulligan.runs.folder import Run
from mulligan.runs.privacy import local_paths, public
from mulligan.sampling.description import OWN_DATA, Description, Trained, public_source
from mulligan.sampling.judging import Judgement, judge, write_pairs
from mulligan.sampling.model import Model
from mulligan.training.game import Batch
from mulligan.training.loop import Loop
from mulligan.training.observing import describe_split, write_progress
from mulligan.training.session import Session
from mulligan.training.state import State, count, looked_at, put_back, sampled
from mulligan.training.stopping import is_no_worse

JUDGED = (50, 100, 200, 500, 1000, 2000)  # samples on each side of the final figures: the most that are not more than were trained on
DESCRIBED = 4000  # training samples that the report's range and moments are taken of, at most
DESCRIBED_NUMBERS = 2**24  # numbers of them, at most
FITTED_CODES = 10_000  # training samples whose codes a Gaussian is fitted to
PUBLISHED = {("dense-batchnorm", "generator"): "published as 1,493,520, which counts the moving statistics of BatchNorm"}


def finish(loop: Loop) -> ScoreCard | None:
    """Write what the report is made of: model, figures, facts, pictures. The state is not changed. Returns the figures of the model."""
    session = loop.session
    last = history.read(session.run)[-1:]
    if not last or last[0]["step"] != session.step:
        history.append(session.run, {**loop.line(), history.FINAL: True})  # before its picture: on resume, both are cut by this line
        loop.observer.write_picture()
    loop.diagnose()
    step, state = _best(session)
    found = None
    if session.game.makes_samples:
        found = _export(session, state, step)
    write_facts(session, found, step, notes(loop))
    write_progress(session)
    curves.write(session.run)
    return found


def write_facts(session: Session, found: ScoreCard | None = None, best_step: int | None = None, told: tuple[str, ...] = ()) -> None:
    """Write facts.json: data, networks, loss, and how far training came."""
    known = facts.Facts(
        data=_data_facts(session),
        players=tuple(_player_facts(session, name) for name in session.game.actors),
        loss=_loss_facts(session),
        figures=() if found is None else figure_facts(found),
        protocol="" if found is None else found.about(),
        progress=facts.Progress(steps=session.step, images=session.images, seconds=session.seconds, best_step=best_step),
        notes=told,
    )
    facts.write(session.run, known)


def notes(loop: Loop) -> tuple[str, ...]:
    """What a reader should know of how the training went: repairs, and why it ended early."""
    told = [
        f"Repair {place}: {repair.verdict} at step {repair.failed:,} ({repair.evidence}); back to step {repair.back_to:,} with "
        + ", ".join(f"{key}={value}" for key, value in repair.changes.items())
        for place, repair in enumerate(loop.session.controls.repairs, 1)
    ]
    return (*told, f"Training ended early, because it had stopped improving: {loop.ended}.") if loop.ended else tuple(told)


def real(dataset: Dataset, test: bool, count: int, seed: int) -> np.ndarray | None:
    """Real samples as stored, at most `count`: held-out ones, or training ones; None where there are none."""
    split = dataset.test if test else dataset.train
    if isinstance(split, Endless):
        return split.draw(count, numpy_generator(seed, "real/test" if test else "real/train"))
    return None if split is None else split.target[numpy_generator(seed, "real").permutation(len(split.target))[:count]]


def _best(session: Session) -> tuple[int, State]:
    """The best checkpoint by the validation slice, or the present state where it is no worse."""
    last = history.read(session.run)[-1:]
    step, best = session.controls.best_step, session.controls.best_distance
    if not last or step is None or best is None or step == session.step:
        return session.step, session.state
    if last[0]["step"] == session.step and is_no_worse(last[0], best):
        return session.step, session.state
    groups, _ = checkpoints.load(session.run.checkpoint(step))
    state = copy.deepcopy(session.state)
    put_back(state, groups)
    return step, state


def made_so_far(session: Session) -> Model | None:
    """The model of a session's best checkpoint; nothing is written. None for a game that makes no samples from noise."""
    return _model(session, *_best(session)) if session.game.makes_samples else None


def made_now(session: Session) -> Model | None:
    """The model of a session as it stands; nothing is written. None for a game that makes no samples from noise."""
    return _model(session, session.step, session.state) if session.game.makes_samples else None


def _export(session: Session, state: State, step: int) -> ScoreCard:
    """Write the model folder, with its score card; judging takes no longer than the training was worth."""
    model = _model(session, step, state)
    count = max((n for n in JUDGED if n <= session.images), default=JUDGED[0])
    judgement = judge(model, session.dataset, n=count, seed=session.recipe.seed + 1)  # not the latents that selected the checkpoint
    record(session.run, model, judgement, step)
    return judgement.card


def record(run: Run, model: Model, judgement: Judgement, step: int) -> None:
    """Write the model with its score card into its run: model folder, metrics.jsonl, the picture of nearest pairs."""
    trained = model.description.trained.model_copy(update={"figures": judgement.card})
    model.description = model.description.model_copy(update={"trained": trained})
    model.save(run.model)
    line = {"step": step, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **judgement.card.as_dict()}
    history.append_line(run.metrics_file, line)
    if judgement.pairs is not None and model.kind.name == "image":
        write_pairs(model, judgement.pairs, run.pairs_picture)


def _model(session: Session, step: int, state: State) -> Model:
    recipe, game = session.recipe, session.game
    weights = {f"{name}/{key}": tensor for name in game.actors if name != "discriminator" for key, tensor in _tensors(state, name).items()}
    if game.fit is not None:
        fitted = real(session.dataset, False, FITTED_CODES, recipe.seed)
        assert fitted is not None  # there is always a training split
        with torch.no_grad():
            record = Batch(torch.from_numpy(fitted).to(recipe.machine.device), None, torch.zeros(len(fitted)))
            mean, factor = game.fit(sampled(game.actors, state), record)
        weights |= {"latent/mean": mean, "latent/factor": factor}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    encoder = recipe.players.get("encoder")
    trained = Trained(
        steps=step,
        images=session.schedule.images(session.source, step),
        seconds=round(session.seconds, 1),
        seed=recipe.seed,
        data=recipe.data.source,
        licence=session.dataset.licence,
        hardware=_hardware(session),
        command=_command(session),
        verdict=_verdict(session.run),
    )
    description = Description(
        recipe=recipe.name,
        network=recipe.players["generator"].network,
        encoder=encoder.network if encoder else None,
        signature=recipe.signature(),
        kind=game.kind,
        latent=Latent(size=recipe.latent.size, distribution=recipe.latent.distribution),
        fitted=game.fit is not None,
        classes=recipe.data.classes if recipe.conditional else (),
        trained=trained,
    )
    return Model(description, weights)


def _hardware(session: Session) -> str:
    """What the newest session of a run trains on."""
    told = (environment.sessions(session.run) or [{}])[-1]
    machine = session.recipe.machine
    if machine.device != "cpu":
        return f"{told.get('accelerator') or machine.device}, {machine.precision}"
    return f"{told.get('processor', 'a processor')}, {machine.threads} of {told.get('cores', machine.threads)} cores, {machine.precision}"


def _command(session: Session) -> str:
    """The command that began a run. Where the data are the user's own, they are called DATA."""
    recorded = environment.sessions(session.run)
    source = session.recipe.data.source
    words = [str(word) for word in recorded[0].get("command", [])] if recorded else []
    hidden = ["DATA" if public_source(source) == OWN_DATA and Path(word).name == Path(source).name else word for word in words]
    return public(shlex.join(hidden), local_paths(session.run.path))


def _verdict(run: Run) -> str:
    """What the doctor said last; empty where nothing was said."""
    try:
        return str(safe_json.read_object(run.diagnosis_file).get("verdict", ""))
    except MulliganError:
        return ""


def _tensors(state: State, player: str) -> dict[str, torch.Tensor]:
    parameters, buffers = looked_at(state[player])
    return {**parameters, **buffers}


def _data_facts(session: Session) -> facts.DataFacts:
    dataset, kind = session.dataset, session.game.kind
    raw = real(dataset, False, min(DESCRIBED, max(DESCRIBED_NUMBERS // math.prod(kind.shape), 1)), session.recipe.seed)
    assert raw is not None  # there is always a training split
    seen = kind.encode(torch.from_numpy(raw))
    train, test = describe_split(dataset)
    return facts.DataFacts(
        name=public_source(dataset.data.source),
        kind=kind.name,
        shape=kind.shape,
        train=train,
        test=test,
        stored=(float(raw.min()), float(raw.max())),
        seen=(float(seen.min()), float(seen.max())),
        mean=float(seen.mean()),
        std=float(seen.std(correction=0)),
        classes=dataset.data.classes,
        licence=dataset.licence,
        skipped=tuple(f"{skipped.file.rpartition('/')[2]}: {skipped.reason}" for skipped in dataset.skipped),
    )


def _player_facts(session: Session, name: str) -> facts.PlayerFacts:
    recipe, actor = session.recipe, session.game.actors[name]
    rows = table(_with_memory(actor.inference), *_example_inputs(session, name))
    return facts.PlayerFacts(
        name=name,
        network=recipe.players[name].network.name,
        layers=tuple(facts.LayerFacts(**row._asdict()) for row in rows),
        parameters=count(actor) + sum(tensor.numel() for tensor in actor.buffers.values()),
        trainable=count(actor),
        note=PUBLISHED.get((recipe.name, name), ""),
    )


def _with_memory(structure: nn.Module) -> nn.Module:
    """A copy of a structure whose tensors have memory, with anything in it.

    A pass without memory, and `to_empty` too, would have torch load an algebra system: most of a second, and 35 MB.
    """
    module = copy.deepcopy(structure)
    for layer in module.modules():
        for name, weight in list(layer.named_parameters(recurse=False)):
            setattr(layer, name, nn.Parameter(torch.empty(weight.shape, dtype=weight.dtype), weight.requires_grad))
        for name, buffer in list(layer.named_buffers(recurse=False)):
            setattr(layer, name, torch.empty(buffer.shape, dtype=buffer.dtype))
    return module


def _example_inputs(session: Session, name: str) -> tuple[torch.Tensor, ...]:
    """What a player is given: a latent for the generator, a sample for others, unless the game says; and a label."""
    usual = session.game.latent.shape if name == "generator" else session.game.kind.shape
    shape = session.game.inputs.get(name, usual)
    label = (torch.zeros(2, dtype=torch.long),) if session.game.classes else ()
    return (torch.zeros(2, *shape), *label)


def _loss_facts(session: Session) -> facts.LossFacts | None:
    if not session.game.reading:
        return None
    return facts.LossFacts.model_validate(
        {"name": session.recipe.loss.name, "reading": session.game.reading, "equilibrium": session.game.equilibrium}
    )


def figure_facts(found: ScoreCard) -> tuple[facts.FigureFacts, ...]:
    """A score card as the report tells it."""
    told = ((name, figure, meaning(name)) for name, figure in found.figures.items())
    return tuple(
        facts.FigureFacts(
            name=name,
            meaning=what.words,
            value=figure.value,
            low=figure.low,
            high=figure.high,
            floor=figure.floor,
            group=what.group,
            better=what.better,
            baselines=dict(figure.baselines),
        )
        for name, figure, what in told
    )
