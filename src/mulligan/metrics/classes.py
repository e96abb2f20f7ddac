"""What a classifier sees in samples: the classifier score, and which classes are made how often.

The score is the Inception Score (Salimans et al. 2016, Improved Techniques for Training GANs, arXiv 1606.03498, section 4) of any
classifier: exp of the mean Kullback-Leibler divergence of the classes seen in one sample from the classes seen in all. It never looks
at real data and does not see collapse within a class, so it stands beside the score of real data.
"""

from typing import Any

import torch
from torch import Tensor

from mulligan.errors import DataError
from mulligan.metrics.distances import flat
from mulligan.metrics.estimates import Estimate, of_deviations, resample_counts


def classifier_score(logits: Any, seed: int = 0) -> Estimate:
    """Inception Score with any classifier, of all samples at once (no splits), with a 95 % interval; from 1 to C.

    logits: (N, C). exp(entropy of the mean probabilities - mean of the entropies). Raises DataError as `flat` does.

    >>> round(classifier_score(100 * torch.eye(4)).value, 4)
    4.0
    """
    probabilities = flat(logits).double().softmax(1)
    entropies = torch.special.entr(probabilities).sum(1)
    weights = resample_counts(len(probabilities), seed, "classes").double() / len(probabilities)
    value = (torch.special.entr(probabilities.mean(0)).sum() - entropies.mean()).exp()
    resampled = (torch.special.entr(weights @ probabilities).sum(1) - weights @ entropies).exp()
    found = of_deviations(float(value.clamp(min=1)), resampled, least=1.0)
    return Estimate(found.value, found.low, min(found.high, float(probabilities.shape[1])))


def histogram(logits: Any) -> Tensor:
    """Share of samples (N, C) whose largest logit is each class: (C,) float64.

    >>> histogram(torch.tensor([[3.0, 1.0], [2.0, 0.0], [0.0, 1.0], [5.0, 1.0]])).tolist()
    [0.75, 0.25]
    """
    scores = flat(logits)
    return scores.argmax(1).bincount(minlength=scores.shape[1]).double() / len(scores)


def histogram_distance(p: Tensor, q: Tensor) -> float:
    """Total variation of two histograms (C,): the share of samples that would have to change class; 0 to 1.

    Raises DataError for histograms of different lengths.

    >>> histogram_distance(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.5, 0.25, 0.25]))
    0.25
    """
    if p.shape != q.shape or p.ndim != 1:
        raise DataError(f"histograms of shapes {tuple(p.shape)} and {tuple(q.shape)} cannot be compared", "Give shares of the same classes")
    return float((p.double() - q.double()).abs().sum() / 2)
