"""D cannot tell samples from real ones although they differ: it teaches G nothing."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.held_down import BLIND, STRENGTHEN
from mulligan.diagnostics.seen import Line, Seen, below, limit_above, limit_below, number, told

FAR = 0.3  # distance above that of real data
COVERAGE = 0.3  # of what real data cover


def examine(seen: Seen) -> Finding | None:
    """D only guesses, and samples are far from the data and cover little of them, at every one of the last reports."""
    since = seen.held(_blind)
    if since is None or seen.snapshot or seen.recovering():
        return None
    line = seen.last
    texts = [
        f"P(D(real) > D(generated)) {_ranking(line):.3g} (limit {BLIND:g}; 0.5 is guessing)",
        told(line, "probe.distance", "distance to the data", limit_above(line, "probe.distance", FAR)),
        told(line, "probe.coverage", "coverage", limit_below(line, "probe.coverage", COVERAGE)),
    ]
    return Finding(
        "generator-wins",
        "; ".join(texts),
        since,
        *STRENGTHEN,
        ("discriminator.ranking", "probe.distance", "probe.coverage"),
        ("discriminator.ranking", "probe.distance", "probe.coverage"),
    )


def _ranking(line: Line) -> float:
    known = [number(line, key) for key in ("discriminator.ranking", "discriminator.heldout.ranking")]
    return max((value for value in known if value is not None), default=1.0)


def _blind(line: Line) -> bool:
    distance = number(line, "probe.distance")
    far = distance is not None and distance > limit_above(line, "probe.distance", FAR)
    return _ranking(line) < BLIND and far and below(line, "probe.coverage", COVERAGE)
