"""A model in an ONNX file, sampled by onnxruntime: no PyTorch network is built, and the file is one.

Inputs: `noise` float32 (N, latent), drawn from the prior that the description names; `label` int64 (N,), where there are classes.
Output: `samples` float32 (N, *shape): pixels from 0 to 1, points in their own units. What model.json says of a model stands in the
file's metadata under `mulligan`.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from mulligan.errors import CheckpointError, UnsafeError, UsageError
from mulligan.marks import make_folder, replace
from mulligan.runs import safe_json
from mulligan.sampling import onnx_safety
from mulligan.sampling.description import Description, describe
from mulligan.sampling.onnx_safety import MENDING
from mulligan.sampling.sampler import Sampler

FILE = "model.onnx"
NOISE, LABEL, SAMPLES = "noise", "label", "samples"
METADATA = "mulligan"
ENDING = ".onnx"
MOST_BYTES = 2**31  # a protocol buffer is no larger
DIFFERENCE = 1e-4  # between PyTorch and onnxruntime, at most


class OnnxModel(Sampler):
    """A generator in an ONNX file, ready to sample. The same seeds give what the model that was exported gives, within rounding.

    content: of the file. where: names it in errors. Raises UnsafeError for a file that asks for more than a graph and its numbers
    (`mulligan.sampling.onnx_safety`), CheckpointError for a file that Mulligan did not write or that does not do what it says,
    UsageError where onnxruntime is not installed.
    """

    def __init__(self, content: bytes, where: str) -> None:
        onnx_safety.check(content, where)
        self.content = content
        self._session = _session(content, where)
        super().__init__(_description(self._session, where))
        given = [each.name for each in self._session.get_inputs()]
        wanted = [NOISE, LABEL] if self.classes else [NOISE]
        if given != wanted:
            raise CheckpointError(f"{where} takes {', '.join(given)[:200]}: expected {', '.join(wanted)}", MENDING)
        self._check_output()

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model in a file. Nothing beside the file is opened, whatever the file asks for."""
        file = Path(path)
        try:
            if file.stat().st_size >= MOST_BYTES:
                raise UnsafeError(f"{file} is larger than 2 GiB, and is not opened", MENDING)
            return cls(file.read_bytes(), str(file))
        except OSError as error:
            raise CheckpointError(f"{file} cannot be read ({error.strerror or error})", MENDING) from None

    def save(self, folder: str | Path) -> Path:
        """Write the same file as `model.onnx` into a folder. Raises DiskError."""
        make_folder(Path(folder))
        replace(Path(folder) / FILE, lambda file: file.write(self.content))
        return Path(folder)

    def _pass(self, z: Tensor, label: Tensor) -> Tensor:
        given = {NOISE: z.numpy()} | ({LABEL: label.numpy()} if self.classes else {})
        try:
            (samples,) = self._session.run([SAMPLES], given)
        except Exception as error:  # onnxruntime has no base class of its own errors
            raise CheckpointError(f"the model cannot run ({_line(error)})", MENDING) from None
        return torch.from_numpy(samples)

    def _decode(self, made: Tensor) -> np.ndarray:
        try:
            return self.kind.from_presented(made.numpy())
        except ValueError as error:
            raise CheckpointError(f"the model makes broken samples: {error}", "Use a model of a training that stayed finite") from None


def require_onnxruntime() -> None:
    """Raise UsageError where onnxruntime is not installed."""
    if find_spec("onnxruntime") is None:
        raise UsageError("an ONNX file needs onnxruntime", 'pip install "mulligan[onnx]"')


def _session(content: bytes, where: str) -> Any:
    require_onnxruntime()
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4  # what goes wrong is told below, on one line
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no base class of its own errors
        raise CheckpointError(f"{where} is no model that onnxruntime reads ({_line(error)})", MENDING) from None


def _description(session: Any, where: str) -> Description:
    told = session.get_modelmeta().custom_metadata_map.get(METADATA)
    if told is None:
        raise CheckpointError(f"{where} does not say what it samples", MENDING)
    return describe(safe_json.loads(told.encode(), where), where)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
