"""Samples that are all alike, whatever the latent."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.held_down import BLIND, RIGHT, WEAKEN, Remedy, freeing
from mulligan.diagnostics.seen import Line, Seen, above, below, limit_above, limit_below, number, told

DIVERSITY = 0.7  # of the data's mean distance between two samples
RANK = 0.35  # of the data's effective number of directions; published recipes of 2014 end between 0.5 and 0.95
COVERAGE = 0.25  # of what real data cover; the poorest finished recipe covers 0.43
ALIKE = 0.5  # share of samples, above that of real ones, that have a nearer twin than 99 % of real samples have
AGREE = 2  # signals, of these four
BEGINNING = 0.8  # of the first distance: a G that never came nearer, against a D that is
REMEDY: Remedy = (
    "Go back to a checkpoint before, let D see samples in pairs (packing 2), triple the penalty, and lower the learning rate",
    {"packing": 2.0, "penalty": 3.0, "rate": 0.5},
)


def examine(seen: Seen) -> Finding | None:
    """Two of four signals at every one of the last reports, in a run that does not get better."""
    since = seen.held(lambda line: len(_signals(line)) >= AGREE)
    if since is None or seen.recovering() or _never_learnt(seen):
        return None
    signals = _signals(seen.last)
    limits = {
        "probe.diversity": ("diversity", DIVERSITY),
        "probe.rank": ("effective number of directions", RANK),
        "probe.coverage": ("coverage", COVERAGE),
    }
    texts = [told(seen.last, key, what, limit_below(seen.last, key, share)) for key, (what, share) in limits.items() if key in signals]
    if "probe.alike" in signals:
        texts.append(told(seen.last, "probe.alike", "share of samples with a twin", limit_above(seen.last, "probe.alike", ALIKE)))
    return Finding(
        "mode-collapse",
        "; ".join(texts),
        None if seen.snapshot else since,
        *_remedy(seen),
        signals,
        ("probe.diversity", "probe.rank", "probe.coverage"),
    )


def _remedy(seen: Seen) -> Remedy:
    """Where G has never been diverse and D is right about it, G has not fallen but never got up, and slower it would be slower yet."""
    fallen = any(not below(line, "probe.diversity", DIVERSITY) for line in seen.later)
    right = (seen.mean("discriminator.ranking") or 0.0) > RIGHT
    return freeing(seen) or (WEAKEN if right and not fallen else REMEDY)


def _signals(line: Line) -> tuple[str, ...]:
    shares = {"probe.diversity": DIVERSITY, "probe.rank": RANK, "probe.coverage": COVERAGE}
    found = [key for key, share in shares.items() if below(line, key, share)]
    if above(line, "probe.alike", ALIKE):
        found.append("probe.alike")
    return tuple(found)


def _never_learnt(seen: Seen) -> bool:
    """Whether G is still where it began: its first samples are all alike too, and D's victory is the better name."""
    first, best, ranking = number(seen.lines[0], "probe.distance"), seen.best("probe.distance"), seen.mean("discriminator.ranking")
    if seen.snapshot or first is None or best is None or ranking is None:
        return False
    return best > BEGINNING * first and (ranking > RIGHT or ranking < BLIND)
