"""A model: noise, and a label where there is a condition, to a sample; and its folder, in which nothing runs code.

model/model.json           what it is (description.py)
model/weights.safetensors  generator/NAME, encoder/NAME, latent/mean, latent/factor
model/README.md            the model card, with samples.png in it
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from mulligan.errors import CheckpointError, UsageError
from mulligan.marks import write_png
from mulligan.recipe import Network
from mulligan.runs import safe_json, tensors
from mulligan.runs.writing import write_text
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.card import model_card
from mulligan.sampling.description import Description, describe, tiny
from mulligan.sampling.folder import CARD, DESCRIPTION, PICTURE, WEIGHTS, model_folder, refuse_disguise, replace_folder
from mulligan.sampling.sampler import Sampler, no_encoder
from mulligan.sampling.weights import content_hash, expected, require

_DESCRIPTION_BYTES = 2**20


class Model(Sampler):
    """A generator ready to sample, with an encoder where it can reconstruct.

    description: what model.json says. weights: `generator/NAME` (parameters and buffers), and as the description wants them
    `encoder/NAME`, `latent/mean` (D,) and `latent/factor` (D, D) of a Gaussian fitted to training codes: z = mean + factor @ noise.
    Raises CheckpointError for weights that do not fit the description or are not finite.

    >>> Model.tiny().sample(range(3), seed=0).shape
    (3, 8, 8)
    """

    def __init__(self, description: Description, weights: Mapping[str, Tensor], device: str = "cpu") -> None:
        require(weights, expected(description))
        tensors.check_finite(weights, Path(WEIGHTS))
        super().__init__(description.model_copy(update={"weights": content_hash(weights)}))
        self.device = torch.device(device)
        self.generator = self._module(description.network, weights, "generator")
        self.encoder = self._module(description.encoder, weights, "encoder") if description.encoder else None
        self.fitted = (weights["latent/mean"].to(self.device), weights["latent/factor"].to(self.device)) if description.fitted else None
        self._check_output()

    @property
    def parameters(self) -> int:
        """Trainable weights of the generator."""
        return sum(parameter.numel() for parameter in self.generator.parameters())

    def weights(self) -> dict[str, Tensor]:
        """All tensors by their names in the file, on the CPU."""
        parts: dict[str, Tensor] = {f"generator/{name}": tensor for name, tensor in self.generator.state_dict().items()}
        if self.encoder is not None:
            parts |= {f"encoder/{name}": tensor for name, tensor in self.encoder.state_dict().items()}
        if self.fitted is not None:
            parts |= {"latent/mean": self.fitted[0], "latent/factor": self.fitted[1]}
        return {name: tensor.detach().cpu() for name, tensor in parts.items()}

    def encode(self, raw: np.ndarray) -> Tensor:
        """Codes (N, latent) of raw samples, uint8 (N, C, H, W) or float32 (N, D). Raises UsageError without an encoder."""
        codes = [block[:count].cpu() for block, count in self._coded(raw)]
        return torch.cat(codes) if codes else torch.empty(0, self.description.latent.size)

    def reconstruct(self, raw: np.ndarray) -> np.ndarray:
        """Decoded reproductions of raw samples, through the encoder and the generator. Raises UsageError without an encoder."""
        parts = [self._decode(self.generator(codes, None))[:count] for codes, count in self._coded(raw)]
        return np.concatenate(parts) if parts else self._none()

    def save(self, folder: str | Path) -> Path:
        """Write the model folder: complete, or what was there before. Raises DiskError; UsageError where something else stands there."""
        weights = self.weights()

        def fill(beside: Path) -> None:
            tensors.write(beside / WEIGHTS, weights, {"format": "pt"})
            self.write_card(beside)
            write_text(beside / DESCRIPTION, safe_json.dumps(self.description.public()))

        replace_folder(Path(folder), fill, tensors.size(weights))
        return Path(folder)

    def write_card(self, folder: Path) -> None:
        """Write the model card into a folder that is there, and the picture of samples that it shows. Raises DiskError."""
        shown = self.draw(of_seed(0, range(40 if len(self.description.signature.sample) == 3 else 1000)))
        write_png(shown.grid(10).image, folder / PICTURE, shown.mark)
        write_text(folder / CARD, model_card(self.description, self.parameters, PICTURE))

    @classmethod
    def load(cls, path: str | Path, device: str = "cpu") -> Self:
        """The model in a model folder, or in the run folder around it.

        No code is run that the user did not allow: raises UnsafeError for pickles in any disguise, for outside code, and for hostile
        files, before anything is allocated; CheckpointError for files that are absent, broken or do not belong together.
        """
        folder = model_folder(Path(path))
        facts, file = folder / DESCRIPTION, folder / WEIGHTS
        refuse_disguise(facts, 0)
        refuse_disguise(file, 8)
        description = describe(safe_json.read_object(facts, _DESCRIPTION_BYTES), str(facts))
        weights = tensors.read(file, expected(description))
        tensors.check_finite(weights, file)
        if content_hash(weights) != description.weights:
            raise CheckpointError(f"{file} is damaged, or belongs to another model than {facts}", "Use a model folder that is whole")
        return cls(description, weights, device)

    @classmethod
    def tiny(cls) -> Self:
        """The smallest sensible model, with untrained weights, for tests and examples."""
        torch_weights = torch.Generator().manual_seed(0)
        shapes = expected(tiny())
        return cls(tiny(), {name: torch.randn(shape, generator=torch_weights) for name, (_, shape) in shapes.items()})

    def _module(self, network: Network, weights: Mapping[str, Tensor], player: str) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # first values are thrown away; nobody's random numbers may move for them
            module = network.build(self.description.signature)
        prefix = f"{player}/"
        module.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)})
        for parameter in module.parameters():
            if parameter.ndim == 4:  # as in training (`mulligan.training.flat`)
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return module.eval().requires_grad_(False).to(self.device)

    def _shaped(self, z: Tensor) -> Tensor:
        if self.fitted is None:
            return z
        mean, factor = self.fitted
        return mean + z.to(self.device) @ factor.T

    def encoded(self, z: Tensor, label: Tensor) -> Tensor:
        """Samples (N, *shape) as the generator makes them, of latents z (N, latent), with gradients to these; labels int64 (N,)."""
        made: Tensor = self.generator(self._shaped(z).to(self.device), label.to(self.device) if self.classes else None)
        return made

    @torch.inference_mode()
    def _pass(self, z: Tensor, label: Tensor) -> Tensor:
        return self.encoded(z, label)

    def _decode(self, made: Tensor) -> np.ndarray:
        try:
            return self.kind.decode(made)
        except ValueError as error:
            raise CheckpointError(f"the model makes broken samples: {error}", "Use a model of a training that stayed finite") from None

    def _coded(self, raw: np.ndarray) -> Iterator[tuple[Tensor, int]]:
        """Codes of raw samples in padded blocks (block, latent), each with the number of samples that are not padding."""
        if self.encoder is None:
            raise no_encoder()
        if raw.shape[1:] != self.description.signature.sample:
            raise UsageError(f"samples of shape {raw.shape[1:]}: expected {self.description.signature.sample}")
        size = self.description.block
        for start in range(0, len(raw), size):
            part = torch.from_numpy(np.ascontiguousarray(raw[start : start + size]))
            block = torch.cat([part, part.new_zeros(size - len(part), *part.shape[1:])])
            with torch.inference_mode():
                yield self.encoder(self.kind.encode(block.to(self.device))), len(part)
