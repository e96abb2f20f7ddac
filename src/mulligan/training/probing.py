"""What training measures about its players as it goes: the material of every diagnosis.

At each report: the signals of samples (`mulligan.diagnostics.probe`), what D says of training, held-out and generated samples, and
how the weights of each player stand and move. All of it is a function of the state that is saved and of what the report before left
in the session's memory, so that a resumed run writes the same history. Nothing here changes a player, and no figure of the test split
ever selects a checkpoint.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mulligan.data.dataset import Endless, Split
from mulligan.diagnostics.opinion import opinions, turnover
from mulligan.diagnostics.probe import DRAWN, FEWEST, Look, Probe, floors, real_samples
from mulligan.layers.critique import reduce_logits
from mulligan.randomness import numpy_generator, torch_generator
from mulligan.training.game import Batch, Cast
from mulligan.training.session import Session
from mulligan.training.state import PlayerState, parameters, sampled

JUDGED = 256  # samples of each side that D is asked about
BLOCK = 256  # samples that D sees at once
SKETCH = 128  # numbers that stand for a long tensor: lengths of differences are right to about 6 %, cosines to 0.09
POWER = 4  # iterations for a largest singular value
NARROW = 8  # matrices of fewer rows or columns have no spectrum worth telling

Memory = dict[str, list[float]]


@dataclass
class Prober:
    """Measures a session. `validation` is the slice of training samples that the observer compares with."""

    session: Session
    validation: Batch
    probe: Probe | None = field(init=False)  # None where there are too few samples to compare with
    heldout: Batch | None = field(init=False)  # samples of the test split that D is asked about
    seconds: float = field(init=False)
    _count: float = field(init=False)
    _starts: dict[str, Tensor] = field(init=False, default_factory=dict)
    _signs: dict[str, Tensor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        begun = time.perf_counter()
        train, test = self.session.dataset.train, self.session.dataset.test
        kind, seed = self.session.game.kind, self.session.recipe.seed
        raw, of = real_samples(self.session.dataset, seed)
        held = self._held_out(test) if isinstance(test, Split) and isinstance(train, Split) else None
        heldout = None if held is None else kind.to_arrays(held.target.numpy())
        self.probe = Probe(kind.to_arrays(raw), heldout, isinstance(train, Endless), seed, of=of) if len(raw) >= FEWEST else None
        self.heldout = None if held is None else self._judged_by(held)
        self._count = math.inf if isinstance(train, Endless) else len(train.target)
        self.seconds = time.perf_counter() - begun

    @property
    def real(self) -> np.ndarray:
        """The decoded samples that the probe was made of, looked up again: they would take more room than the rest of it."""
        return self.session.game.kind.to_arrays(real_samples(self.session.dataset, self.session.recipe.seed)[0])

    def figures(self, made: Tensor, label: Tensor | None, raw: Callable[[Cast], Tensor], before: Memory) -> tuple[dict[str, float], Memory]:
        """Figures of this moment, and what the next report needs to know of it.

        made: samples of the fixed latents, encoded, with their labels. raw: makes samples with any cast. before: the memory of the
        report before, empty at the first.
        """
        begun = time.perf_counter()
        with torch.no_grad():
            found: dict[str, float] = {"progress": self.session.images / self.session.controls.horizon}
            memory: Memory = {}
            if math.isfinite(self._count):
                found["data.count"] = self._count
            if self.probe is not None:
                look = self.probe.look(self._decoded(made))
                found |= floors(self.probe) | {f"probe.{name}": value for name, value in look.signals.items()}
                found["probe.finite"] = float(made.flatten(1).sum(1).isfinite().float().mean())
                self._moved_samples(self.probe, look, before, found, memory)
            self._against_average(raw, found)
            self._judged(made, label, found)
            for name, player in self.session.state.items():
                self._weights(name, player, before, found, memory)
        found["seconds.probing"] = round(time.perf_counter() - begun + self.seconds, 3)
        self.seconds = 0.0  # the preparation is counted once
        return found, memory

    def _held_out(self, split: Split) -> Batch:
        """A slice of the test split. A diagnosis may see it, as an examiner may: it names faults and selects no checkpoint."""
        places = numpy_generator(self.session.recipe.seed, "probe/heldout").permutation(len(split.target))[:DRAWN]
        label = None if split.label is None else torch.from_numpy(split.label[places])
        return Batch(torch.from_numpy(split.target[places]), label, torch.from_numpy(places))

    def _judged_by(self, held: Batch) -> Batch:
        """As many of them as D is asked about, in memory of their own."""
        device = self.session.recipe.machine.device
        target, label, places = (None if part is None else part[:JUDGED].clone() for part in held)
        assert target is not None  # only labels can be absent
        assert places is not None
        return Batch(target.to(device), None if label is None else label.to(device), places)

    def _decoded(self, made: Tensor) -> np.ndarray:
        """Samples as people get them, without those that hold numbers that are not finite."""
        if bool(made.sum().isfinite()):  # a tenth of the time of asking each number
            return self.session.game.kind.decode(made)
        whole = made[made.flatten(1).isfinite().all(1)]
        return self.session.game.kind.decode(whole) if len(whole) else np.full((len(made), 1), np.nan, np.float32)

    def _moved_samples(self, probe: Probe, look: Look, before: Memory, found: dict[str, float], memory: Memory) -> None:
        """How far the samples of the fixed latents went since the last report, and how much their shares of the clusters changed."""
        memory["samples"], memory["shares"] = self._sketch("samples", look.seen), look.shares.tolist()
        if len(look.seen) and len(before.get("shares", [])) == len(memory["shares"]):
            scale = probe.reference.spread * math.sqrt(len(look.seen))
            found["samples.moved"] = math.dist(memory["samples"], before["samples"]) / max(scale, 1e-12)
            found["samples.turnover"] = turnover(before["shares"], memory["shares"])

    def _against_average(self, raw: Callable[[Cast], Tensor], found: dict[str, float]) -> None:
        """The generator as it is now beside its average: parameters, and distance of its samples."""
        state = self.session.state
        player = state.get("generator")
        if player is None or player.ema is None:
            return
        found["generator.apart"] = float((player.parameters - player.ema).norm() / player.parameters.norm().clamp(min=1e-12))
        now = {name: parameters(other) for name, other in state.items()}
        cast = Cast(self.session.game.actors, now, {name: other.buffers for name, other in state.items()})
        made = raw(cast)
        if self.probe is not None and bool(made.sum().isfinite()):
            found["probe.raw.distance"] = self.probe.distance(self.session.game.kind.decode(made))

    def _judged(self, made: Tensor, label: Tensor | None, found: dict[str, float]) -> None:
        """What D says of training samples, held-out ones and generated ones."""
        game = self.session.game
        sees_others = "discriminator" in game.inputs and game.pack == 1  # such as pairs of an input and its answer
        if "discriminator" not in game.actors or sees_others or not bool(made.sum().isfinite()):
            return
        cast = sampled(game.actors, self.session.state)
        real = self._logits(cast, game.kind.encode(self.validation.target[:JUDGED]), self.validation.condition)
        fake = self._logits(cast, made[:JUDGED], label)
        held = None
        if self.heldout is not None:
            held = self._logits(cast, game.kind.encode(self.heldout.target), self.heldout.condition)
        found |= opinions(real, fake, held)

    def _logits(self, cast: Cast, samples: Tensor, label: Tensor | None) -> Tensor:
        game = self.session.game
        told = label if game.classes else None
        if game.pack > 1:
            samples = samples[: len(samples) // game.pack * game.pack].reshape(-1, *game.inputs["discriminator"])
        parts = []
        for start in range(0, len(samples), BLOCK):
            part = slice(start, start + BLOCK)
            parts.append(cast("discriminator", samples[part], None if told is None else told[part], inference=True).logits)
        return torch.cat([reduce_logits(part) for part in parts]).float().cpu()

    def _weights(self, name: str, player: PlayerState, before: Memory, found: dict[str, float], memory: Memory) -> None:
        """Norm, movement since the last report, its angle to the movement before, and the extremes of the spectra."""
        norm = float(player.parameters.norm())
        found[f"{name}.norm"] = norm
        now = self._sketch(name, player.parameters)
        memory[name] = now
        if len(before.get(name, [])) == len(now):
            moved = [a - b for a, b in zip(now, before[name], strict=True)]
            memory[f"{name}.moved"] = moved
            found[f"{name}.moved"] = math.hypot(*moved) / max(norm, 1e-12)
            last = before.get(f"{name}.moved", [])
            if len(last) == len(moved) and math.hypot(*last) * math.hypot(*moved) > 0:
                product = sum(a * b for a, b in zip(moved, last, strict=True))
                found[f"{name}.turned"] = product / (math.hypot(*last) * math.hypot(*moved))
        spectra = [self._spectrum(name, key, tensor) for key, tensor in parameters(player).items() if _is_matrix(tensor)]
        if spectra:
            found[f"{name}.singular"] = max(largest for largest, _ in spectra)
            found[f"{name}.stable_rank"] = min(rank for _, rank in spectra)

    def _spectrum(self, player: str, key: str, tensor: Tensor) -> tuple[float, float]:
        """Largest singular value and stable rank |W|_F^2 / s^2 of a weight, as a matrix of what goes in by what comes out."""
        matrix = tensor.flatten(1)
        place = f"{player}/{key}"
        if place not in self._starts:
            start = torch.randn(matrix.shape[1], generator=torch_generator(self.session.recipe.seed, f"probe/{place}"))
            self._starts[place] = start.to(matrix.device)
        right = self._starts[place]
        largest = 0.0
        for _ in range(POWER):
            left = matrix @ right
            right = matrix.T @ (left / left.norm().clamp(min=1e-30))
            largest = float(right.norm())
            right = right / max(largest, 1e-30)
        return largest, float(matrix.square().sum()) / max(largest**2, 1e-30)

    def _sketch(self, name: str, tensor: Tensor) -> list[float]:
        """Sums of a tensor's numbers under random signs: differences of sketches are about as long as those of tensors."""
        flat = tensor.reshape(-1)
        if name not in self._signs or len(self._signs[name]) < len(flat):
            drawn = torch.randint(2, (len(flat),), generator=torch_generator(self.session.recipe.seed, f"probe/sketch/{name}"))
            self._signs[name] = (drawn * 2 - 1).to(torch.int8).to(flat.device)
        signed = flat * self._signs[name][: len(flat)]
        gap = -len(flat) % SKETCH
        folded: list[float] = torch.cat([signed, signed.new_zeros(gap)]).view(-1, SKETCH).sum(0).tolist()
        return folded


def _is_matrix(tensor: Tensor) -> bool:
    return tensor.ndim >= 2 and min(len(tensor), math.prod(tensor.shape[1:])) >= NARROW
