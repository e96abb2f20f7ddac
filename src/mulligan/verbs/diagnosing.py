"""What is wrong with a run, a model or a set of samples."""

from pathlib import Path

import numpy as np

from mulligan import given
from mulligan.data.dataset import Dataset
from mulligan.data.opening import open_dataset
from mulligan.diagnostics import diagnosis
from mulligan.diagnostics.finding import Diagnosis
from mulligan.diagnostics.probe import SAMPLES, floors, of_dataset
from mulligan.errors import UsageError
from mulligan.recipe import Data
from mulligan.resolve import reopened
from mulligan.runs import history
from mulligan.runs.folder import Run
from mulligan.runs.history import Line
from mulligan.sampling.loading import is_onnx, load_sampler
from mulligan.sampling.sampler import Sampler
from mulligan.verbs.opening import newest_model, on_a_cpu, open_like, open_session

SEED = 1  # of the samples of a model: not those that selected its checkpoint


def diagnose(what: Path | str, against: str | None = None) -> Diagnosis:
    """The verdict on a run by its history, or on samples by themselves.

    what: a run folder, a model folder, a folder or a file of samples. against: real data, by name or path; needed for samples, and for
    a run or a model only where others than its own are meant. Samples without a history tell nothing of the game that made them, so
    rules that need one are silent. Nothing is written. Raises UsageError, DataError, CheckpointError.
    """
    run = Run(Path(what))
    if run.exists:
        lines = history.read(run)
        if against is None and lines and all(key in lines[-1] for key in diagnosis.NEEDED):
            return diagnosis.diagnose(lines, run.read_recipe().horizon)
        return _of_old_run(run, lines, against)
    if (run.path / "model.json").is_file() or is_onnx(run.path):
        model = load_sampler(run.path)
        dataset = open_like(model.kind.shape, against or model.description.trained.data)
        return _of_samples(dataset, _drawn(model), "the samples of a model tell nothing of the game that made them")
    if against is None:
        raise UsageError(f"{what} is no run, and samples alone say nothing", "Name the real data: --against DATA")
    dataset = open_dataset(Data(source=against))
    samples = given.read(str(what), dataset.data.shape)[0]
    return _of_samples(dataset, samples, "samples alone: rules that need the history of a training are silent")


def _of_old_run(run: Run, lines: list[Line], against: str | None) -> Diagnosis:
    """A run whose history has no probes, or which is compared with other data: its history, with a look at its newest model."""
    recipe = on_a_cpu(run.read_recipe())
    dataset = reopened(recipe)
    horizon = float(open_session(run, recipe, dataset).controls.horizon)
    model = newest_model(run)
    if model is None:
        return diagnosis.diagnose(lines, horizon, notes=["this game makes no samples from noise that could be looked at"])
    if against is not None:
        dataset = open_like(recipe.data.shape, against)
    note = "the history has no probes of samples or they are of other data, so its newest model was looked at instead"
    return _of_samples(dataset, _drawn(model), note, lines, horizon)


def _drawn(model: Sampler) -> np.ndarray:
    """Samples of a model, as they would be stored."""
    return model.kind.from_arrays(model.sample(range(SAMPLES), seed=SEED))


def _of_samples(
    dataset: Dataset, samples: np.ndarray, note: str, lines: list[Line] | None = None, horizon: float | None = None
) -> Diagnosis:
    if samples.shape[1:] != dataset.data.shape:
        raise UsageError(f"samples of shape {samples.shape[1:]}: the real ones are {dataset.data.shape}", "Compare samples of one kind")
    probe = of_dataset(dataset, size=len(samples))
    before = lines or [{"step": 0}]
    look = {f"probe.{name}": value for name, value in probe.signals(samples).items()}
    return diagnosis.diagnose([*before[:-1], {**before[-1], **floors(probe), **look}], horizon, snapshot=True, notes=[note])
