"""A model as an ONNX file: everything from noise to numbers that anybody can read is inside, with its weights, and any batch size fits."""

import logging
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mulligan.errors import CheckpointError, UsageError
from mulligan.marks import onnx_entry, replace
from mulligan.randomness import sample_latents
from mulligan.runs import safe_json
from mulligan.sampling.model import Model
from mulligan.sampling.onnx_model import DIFFERENCE, LABEL, METADATA, NOISE, SAMPLES, OnnxModel, require_onnxruntime

COMPARED = (1, 33)  # batch sizes at which both are compared


class _Whole(nn.Module):
    """Noise, and a label where there are classes, to samples as `Kind.present` gives them."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.generator, self.fitted, self.present = model.generator, model.fitted, model.kind.present

    def forward(self, noise: Tensor, label: Tensor | None = None) -> Tensor:
        if self.fitted is not None:
            mean, factor = self.fitted
            noise = mean + noise @ factor.T
        return self.present(self.generator(noise, label))


def write_onnx(model: Model, to: Path) -> float:
    """Write a model as an ONNX file, complete or not at all; returns the largest difference to PyTorch, at several batch sizes.

    Raises UsageError for a network that ONNX cannot express and where packages are missing, CheckpointError where the file does not
    compute the same within 1e-4; then nothing is written. Raises DiskError.
    """
    content = onnx_bytes(model)
    found = difference(model, OnnxModel(content, str(to)))
    if not found < DIFFERENCE:
        raise CheckpointError(
            f"samples of the exported model differ by {found:.2g} from those of PyTorch: at most {DIFFERENCE:g} is allowed",
            "Use the model folder: mulligan export RUN --to model",
        )
    replace(to, lambda file: file.write(content))
    return found


def onnx_bytes(model: Model) -> bytes:
    """The content of the ONNX file of a model."""
    require_onnxruntime()
    if find_spec("onnxscript") is None:
        raise UsageError("exporting to ONNX needs onnxscript", 'pip install "mulligan[onnx]"')
    count = torch.export.Dim("count")
    noise, label = _examples(model, 2)
    given = (noise, label) if label is not None else (noise,)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself; and what it logs of packages that are not there
        logger.setLevel(logging.ERROR)
        try:
            program = torch.onnx.export(
                _Whole(model).eval(),
                given,
                dynamo=True,
                verbose=False,
                input_names=[NOISE, LABEL][: len(given)],
                output_names=[SAMPLES],
                dynamic_shapes=({0: count}, {0: count})[: len(given)],
            )
        except NotImplementedError as error:
            raise UsageError(str(error)) from None
        except torch.onnx.errors.OnnxExporterError as error:
            raise UsageError(
                f"{model.description.network.name} cannot be written as ONNX ({str(error).splitlines()[0][:200]})",
                "Use the model folder: mulligan export RUN --to model",
            ) from None
        finally:
            logger.setLevel(level)
    assert program is not None
    told: Any = program.model_proto
    _forget_places(told)
    for name, text in ((METADATA, safe_json.dumps(model.description.public())), onnx_entry(model.mark)):
        entry = told.metadata_props.add()
        entry.key, entry.value = name, text
    content: bytes = told.SerializeToString(deterministic=True)
    return content


def _forget_places(told: Any) -> None:
    """Remove what the exporter notes beside each operation: lines of code, with the folder in which this package is installed."""
    for part in (told.graph, *told.functions):
        noted = [part, *part.node, *part.value_info]
        if part is told.graph:
            noted += [*part.input, *part.output, *part.initializer]
        for each in noted:
            each.ClearField("metadata_props")
            each.ClearField("doc_string")


def difference(model: Model, other: OnnxModel) -> float:
    """The largest difference between samples of both, before anything is rounded to pixels."""
    found = 0.0
    for number in COMPARED:
        noise, label = _examples(model, number)
        with torch.inference_mode():
            wanted = _Whole(model).eval()(noise, label).numpy()
        made = other._pass(noise, torch.zeros(number, dtype=torch.long) if label is None else label).numpy()
        found = max(found, float(np.abs(made - wanted).max()))
    return found


def _examples(model: Model, number: int) -> tuple[Tensor, Tensor | None]:
    """Latents of seed 0, and labels in turn where there are classes."""
    latent = model.description.latent
    noise = sample_latents(latent.distribution, latent.size, 0, range(number))
    return noise, torch.arange(number) % len(model.classes) if model.classes else None
