"""Samples that repeat training samples."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, below, limit_above, number, told

COPIES = 0.15  # share of samples above that of real ones that lie on a training sample; real ones: below 0.01
ALONE = 0.5  # so many copies need no second signal
DIVERSITY = 0.1  # of the data's mean distance of two samples: one sample again and again has collapsed, wherever it lies
NEARER = 0.62  # share of samples nearer to the training data than to as many held-out ones; 0.5 for fresh samples


def examine(seen: Seen) -> Finding | None:
    """Copies at every one of the last reports, and samples nearer to training samples than to held-out ones where there are some."""
    since = seen.held(_copies)
    if since is None:
        return None
    line = seen.last
    texts = [told(line, "probe.copies", "share of samples that repeat a training sample", limit_above(line, "probe.copies", COPIES))]
    signals = ["probe.copies"]
    nearer = number(line, "probe.nearer")
    if nearer is not None and nearer > NEARER:
        texts.append(told(line, "probe.nearer", "share of samples nearer to training than to held-out data", NEARER))
        signals.append("probe.nearer")
    return Finding(
        "memorising",
        "; ".join(texts),
        None if seen.snapshot else since,
        "Get more data, let D see augmented samples, make both networks smaller, or stop earlier; look at the pairs before you publish",
        {"augmentation": "add", "generator.width": 0.5, "discriminator.width": 0.5},
        tuple(signals),
        ("probe.copies", "probe.nearer"),
    )


def _copies(line: Line) -> bool:
    if below(line, "probe.diversity", DIVERSITY):
        return False
    copies, floor, nearer = number(line, "probe.copies"), number(line, "probe.copies.floor"), number(line, "probe.nearer")
    if copies is None or floor is None or copies <= limit_above(line, "probe.copies", COPIES):
        return False
    return copies > ALONE or (nearer is not None and nearer > NEARER)
