"""Figures with 95 % intervals, from resampling the samples that they were taken of (Efron 1979, Annals of Statistics 7).

An interval tells how far a figure moves when as many other samples are drawn from the same source. It knows nothing of other
training runs: those differ by more.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mulligan.randomness import torch_generator

RESAMPLES = 200
_TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


def of_mean(values: Tensor, seed: int = 0) -> Estimate:
    """The mean of one value per sample (N,), with its percentile interval.

    Equal values have an interval without width, whatever their number: a share of 0 among N samples still allows for about 3 / N.

    >>> of_mean(torch.ones(10))
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    given = values.double()
    means = torch.cat([given[draws].mean(1) for draws in _draws(len(given), seed, "mean")])
    return of_percentiles(float(given.mean()), means)


def of_statistic(statistic: Callable[[Tensor], Tensor], n: int, seed: int = 0) -> Estimate:
    """A figure of N samples, with its percentile interval.

    statistic: from places of samples (R, N), one resample in a row, to R figures.

    >>> values = torch.arange(101.0)
    >>> of_statistic(lambda places: values[places].median(1).values, len(values)).value
    50.0
    """
    value = float(statistic(torch.arange(n)[None]).double())
    return of_percentiles(value, torch.cat([statistic(draws).double() for draws in _draws(n, seed, "statistic")]))


def of_percentiles(value: float, resampled: Tensor) -> Estimate:
    """A figure and what it was in each resample (R,): the percentile interval, for figures that resampling does not shift."""
    low, high = _quantiles(resampled)
    return Estimate(value, low, high)


def of_deviations(value: float, resampled: Tensor, least: float = 0.0) -> Estimate:
    """A figure that is biased upwards, and what it was in each resample (R,): the reverse percentile interval, never below `least`.

    A resample repeats samples, so a distance between two of them is larger than the distance that was measured: the percentile
    interval can lie above the figure itself. How far resamples stray to either side of their own mean is not shifted, and is laid
    round the figure the other way round (the reverse percentile or basic interval; Davison and Hinkley 1997, section 5.2). The
    interval is meant for the mean of the figure over draws of the same sizes, bias included, because that is what its floor has too.
    Between two sets of one distribution, where such a distance is nothing but noise, the interval is wider than it need be.
    """
    low, high = _quantiles(resampled - resampled.mean())
    return Estimate(value, max(value - high, least), max(value - low, least))


def resample_counts(n: int, seed: int, stream: str) -> Tensor:
    """How often each of n samples occurs in each resample: (RESAMPLES, n) int64, rows sum to n."""
    counts = torch.zeros(RESAMPLES, n, dtype=torch.int64)
    places = torch.randint(n, (RESAMPLES, n), generator=torch_generator(seed, f"estimates/{stream}"))
    return counts.scatter_add_(1, places, torch.ones_like(places))


def _draws(n: int, seed: int, stream: str) -> Iterator[Tensor]:
    """Places of the samples of all resamples, a few resamples at once: (R, n) each."""
    places = torch.randint(n, (RESAMPLES, n), generator=torch_generator(seed, f"estimates/{stream}"))
    return (places[start : start + 20] for start in range(0, RESAMPLES, 20))


def _quantiles(resampled: Tensor) -> tuple[float, float]:
    low, high = resampled.double().quantile(torch.tensor(_TAILS, dtype=torch.float64)).tolist()
    return low, high
