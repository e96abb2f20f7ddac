"""Opening what draws samples, whatever file it is in."""

from pathlib import Path

from mulligan.sampling.model import Model
from mulligan.sampling.onnx_model import ENDING, FILE, OnnxModel
from mulligan.sampling.sampler import Sampler


def is_onnx(path: Path) -> bool:
    """Whether a path means an ONNX file: itself, or in a folder that `mulligan export --to onnx` wrote."""
    return path.suffix.lower() == ENDING if path.is_file() else (path / FILE).is_file()


def load_sampler(path: str | Path) -> Sampler:
    """What a path holds: a model folder, the run folder around one, or an ONNX file. Raises as `Model.load` and `OnnxModel` do."""
    where = Path(path)
    if is_onnx(where):
        return OnnxModel.load(where if where.is_file() else where / FILE)
    return Model.load(where)
