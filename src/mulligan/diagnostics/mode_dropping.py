"""Samples that are good and leave out parts of the data."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, above, below, limit_above, limit_below, number, told

MISSING = 0.15  # share of the data in clusters that get less than a quarter of their samples; of real samples it is below 0.01
FINE = 0.3  # the same for data of few numbers, whose clusters are smaller than their modes
GOOD = 0.6  # of the precision of real data: where samples themselves are poor, what is missing means nothing
OFF = 2.5  # what samples leave off the data's components, above what data leave: grey blobs lie in every ball, and off the components
DIVERSITY = 0.6  # of the data's mean distance of two samples: below, there are hardly any modes to drop
COVERAGE = 0.8  # of what real data cover
RANK = 0.8  # of the data's effective number of directions
RISING = ("missing", "distance")  # signals that are worse the larger they are
WHAT = {
    "missing": "share of the data in clusters that are hardly visited",
    "coverage": "coverage",
    "rank": "effective number of directions",
    "distance": "distance to the data",
    "precision": "precision",
}
# Beside the run's own best, which shows a loss that is small beside what a generator never reaches; all four together:
FARTHER = 1.15  # times the best distance
LESS = 0.85  # of the best coverage
MORE = 0.06  # share of the data in clusters that are hardly visited, above the best
STILL = 0.85  # of the best precision: samples are as good as they were


def examine(seen: Seen) -> Finding | None:
    """Parts of the data are missing, or have gone, at every one of the last reports, and do not come back."""
    if seen.recovering("probe.missing", _missing(seen.last)) or (seen.recovering() and not _fewer(seen)):
        return None
    since, limits = seen.held(_drops), {"missing": limit_above(seen.last, "probe.missing", _missing(seen.last))}
    limits |= {key: limit_below(seen.last, f"probe.{key}", share) for key, share in (("coverage", COVERAGE), ("rank", RANK))}
    if since is None:
        own = _limits_of_its_own(seen)
        since = None if own is None else seen.held(lambda line: _has_lost(line, own))
        if own is None or since is None:
            return None
        limits = own
    return Finding(
        "mode-dropping",
        "; ".join(told(seen.last, f"probe.{key}", WHAT[key], limit) for key, limit in limits.items() if _is_beyond(seen.last, key, limit)),
        None if seen.snapshot else since,
        "Let D see samples in pairs (packing 2), or take the pairing loss with both zero-centred penalties",
        {"packing": 2.0, "penalty": 2.0},
        tuple(f"probe.{key}" for key, limit in limits.items() if _is_beyond(seen.last, key, limit)),
        ("probe.missing", "probe.coverage"),
    )


def _is_beyond(line: Line, key: str, limit: float) -> bool:
    value = number(line, f"probe.{key}")
    return value is not None and (value > limit if key in RISING else value < limit)


def _fewer(seen: Seen) -> bool:
    """Whether more is missing than at the run's best: then samples that come nearer do not bring it back."""
    best, now = seen.usual_best("probe.missing"), seen.mean("probe.missing")
    return best is not None and now is not None and now > best + MORE


def _missing(line: Line) -> float:
    return FINE if number(line, "probe.off") is None else MISSING  # without `off` the components leave nothing of the data


def _drops(line: Line) -> bool:
    precision, floor = number(line, "probe.precision"), number(line, "probe.precision.floor")
    diversity, off = number(line, "probe.diversity"), number(line, "probe.off")
    if precision is None or floor is None or diversity is None or precision < GOOD * floor:
        return False
    if diversity < DIVERSITY or (off is not None and off > limit_above(line, "probe.off", OFF)):
        return False
    return above(line, "probe.missing", _missing(line)) and (below(line, "probe.coverage", COVERAGE) or below(line, "probe.rank", RANK))


def _limits_of_its_own(seen: Seen) -> dict[str, float] | None:
    """Limits beside the best of the run itself."""
    distance, missing = seen.usual_best("probe.distance"), seen.usual_best("probe.missing")
    coverage, precision = seen.usual_best("probe.coverage", largest=True), seen.usual_best("probe.precision", largest=True)
    if seen.snapshot or distance is None or missing is None or coverage is None or precision is None:
        return None
    noise = number(seen.last, "probe.distance.noise") or 0.0
    farther = max(FARTHER * distance, distance + 3 * noise)
    return {"missing": missing + MORE, "coverage": LESS * coverage, "distance": farther, "precision": STILL * precision}


def _has_lost(line: Line, limits: dict[str, float]) -> bool:
    gone = all(_is_beyond(line, key, limits[key]) for key in ("missing", "coverage", "distance"))
    return gone and not _is_beyond(line, "precision", limits["precision"])
