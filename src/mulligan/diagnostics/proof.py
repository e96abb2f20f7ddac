"""A picture that shows what the doctor found: samples beside real ones where that says it, otherwise the curve that decided."""

from collections.abc import Sequence

import numpy as np
import torch

from mulligan.diagnostics.finding import Diagnosis, Finding
from mulligan.diagnostics.probe import HARDLY, Probe, most_alike, nearest_pairs
from mulligan.diagnostics.seen import Line, number
from mulligan.kinds.kind import Kind
from mulligan.marks import Mark, write_png
from mulligan.runs import curves
from mulligan.runs.folder import Run
from mulligan.runs.panels import Curve, Panel
from mulligan.runs.writing import disk_errors, write_bytes

SHOWN = 40  # pairs of samples
COLUMNS = 5  # of pairs
_CAPTIONS = {
    "mode-collapse": "Left of each pair a real sample, right a generated one: the generated ones that are most alike.",
    "mode-dropping": "Left of each pair a real sample of a part of the data that is hardly ever made, right the nearest generated one.",
    "memorising": "Left of each pair a training sample, right the generated one that lies nearest to it.",
}


def write(
    run: Run, diagnosis: Diagnosis, lines: Sequence[Line], kind: Kind, probe: Probe | None, real: np.ndarray, made: np.ndarray
) -> str:
    """Write diagnosis.png for the gravest finding, or take away one that no longer holds. Returns a caption; empty without a picture.

    real: the decoded samples that the probe was made of. made: decoded generated ones. Raises DiskError.
    """
    finding = next((found for found in diagnosis.findings if found.name == diagnosis.verdict), None)
    if finding is not None and probe is not None and finding.name in _CAPTIONS and len(made) > 1:
        groups = _pairs(finding.name, probe, real, made)
        if groups is not None:
            write_png(kind.preview(groups, columns=COLUMNS), run.diagnosis_picture, Mark(composite=True))
            return _CAPTIONS[finding.name] if len(kind.shape) == 3 else "Real samples and generated ones."
    panels = [] if finding is None else _panels(finding, lines)
    if panels and finding is not None and finding.name != "warming-up":
        write_bytes(run.diagnosis_picture, curves.drawn(panels))
        return "What decided, over the training."
    with disk_errors(run.diagnosis_picture):
        run.diagnosis_picture.unlink(missing_ok=True)
    return ""


def _pairs(name: str, probe: Probe, real: np.ndarray, made: np.ndarray) -> list[np.ndarray] | None:
    """Real samples and generated ones, as many of each."""
    seen, known = probe.seen_by(made), probe.seen_by(real)
    if len(seen) != len(made):
        return None
    if name == "mode-collapse":
        theirs = most_alike(seen, SHOWN)
        ours = torch.arange(min(len(theirs), len(real)))
    elif name == "mode-dropping":
        missing = probe.histogram(seen) < HARDLY * probe.shares
        ours = missing[probe.cluster(known)].nonzero()[:SHOWN, 0]
        theirs = nearest_pairs(known[ours], seen, len(ours), ordered=False)[1]
    else:
        theirs, ours = nearest_pairs(seen, known, SHOWN)
    count = min(len(ours), len(theirs))
    return [real[ours[:count].numpy()], made[theirs[:count].numpy()]] if count else None


def _panels(finding: Finding, lines: Sequence[Line]) -> list[Panel]:
    panels = []
    for key in finding.curve:
        shown = [
            Curve(name, "goal" if dashed else "fake", points, dashed)
            for name, dashed, points in (("generated", False, _points(lines, key)), ("real data", True, _points(lines, f"{key}.floor")))
            if points
        ]
        if shown and not shown[0].dashed:
            panels.append(Panel(key.removeprefix("probe.").replace(".", " of "), "", tuple(shown)))
    return panels


def _points(lines: Sequence[Line], key: str) -> tuple[tuple[float, float], ...]:
    pairs = ((number(line, "images"), number(line, key)) for line in lines)
    return tuple((x, y) for x, y in pairs if x is not None and y is not None and abs(y) < 1e30)
