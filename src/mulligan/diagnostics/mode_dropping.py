"""Samples that are good and leave out parts of the data."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, above, below, limit_above, limit_below, number, told

MISSING = 0.15  # share of the data in clusters that get less than a quarter of their samples; of real samples it is below 0.01
GOOD = 0.6  # of the precision of real data: where samples themselves are poor, what is missing means nothing
OFF = 2.5  # what samples leave off the data's components, above what data leave: grey blobs lie in every ball, and off the components
DIVERSITY = 0.6  # of the data's mean distance of two samples: below, there are hardly any modes to drop
COVERAGE = 0.8  # of what real data cover
RANK = 0.8  # of the data's effective number of directions


def examine(seen: Seen) -> Finding | None:
    """Whole clusters of the data are missing, at every one of the last reports, and do not come back; and coverage or rank agree."""
    since = seen.held(_drops)
    if since is None or seen.improving("probe.missing") or seen.improving("probe.distance"):
        return None
    line = seen.last
    texts = [
        told(line, "probe.missing", "share of the data in clusters that are hardly visited", limit_above(line, "probe.missing", MISSING))
    ]
    signals = ["probe.missing"]
    for key, what, share in (("probe.coverage", "coverage", COVERAGE), ("probe.rank", "effective number of directions", RANK)):
        if below(line, key, share):
            texts.append(told(line, key, what, limit_below(line, key, share)))
            signals.append(key)
    return Finding(
        "mode-dropping",
        "; ".join(texts),
        None if seen.snapshot else since,
        "Let D see samples in pairs (packing 2), or take the pairing loss with both zero-centred penalties",
        {"packing": 2.0, "penalty": 2.0},
        tuple(signals),
        ("probe.missing", "probe.coverage"),
    )


def _drops(line: Line) -> bool:
    precision, floor = number(line, "probe.precision"), number(line, "probe.precision.floor")
    diversity, off = number(line, "probe.diversity"), number(line, "probe.off")
    if precision is None or floor is None or diversity is None or precision < GOOD * floor:
        return False
    if diversity < DIVERSITY or (off is not None and off > limit_above(line, "probe.off", OFF)):
        return False
    return above(line, "probe.missing", MISSING) and (below(line, "probe.coverage", COVERAGE) or below(line, "probe.rank", RANK))
