"""Exporting what a run has learnt, for others: a model folder, or an ONNX file, each with a model card that tells all of it."""

from pathlib import Path
from typing import Literal

from mulligan.errors import UsageError
from mulligan.marks import make_folder
from mulligan.sampling.model import Model
from mulligan.sampling.onnx_model import FILE
from mulligan.verbs.opening import open_sampler

Form = Literal["model", "onnx"]


def export(target: Path | str, to: Form, out: Path | str) -> tuple[Path, float | None]:
    """Write the newest model of a run, or a model folder, into a folder: as a model folder, or as `model.onnx` beside its card.

    Returns the file or folder that `GAN.load` takes, and for ONNX the largest difference to samples of PyTorch. Raises UsageError where
    there is no model or ONNX cannot express it, CheckpointError where the ONNX file computes something else, DiskError.
    """
    (_, model), folder = open_sampler(target), Path(out)
    if not isinstance(model, Model):
        raise UsageError(f"{target} is an ONNX file already", "Give the run or the model folder that it was made of")
    if to == "model":
        return model.save(folder), None
    from mulligan.sampling.onnx_export import write_onnx  # imports torch's exporter

    make_folder(folder)
    found = write_onnx(model, folder / FILE)
    model.write_card(folder)
    return folder / FILE, found
