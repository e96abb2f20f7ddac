"""What draws samples: noise, and a label where there is a condition, to a sample, whoever computes it.

A sample is the same, byte for byte, whatever is asked beside it (on one machine with one number of threads): it is made in its own slot
of a block of fixed size.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mulligan.errors import CheckpointError, UsageError
from mulligan.kinds.kind import Kind
from mulligan.marks import Mark
from mulligan.randomness import place_latents
from mulligan.sampling.asked import find_label
from mulligan.sampling.blocks import Place, of_seed, pack
from mulligan.sampling.description import MENDING, Description
from mulligan.sampling.samples import Samples
from mulligan.sampling.truncation import truncated

DECODED = 32  # blocks at once: what is done to each number alone may be done to many

Labels = int | str | Sequence[int | str] | None


class Sampler:
    """A generator ready to sample. What computes is a subclass: `Model` by torch, `OnnxModel` by onnxruntime.

    description: what is told of it, as in model.json.
    """

    def __init__(self, description: Description) -> None:
        self.description = description

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

    def sample(self, indices: Iterable[int], seed: int = 0, labels: Labels = None) -> np.ndarray:
        """Decoded samples `indices` of a seed; labels as in `draw`."""
        return self.draw(of_seed(seed, indices), labels).array

    def draw(self, places: Iterable[Place], labels: Labels = None, truncation: float | None = None) -> Samples:
        """Samples by their places.

        A sample is the same, byte for byte, whatever is asked beside it (on one machine with one number of threads).
        labels: one class for all, by number or name, or one for each; absent: sample i of seed s is of class (s + i) modulo classes.
        truncation: where the prior is cut off (`mulligan.sampling.truncation`); nowhere if absent.
        Raises UsageError for labels that do not fit, CheckpointError where the samples are not finite.
        """
        known = tuple(places)
        if any(place.seed < 0 or place.index < 0 for place in known):
            raise UsageError("a seed or an index is negative", "Give numbers from 0 on")
        latent = self.description.latent

        def latents(items: list[int]) -> Tensor:
            z = place_latents(latent.distribution, latent.size, ((known[item].seed, known[item].index) for item in items))
            return z if truncation is None else truncated(z, latent.distribution, truncation)

        numbers = self.labels_of(known, labels)
        array = self._in_blocks([place.slot(self.description.block) for place in known], latents, numbers)
        return Samples(array, numbers, known, self.kind, self.description.weights, self.classes)

    def generate(self, z: Tensor, labels: Labels = None) -> np.ndarray:
        """Decoded samples of given latents z (N, latent), as they are drawn from the prior; labels as in `draw` for seed 0."""
        if z.ndim != 2 or z.shape[1] != self.description.latent.size:
            raise UsageError(f"latents of shape {tuple(z.shape)}: expected (N, {self.description.latent.size})")
        slots = [row % self.description.block for row in range(len(z))]
        return self._in_blocks(slots, lambda items: z[items], self.labels_of(of_seed(0, range(len(z))), labels))

    def encode(self, raw: np.ndarray) -> Tensor:
        """Codes (N, latent) of raw samples, uint8 (N, C, H, W) or float32 (N, D). Raises UsageError without an encoder."""
        raise no_encoder()

    def reconstruct(self, raw: np.ndarray) -> np.ndarray:
        """Decoded reproductions of raw samples, through the encoder and the generator. Raises UsageError without an encoder."""
        raise no_encoder()

    def save(self, folder: str | Path) -> Path:
        """Write it into a folder, as it was loaded. Raises DiskError."""
        raise NotImplementedError(f"{type(self).__name__} cannot be saved")

    def _pass(self, z: Tensor, label: Tensor) -> Tensor:
        """Samples (block, ...) of latents z (block, latent) and labels (block,), which are looked at only where there are classes."""
        raise NotImplementedError(f"{type(self).__name__} cannot sample")

    def _decode(self, made: Tensor) -> np.ndarray:
        """Decoded samples of what `_pass` gave. Raises CheckpointError where they are not finite."""
        raise NotImplementedError(f"{type(self).__name__} cannot decode")

    def _check_output(self) -> None:
        """One pass shows whether the generator makes what the description says."""
        block, signature = self.description.block, self.description.signature
        try:
            shape = tuple(self._pass(torch.zeros(block, signature.latent), torch.zeros(block, dtype=torch.long)).shape)
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise CheckpointError(f"the generator cannot run ({str(error).splitlines()[0][:200]})", MENDING) from None
        if shape != (block, *signature.sample):
            raise CheckpointError(f"the generator makes {shape[1:]}, and a sample is {signature.sample}", MENDING)

    def labels_of(self, places: Sequence[Place], labels: Labels = None) -> np.ndarray | None:
        """The class of each place by number, int64 (N,); labels as in `draw`. None without classes.

        Raises UsageError for labels that do not fit.
        """
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
        return self._pass(z, label)[own]

    def _none(self) -> np.ndarray:
        """No sample at all, decoded: the shape and type that samples have."""
        return self.kind.decode(torch.zeros(1, *self.description.signature.sample))[:0]


def no_encoder() -> UsageError:
    """What is said where a model that makes samples from noise alone is asked for codes."""
    return UsageError("this model has no encoder, so it cannot reconstruct", "Train the recipe autoencoder")
