"""A model: noise, and a label where there is a condition, to a sample; and its folder, in which nothing runs code.

model/model.json           what it is (description.py)
model/weights.safetensors  generator/NAME, encoder/NAME, latent/mean, latent/factor
model/README.md            the model card, with samples.png in it
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from mulligan.errors import CheckpointError, UsageError
from mulligan.kinds.kind import Kind
from mulligan.marks import Mark, write_png
from mulligan.randomness import place_latents
from mulligan.recipe import Network
from mulligan.runs import safe_json, tensors
from mulligan.runs.writing import write_text
from mulligan.sampling.asked import find_label
from mulligan.sampling.blocks import Place, of_seed, pack
from mulligan.sampling.card import model_card
from mulligan.sampling.description import MENDING, Description, describe, tiny
from mulligan.sampling.folder import CARD, DESCRIPTION, PICTURE, WEIGHTS, model_folder, refuse_disguise, replace_folder
from mulligan.sampling.samples import Samples
from mulligan.sampling.weights import content_hash, expected, require

_DESCRIPTION_BYTES = 2**20
DECODED = 32  # blocks at once: what is done to each number alone may be done to many

Labels = int | str | Sequence[int | str] | None


class Model:
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
        self.description = description.model_copy(update={"weights": content_hash(weights)})
        self.device = torch.device(device)
        self.generator = self._module(description.network, weights, "generator")
        self.encoder = self._module(description.encoder, weights, "encoder") if description.encoder else None
        self.fitted = (weights["latent/mean"].to(self.device), weights["latent/factor"].to(self.device)) if description.fitted else None
        self._check_output()

    @property
    def kind(self) -> Kind:
        """What one sample is."""
        return self.description.kind

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that a sample can be asked for; empty without condition."""
        return self.description.classes

    @property
    def mark(self) -> Mark:
        """What files made by this model say of themselves."""
        return Mark(model=self.description.weights)

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

    def sample(self, indices: Iterable[int], seed: int = 0, labels: Labels = None) -> np.ndarray:
        """Decoded samples `indices` of a seed; labels as in `draw`."""
        return self.draw(of_seed(seed, indices), labels).array

    def draw(self, places: Iterable[Place], labels: Labels = None) -> Samples:
        """Samples by their places.

        A sample is the same, byte for byte, whatever is asked beside it (on one machine with one number of threads).
        labels: one class for all, by number or name, or one for each; absent: sample i of seed s is of class (s + i) modulo classes.
        Raises UsageError for labels that do not fit, CheckpointError where the samples are not finite.
        """
        known = tuple(places)
        if any(place.seed < 0 or place.index < 0 for place in known):
            raise UsageError("a seed or an index is negative", "Give numbers from 0 on")
        latent = self.description.latent

        def latents(items: list[int]) -> Tensor:
            return place_latents(latent.distribution, latent.size, ((known[item].seed, known[item].index) for item in items))

        numbers = self._labels(labels, known)
        array = self._in_blocks([place.slot(self.description.block) for place in known], latents, numbers)
        return Samples(array, numbers, known, self.kind, self.description.weights, self.classes)

    def generate(self, z: Tensor, labels: Labels = None) -> np.ndarray:
        """Decoded samples of given latents z (N, latent), as they are drawn from the prior; labels as in `draw` for seed 0."""
        if z.ndim != 2 or z.shape[1] != self.description.latent.size:
            raise UsageError(f"latents of shape {tuple(z.shape)}: expected (N, {self.description.latent.size})")
        slots = [row % self.description.block for row in range(len(z))]
        return self._in_blocks(slots, lambda items: z[items], self._labels(labels, of_seed(0, range(len(z)))))

    def encode(self, raw: np.ndarray) -> Tensor:
        """Codes (N, latent) of raw samples, uint8 (N, C, H, W) or float32 (N, D). Raises UsageError without an encoder."""
        codes = [block[:count].cpu() for block, count in self._coded(raw)]
        return torch.cat(codes) if codes else torch.empty(0, self.description.latent.size)

    def reconstruct(self, raw: np.ndarray) -> np.ndarray:
        """Decoded reproductions of raw samples, through the encoder and the generator. Raises UsageError without an encoder."""
        parts = [self._decode(self._pass(block, None))[:count] for block, count in self._coded(raw)]
        return np.concatenate(parts) if parts else self._none()

    def save(self, folder: str | Path) -> Path:
        """Write the model folder: complete, or what was there before. Raises DiskError; UsageError where something else stands there."""
        weights = self.weights()

        def fill(beside: Path) -> None:
            tensors.write(beside / WEIGHTS, weights, {"format": "pt"})
            shown = self.draw(of_seed(0, range(40 if len(self.description.signature.sample) == 3 else 1000)))
            write_png(shown.grid(10).image, beside / PICTURE, shown.mark)
            write_text(beside / CARD, model_card(self.description, self.parameters, PICTURE))
            write_text(beside / DESCRIPTION, safe_json.dumps(self.description.public()))

        replace_folder(Path(folder), fill, tensors.size(weights))
        return Path(folder)

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

    def _check_output(self) -> None:
        """One pass shows whether the generator makes what the description says."""
        block, signature = self.description.block, self.description.signature
        try:
            shape = tuple(self._pass(torch.zeros(block, signature.latent), torch.zeros(block, dtype=torch.long)).shape)
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise CheckpointError(f"the generator cannot run ({str(error).splitlines()[0][:200]})", MENDING) from None
        if shape != (block, *signature.sample):
            raise CheckpointError(f"the generator makes {shape[1:]}, and a sample is {signature.sample}", MENDING)

    def _labels(self, labels: Labels, places: tuple[Place, ...]) -> np.ndarray | None:
        """The class of each place by number; None without condition."""
        if labels is None:
            return np.array([(place.seed + place.index) % len(self.classes) for place in places], np.int64) if self.classes else None
        if isinstance(labels, int | str):
            return np.full(len(places), find_label(labels, self.classes), np.int64)
        if len(labels) != len(places):
            raise UsageError(f"{len(labels)} labels for {len(places)} samples", "Give one label for all, or one for each")
        return np.array([find_label(label, self.classes) for label in labels], np.int64)

    def _in_blocks(self, slots: list[int], latents: Callable[[list[int]], Tensor], labels: np.ndarray | None) -> np.ndarray:
        """Decoded samples of `latents` of given items, each made in its slot of a padded block."""
        none = self._none()
        out = np.empty((len(slots), *none.shape[1:]), none.dtype)
        blocks = pack(slots)
        for start in range(0, len(blocks), DECODED):
            some = blocks[start : start + DECODED]
            items = [item for block in some for item in block]
            parts = torch.split(latents(items), [len(block) for block in some])
            made = [self._block([slots[item] for item in block], z, labels, block) for block, z in zip(some, parts, strict=True)]
            out[items] = self._decode(torch.cat(made))
        return out

    def _block(self, own: list[int], latents: Tensor, labels: np.ndarray | None, items: list[int]) -> Tensor:
        """Samples of latents (n, latent), each made in its own slot of a padded block."""
        z = torch.zeros(self.description.block, self.description.latent.size)
        z[own] = latents
        label = torch.zeros(self.description.block, dtype=torch.long)
        if labels is not None:
            label[own] = torch.from_numpy(labels[items])
        return self._pass(self._shaped(z), label)[own]

    def _shaped(self, z: Tensor) -> Tensor:
        if self.fitted is None:
            return z
        mean, factor = self.fitted
        return mean + z.to(self.device) @ factor.T

    @torch.inference_mode()
    def _pass(self, z: Tensor, label: Tensor | None) -> Tensor:
        made: Tensor = self.generator(z.to(self.device), label.to(self.device) if label is not None and self.classes else None)
        return made

    def _decode(self, made: Tensor) -> np.ndarray:
        try:
            return self.kind.decode(made)
        except ValueError as error:
            raise CheckpointError(f"the model makes broken samples: {error}", "Use a model of a training that stayed finite") from None

    def _none(self) -> np.ndarray:
        """No sample at all, decoded: the shape and type that samples have."""
        return self.kind.decode(torch.zeros(1, *self.description.signature.sample))[:0]

    def _coded(self, raw: np.ndarray) -> Iterator[tuple[Tensor, int]]:
        """Codes of raw samples in padded blocks (block, latent), each with the number of samples that are not padding."""
        if self.encoder is None:
            raise UsageError("this model has no encoder, so it cannot reconstruct", "Train the recipe autoencoder")
        if raw.shape[1:] != self.description.signature.sample:
            raise UsageError(f"samples of shape {raw.shape[1:]}: expected {self.description.signature.sample}")
        size = self.description.block
        for start in range(0, len(raw), size):
            part = torch.from_numpy(np.ascontiguousarray(raw[start : start + size]))
            block = torch.cat([part, part.new_zeros(size - len(part), *part.shape[1:])])
            with torch.inference_mode():
                yield self.encoder(self.kind.encode(block.to(self.device))), len(part)
