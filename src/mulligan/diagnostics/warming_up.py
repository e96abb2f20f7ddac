"""A training that has hardly begun, or that still learns and has a way to go."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import PROBES, WARM, Seen, limit_above, number, told

FAR = 0.15  # distance above that of real data: nearer, a run that still learns is simply well


def examine(seen: Seen) -> Finding | None:
    """Too early to say anything, or distances that still fall and are not at the data's."""
    first = int(seen.lines[0].get("step") or 0)
    remedy = "Let it train on"
    if not seen.warm:
        evidence = f"{len(seen.later)} reports beyond the first {WARM:.0%} of the training (limit {PROBES}); every training looks ill there"
        return Finding("warming-up", evidence, first, remedy)
    distance = number(seen.last, "probe.distance")
    limit = limit_above(seen.last, "probe.distance", FAR)
    if distance is None or distance <= limit or not seen.recovering():
        return None
    evidence = f"{told(seen.last, 'probe.distance', 'distance to the data', limit)}, and it still falls"
    return Finding("warming-up", evidence, first, remedy, {}, ("probe.distance",), ("probe.distance",))
