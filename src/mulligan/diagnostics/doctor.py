"""The doctor for a training loop that is not Mulligan's: three lines in it, and the same verdicts."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from mulligan.diagnostics.diagnosis import diagnose
from mulligan.diagnostics.finding import Diagnosis
from mulligan.diagnostics.opinion import opinions, turnover
from mulligan.diagnostics.probe import Look, Probe, floors
from mulligan.diagnostics.seen import Line
from mulligan.errors import UsageError


class Doctor:
    """Watches any training of a generator, from samples and scores.

    real: real samples as the loop has them, 100 and more: images (N, C, H, W), (N, H, W) or (N, H, W, C), or points (N, D); an array or a
    tensor, of the same numbers as the samples will be. heldout: real samples that the loop does not train on. horizon: the step at
    which it ends; without one the first reports count as the beginning. Raises DataError for data that cannot be compared.

    >>> points = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    >>> doctor = Doctor(points, horizon=100)
    >>> for step in (20, 40, 60, 80, 100):
    ...     doctor.observe(step, torch.zeros(400, 2))
    >>> doctor.diagnosis().verdict
    'mode-collapse'
    """

    def __init__(self, real: Any, heldout: Any | None = None, horizon: int | None = None, seed: int = 0) -> None:
        self._given = real, heldout, seed
        self.probe = Probe(real, heldout, seed=seed)
        self.horizon = horizon
        self.lines: list[Line] = []
        self._floors = floors(self.probe)
        self._before: Look | None = None

    def observe(
        self,
        step: int,
        samples: Any,
        d_real: Any | None = None,
        d_fake: Any | None = None,
        d_heldout: Any | None = None,
        losses: Mapping[str, float] | None = None,
    ) -> None:
        """Look at the training, a dozen to a hundred times over all of it.

        samples: about 1,000 generated ones, always as many and of the same latents, as D would see them. d_real, d_fake, d_heldout:
        D's scores (N,) of training samples, of generated and of held-out ones, larger for more real. losses: by player.
        Raises UsageError where only one of d_real and d_fake is given, or steps do not rise.
        """
        if (d_real is None) != (d_fake is None):
            raise UsageError("scores of only one side", "Give d_real and d_fake, or neither")
        if self.lines and step <= self.lines[-1]["step"]:
            raise UsageError(f"step {step} after step {self.lines[-1]['step']}", "Observe each step once, in their order")
        if not self.lines and len(samples) < self.probe.size:  # what is compared has to be as many
            real, heldout, seed = self._given
            self.probe = Probe(real, heldout, seed=seed, size=len(samples))
            self._floors = floors(self.probe)
        look = self.probe.look(samples)
        line: Line = {"step": step, **self._floors, **{f"probe.{name}": value for name, value in look.signals.items()}}
        if self._before is not None and len(look.seen):
            line["samples.turnover"] = turnover(self._before.shares.tolist(), look.shares.tolist())
            if look.seen.shape == self._before.seen.shape:
                way = (look.seen - self._before.seen).norm() / math.sqrt(len(look.seen))
                line["samples.moved"] = float(way) / max(self.probe.reference.spread, 1e-12)
        self._before = look
        if d_real is not None and d_fake is not None:
            line |= opinions(torch.as_tensor(d_real), torch.as_tensor(d_fake), None if d_heldout is None else torch.as_tensor(d_heldout))
        for name, value in (losses or {}).items():
            number = float(value)
            line[f"{name}.loss"] = number if abs(number) < float("inf") else None
        self.lines.append(line)

    def diagnosis(self) -> Diagnosis:
        """The verdict by now."""
        return diagnose(self.lines, self.horizon)
