"""Evaluate: the score card of a run, of a model, or of samples in a folder or a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mulligan.data.dataset import require_same
from mulligan.data.opening import built_in
from mulligan.errors import UsageError
from mulligan.metrics.evaluating import evaluate as evaluate_samples
from mulligan.metrics.figures import ScoreCard
from mulligan.resolve import reopened
from mulligan.runs import facts, lock, report
from mulligan.runs.folder import Run
from mulligan.sampling.folder import DESCRIPTION
from mulligan.sampling.judging import judge
from mulligan.sampling.loading import is_onnx, load_sampler
from mulligan.sampling.sampler import Sampler
from mulligan.training.finishing import figure_facts, record
from mulligan.verbs.opening import newest_model


def evaluate(
    target: Path | str, against: Any = None, *, n: int | None = None, seed: int | None = None, features: Sequence[str] = ()
) -> ScoreCard:
    """The score card of what a path holds.

    target: a run folder (its newest model is judged), a model folder, or samples: a folder of images, an array's or a table's file.
    against: real data, by name or path, an array or a Dataset; absent, those that the run or the model was trained on.
    n: samples of each side, at most 10,000 if absent. seed: of the samples and of every choice; absent, samples are drawn with the one
    after the training's, which selected nothing. features: networks by name.
    A run that no process holds keeps its newest card: in metrics.jsonl, the report and the model card. Raises UsageError, and DataError
    where the data are not those of the training any more.
    """
    path = Path(target)
    run = Run(path)
    if run.exists:
        return _of_run(run, against, n, seed, features)
    if (path / DESCRIPTION).exists() or is_onnx(path):
        model = load_sampler(path)
        return judge(model, _data_of(model, path) if against is None else against, n=n, seed=_seed(model, seed), features=features).card
    if not path.exists():
        raise UsageError(f"{path}: no such run, model or samples", "`mulligan runs list` shows the runs")
    if against is None:
        raise UsageError(f"{path} holds samples, and nothing says what they should look like", "Give real data: --against DATA")
    return evaluate_samples(str(path), against, n=n, seed=seed or 0, features=features)


def _of_run(run: Run, against: Any, n: int | None, seed: int | None, features: Sequence[str]) -> ScoreCard:
    model = newest_model(run)
    if model is None:
        raise UsageError(f"{run.path} has no model that makes samples", "Train it first, or give a run of another recipe")
    if against is not None:
        return judge(model, against, n=n, seed=_seed(model, seed), features=features).card
    dataset = reopened(run.read_recipe())
    require_same(dataset.data, run.read_recipe().data)
    judgement = judge(model, dataset, n=n, seed=_seed(model, seed), features=features)
    if facts.is_current(run) and not lock.is_held(run):
        with lock.hold(run):
            record(run, model, judgement, model.description.trained.steps)
            known = facts.read(run)
            if known is not None:
                told = {"figures": figure_facts(judgement.card), "protocol": judgement.card.about()}
                facts.write(run, known.model_copy(update=told))
            report.write(run)
    return judgement.card


def _data_of(model: Sampler, path: Path) -> str:
    data = model.description.trained.data
    if data not in built_in():
        raise UsageError(f"{path} was trained on {data}, which is not here", "Give real data: --against DATA")
    return data


def _seed(model: Sampler, seed: int | None) -> int:
    return (model.description.trained.seed or 0) + 1 if seed is None else seed
