"""Features of Inception v3: the only ones whose Fréchet distance may be called FID (Heusel et al. 2017, arXiv 1706.08500).

They come from torchmetrics with the weights of torch-fidelity, converted from those that were published with TensorFlow (2015-12-05);
both are the extra `inception`. The weights, about 90 MB, are downloaded at first use, unless MULLIGAN_OFFLINE forbids it. Images are
resized as those of the original, without antialiasing.

Where this was written the weights could not be had, and torch-fidelity 0.4.0 imports torchvision, which does not import beside every
build of torch. So it was run once with weights that were not trained and a stand-in for torchvision, which shows shapes and types and
no value; the tests see what is said where the extra is missing.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mulligan.data.download import offline
from mulligan.errors import UsageError
from mulligan.metrics.images import channels_first, in_blocks

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"  # as torch-fidelity calls the file that torch keeps


class Inception:
    """Inception v3 up to its last average: 2,048 numbers per image.

    Raises UsageError where the extra `inception` is not installed, or does not work here.
    """

    def __init__(self) -> None:
        try:
            from torchmetrics.image.fid import NoTrainInceptionV3

            if offline() and not Path(torch.hub.get_dir(), "checkpoints", WEIGHTS).is_file():
                raise OSError("MULLIGAN_OFFLINE forbids the download of the weights")
            self.network = NoTrainInceptionV3("inception-v3-compat", ["2048"], antialias=False)
        except (ImportError, RuntimeError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(
                f"Inception features cannot be had here ({reason})",
                'Install "mulligan[inception]", and let it download the weights once; or judge by features random, digits or fashion',
            ) from error

    def hash(self) -> str:
        """SHA-256 of all tensors of the network, in the order of its state."""
        digest = sha256()
        for tensor in self.network.state_dict().values():
            digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    def depths(self, images: Any) -> dict[str, Tensor]:
        """Features of images: {"late": (N, 2048)} float32; there are no early ones, in which nobody measures.

        images: uint8, (N, H, W) for grey or (N, H, W, 3) for colour. Raises DataError for any other shape or type.
        """
        (late,) = in_blocks(lambda block: (self.network(block.expand(-1, 3, -1, -1)),), channels_first(images))
        return {"late": late}


@cache
def inception() -> Inception:
    """The network, made once: loading it takes seconds."""
    return Inception()
