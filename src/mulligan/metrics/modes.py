"""Modes of data whose modes are known: mixtures of Gaussians, and cells such as the 1,000 classes of three stacked digits.

The protocol for mixtures is that of Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761) and Lin et al. 2018 (PacGAN,
arXiv 1712.04086, section 4.1): a sample is of high quality if it lies within three standard deviations of the nearest centre, and a
mode is covered by one such sample. A count of modes alone misleads: a mode that one sample in a thousand reaches is counted, samples
between the modes are not, and eight points at the centres of eight modes have all modes and only samples of high quality. So the
share of samples off the modes, the width within them and how evenly they are visited stand beside it.
"""

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import matching
from mulligan.metrics.nearest import nearest

NEAR = 3.0  # standard deviations within which a sample is of high quality
REACH = 6.0  # standard deviations, along each axis, within which a sample counts for the width of its mode
TENTH = 0.1  # of its equal share: what a mode must have to be counted strictly
_ENOUGH = 10  # samples of a mode below which its width is not measured
_QUARTILE = 0.5  # share of samples within the median deviation


@dataclass(frozen=True)
class Modes:
    """How a set of samples visits known modes.

    modes: modes visited at least once (mixtures: by a sample of high quality), of `of`. strict_modes: for mixtures, modes with at least a
    tenth of their equal share of all samples; for cells, cells visited by a confident sample.
    high_quality: share of samples within three deviations of a centre, or confident ones. off_mode: the others.
    kl: Kullback-Leibler divergence of the histogram of modes from equal shares, in nats; log K where there is nothing to count.
    kl_floor: what a perfect sampler has on average at as many samples, (K - 1) / (2 N). strict_kl and strict_kl_floor: the same of
    confident samples alone; None for mixtures.
    ceiling: high_quality of a perfect sampler, 0.9889 in two dimensions; above it modes are too narrow. None for cells.
    width: standard deviation within the modes / the true one: 1 for a perfect sampler, 0 for points; None for cells, and where no mode
    has ten samples.
    """

    modes: int
    of: int
    strict_modes: int
    high_quality: float
    off_mode: float
    kl: float
    kl_floor: float
    strict_kl: float | None
    strict_kl_floor: float | None
    ceiling: float | None
    width: float | None


def mixture_modes(points: Any, centres: Any, deviation: float) -> Modes:
    """Modes of an equal mixture of round Gaussians that points (N, D) visit.

    centres: (K, D). deviation: the standard deviation of each Gaussian along each axis. The histogram for KL is that of samples of high
    quality. Raises DataError for points of other dimensions, that are not finite, or a deviation that is not above 0.

    >>> centres = torch.tensor([[-4.0, 0.0], [4.0, 0.0]])
    >>> found = mixture_modes(centres.repeat(20, 1), centres, deviation=0.1)
    >>> found.modes, found.high_quality, found.kl, found.width
    (2, 1.0, 0.0, 0.0)
    """
    if not deviation > 0:
        raise DataError(f"modes with a standard deviation of {deviation} cannot be judged", "Give the deviation of one mode, above 0")
    rows, means = matching(points, centres)
    distances, places = (part.squeeze(1) for part in nearest(rows, means))
    good = distances < NEAR * deviation
    counts = places[good].bincount(minlength=len(means))
    share = float(good.double().mean())
    return Modes(
        modes=int((counts > 0).sum()),
        of=len(means),
        strict_modes=int((counts >= max(ceil(TENTH * len(rows) / len(means)), 1)).sum()),
        high_quality=share,
        off_mode=1 - share,
        kl=_divergence(counts),
        kl_floor=_floor(counts),
        strict_kl=None,
        strict_kl_floor=None,
        ceiling=_within(NEAR, rows.shape[1]),
        width=_width((rows.double() - means[places].double()) / deviation, places, len(means)),
    )


def cell_modes(cells: Any, of: int, confident: Any | None = None) -> Modes:
    """Cells that samples fall into: for stacked digits, the 1,000 triples of classes that a classifier sees in the three channels.

    cells: (N,) whole numbers from 0 to of - 1. confident: (N,) which samples the classifier is sure of; all, if it is not given.
    Protocol of Lin et al. 2018 (section 4.2): every sample counts, however unsure the classifier is; the strict figures count confident
    samples alone, which can change everything. Raises DataError for cells outside the range and for another number of confidences.

    >>> found = cell_modes(torch.tensor([0, 0, 1, 2]), of=4, confident=torch.tensor([True, True, True, False]))
    >>> found.modes, found.strict_modes, found.high_quality
    (3, 2, 0.75)
    """
    places = torch.as_tensor(cells)
    sure = torch.ones(places.shape, dtype=torch.bool) if confident is None else torch.as_tensor(confident).bool()
    if places.ndim != 1 or not len(places) or places.is_floating_point() or int(places.min()) < 0 or int(places.max()) >= of:
        raise DataError(
            f"cells of shape {tuple(places.shape)} are not places among {of}", f"Give (N,) whole numbers from 0 to {of - 1}, at least one"
        )
    if sure.shape != places.shape:
        raise DataError(f"{len(places)} cells have {sure.numel()} confidences", "Give one for each sample")
    counts, strict = (kept.long().bincount(minlength=of) for kept in (places, places[sure]))
    share = float(sure.double().mean())
    return Modes(
        modes=int((counts > 0).sum()),
        of=of,
        strict_modes=int((strict > 0).sum()),
        high_quality=share,
        off_mode=1 - share,
        kl=_divergence(counts),
        kl_floor=_floor(counts),
        strict_kl=_divergence(strict),
        strict_kl_floor=_floor(strict),
        ceiling=None,
        width=None,
    )


def _divergence(counts: Tensor) -> float:
    """KL of a histogram (K,) from equal shares: log K minus its entropy."""
    most = log(len(counts))
    if not int(counts.sum()):
        return most
    shares = counts.double() / counts.sum()
    return min(max(most - float(torch.special.entr(shares).sum()), 0.0), most)


def _floor(counts: Tensor) -> float:
    """Mean KL of N draws from K equal shares: half of a chi-squared of K - 1 over N (Wilks 1938), and never above log K."""
    total = int(counts.sum())
    return min((len(counts) - 1) / (2 * total), log(len(counts))) if total else log(len(counts))


def _within(radius: float, dimensions: int) -> float:
    """Share of a standard Gaussian within a radius: in two dimensions 1 - exp(-radius^2 / 2)."""
    return float(torch.special.gammainc(torch.tensor(dimensions / 2, dtype=torch.float64), torch.tensor(radius**2 / 2).double()))


def _width(offsets: Tensor, places: Tensor, modes: int) -> float | None:
    """Mean width of the modes: offsets (N, D) of samples from their centres in deviations -> 1 for Gaussians of the true deviation.

    Along each axis the width is the median absolute deviation from the median, of samples within six deviations of the centre on every
    axis, so that neither samples between modes nor a shifted mode count as width. What the cut at six takes away is made good.
    """
    inside = offsets.abs().amax(1) < REACH
    widths = []
    for mode in range(modes):
        mine = offsets[inside & (places == mode)]
        if len(mine) >= _ENOUGH:
            spread = (mine - mine.quantile(0.5, dim=0)).abs().quantile(0.5, dim=0)
            few = len(mine) / (len(mine) - 0.8)  # of few samples it comes out small (Croux and Rousseeuw 1992)
            widths.append(spread * few)
    return float(_deviation(torch.stack(widths)).mean()) if widths else None


def _deviation(medians: Tensor) -> Tensor:
    """Standard deviations of Gaussians that, cut at REACH, have these median absolute deviations; REACH is the largest told.

    The share of what is kept that lies within m is erf(m / (s sqrt 2)) / erf(REACH / (s sqrt 2)); it falls as s grows, so that s is found
    by halving where it is one half.
    """
    low, high = torch.zeros_like(medians), torch.full_like(medians, REACH)
    for _ in range(50):
        middle = (low + high) / 2
        share = torch.erf(medians / (middle * sqrt(2))) / torch.erf(REACH / (middle * sqrt(2)))
        low, high = torch.where(share > _QUARTILE, middle, low), torch.where(share > _QUARTILE, high, middle)
    return torch.where(medians > 0, (low + high) / 2, 0.0)
