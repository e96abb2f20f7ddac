"""D tells every sample from real ones, and G learns nothing any more."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, limit_above, number, told

RANKING = 0.98  # pairs that D ranks rightly; 0.5 where it can only guess. With penalties it ends near 0.94, without between 0.6 and 0.98
FAR = 0.25  # distance above that of real data: a G whose samples are near the data has not lost
LOST = 0.6  # so far off, a G that is stuck has lost against a D
SURE = 0.9  # that is right about so many pairs, too
STUCK = 0.9  # of the best distance of the first half: what G has to get below in the second, if it still learns

EARLY = 0.2  # of the horizon: before, a G may be slow to begin
HARDLY = 0.1  # way of a fixed latent's sample between reports, in mean distances of two real samples: below, it stands still


def examine(seen: Seen) -> Finding | None:
    """D is right about all pairs, G's samples are far off, and the second half of the way brought them no nearer."""
    since = seen.held(_saturated)
    if since is None or seen.snapshot or not _stuck(seen) or _beginning(seen) or seen.recovering():
        return None
    line = seen.last
    ranking = number(line, "discriminator.ranking") or 0.0
    limits = (RANKING, FAR) if ranking > RANKING else (SURE, LOST)
    texts = [
        f"P(D(real) > D(generated)) {ranking:.4g} (limit {limits[0]:g}; 0.5 where nobody wins)",
        told(line, "probe.distance", "distance to the data", limit_above(line, "probe.distance", limits[1])),
        f"the best distance of the second half of the way is above {STUCK:g} times that of the first",
    ]
    return Finding(
        "discriminator-wins",
        "; ".join(texts),
        since,
        "Triple the penalty on D (or add the two zero-centred ones), lower D's rate to a third, or let D see augmented samples",
        {"penalty": 3.0, "discriminator.rate": 0.33, "augmentation": "add"},
        ("discriminator.ranking", "probe.distance"),
        ("discriminator.ranking", "discriminator.margin", "probe.distance"),
    )


def _saturated(line: Line) -> bool:
    ranking, distance = number(line, "discriminator.ranking"), number(line, "probe.distance")
    if ranking is None or distance is None:
        return False
    far, lost = (distance > limit_above(line, "probe.distance", limit) for limit in (FAR, LOST))
    return (ranking > RANKING and far) or (ranking > SURE and lost)


def _stuck(seen: Seen) -> bool:
    earlier = [
        value
        for line in seen.lines
        if (number(line, "progress") or 0.0) <= seen.progress / 2 and (value := number(line, "probe.distance")) is not None
    ]
    later = seen.series("probe.distance", 0.5)
    return bool(earlier and later) and min(later) > STUCK * min(earlier)


def _beginning(seen: Seen) -> bool:
    """Whether it is early and G is on its way: its samples move, and it is no further off than at the start."""
    first, moved, distance = number(seen.lines[0], "probe.distance"), seen.mean("samples.moved"), seen.mean("probe.distance")
    if seen.progress > EARLY or first is None or moved is None or distance is None:
        return False
    return moved > HARDLY and distance < first
