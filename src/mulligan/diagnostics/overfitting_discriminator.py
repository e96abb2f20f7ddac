"""D knows its training samples by heart: it tells them from real samples that it has not seen."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, number

KNOWN = 0.65  # P(D(training sample) > D(held-out one)); 0.5 where D knows no single sample
LOST = 0.05  # of P(D(real) > D(generated)), from training samples to held-out ones
NOISES = 5.0  # standard deviations of the first figure that chance alone may have


def examine(seen: Seen) -> Finding | None:
    """Training samples score higher than held-out ones, and held-out ones are taken for generated ones more often."""
    since = seen.held(_by_heart)
    if since is None or seen.snapshot:
        return None
    line = seen.last
    auc, lost = number(line, "discriminator.heldout.auc"), _lost(line)
    return Finding(
        "overfitting-discriminator",
        f"P(D(training) > D(held-out)) {auc:.3g} (limit {_limit(line):.3g}; 0.5 for a D that has learnt nothing by heart); "
        f"D's pair ranking falls by {lost:.3g} on held-out samples (limit {LOST:g})",
        since,
        "Let D see augmented samples, get more data, triple the penalty, make D smaller, or stop at the best checkpoint",
        {"augmentation": "add", "penalty": 3.0, "discriminator.width": 0.5},
        ("discriminator.heldout.auc", "discriminator.heldout.ranking"),
        ("discriminator.heldout.auc", "discriminator.ranking", "discriminator.heldout.ranking"),
    )


def _by_heart(line: Line) -> bool:
    auc = number(line, "discriminator.heldout.auc")
    return auc is not None and auc > _limit(line) and _lost(line) > LOST


def _limit(line: Line) -> float:
    return max(KNOWN, 0.5 + NOISES * (number(line, "discriminator.heldout.noise") or 0.0))


def _lost(line: Line) -> float:
    known, held = number(line, "discriminator.ranking"), number(line, "discriminator.heldout.ranking")
    return 0.0 if known is None or held is None else known - held
