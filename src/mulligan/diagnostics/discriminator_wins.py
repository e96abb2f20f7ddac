"""D tells every sample from real ones, and G learns nothing any more."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.held_down import WEAKEN, freeing
from mulligan.diagnostics.seen import Line, Seen, below, limit_above, limit_below, number, told

RANKING = 0.98  # pairs that D ranks rightly; 0.5 where it can only guess. With penalties it ends near 0.94, without between 0.6 and 0.98
FAR = 0.25  # distance above that of real data: a G whose samples are near the data has not lost
LOST = 0.6  # so far off, a G that is stuck has lost against a D
SURE = 0.9  # that is right about so many pairs, too
STUCK = 0.9  # of the best distance of the first half: what G has to get below in the second, if it still learns
EARLY = 0.2  # of the horizon: before, a G may be slow to begin
LATE = 0.5  # of the horizon: from there on samples that are all off the data have lost, however near their distribution is
NONE = 0.1  # of the coverage and of the precision of real data
HARDLY = 0.1  # way of a fixed latent's sample between reports, in mean distances of two real samples: below, it stands still


def examine(seen: Seen) -> Finding | None:
    """D is right about all pairs, G's samples are far off or none of them is on the data, and they come no nearer."""
    if seen.snapshot or seen.recovering():
        return None
    line, ranking = seen.last, number(seen.last, "discriminator.ranking") or 0.0
    texts = [f"P(D(real) > D(generated)) {ranking:.4g} (limit {RANKING if ranking > RANKING else SURE:g}; 0.5 where nobody wins)"]
    since = seen.held(_saturated)
    if since is not None and _stuck(seen) and not _beginning(seen):
        limit = limit_above(line, "probe.distance", FAR if ranking > RANKING else LOST)
        texts.append(told(line, "probe.distance", "distance to the data", limit))
        texts.append(f"the best distance of the second half of the way is above {STUCK:g} times that of the first")
        signals: tuple[str, ...] = ("discriminator.ranking", "probe.distance")
    elif seen.progress >= LATE and (since := seen.held(_none_is_good)) is not None:
        signals = ("discriminator.ranking", "probe.coverage", "probe.precision")
        texts += [told(line, key, key.removeprefix("probe."), limit_below(line, key, NONE)) for key in signals[1:]]
    else:
        return None
    return Finding(
        "discriminator-wins",
        "; ".join(texts),
        since,
        *(freeing(seen) or WEAKEN),
        signals,
        ("discriminator.ranking", "discriminator.margin", "probe.distance"),
    )


def _none_is_good(line: Line) -> bool:
    ranking = number(line, "discriminator.ranking")
    return ranking is not None and ranking > RANKING and all(below(line, key, NONE) for key in ("probe.coverage", "probe.precision"))


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
