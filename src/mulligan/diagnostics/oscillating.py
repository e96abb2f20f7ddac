"""Players that chase each other in circles: what is made changes all the time, and does not get better."""

from itertools import pairwise
from statistics import fmean, median, pstdev

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Seen, limit_above, number

BEGUN = 0.25  # of the horizon: before it, moving about is learning
REPORTS = 5  # beyond half of the way
SWING = 0.3  # median change of the distance from one report to the next, as a share of the distance
TURNOVER = 0.35  # median share of samples that change cluster from one report to the next
RANKING = 0.15  # standard deviation of D's pair ranking over reports
MOVED = 0.8  # median way of a fixed latent's sample from one report to the next, in mean distances of two real samples
TURNED = -0.4  # mean cosine of a player's movement with its movement before; runs that learn without averages come to -0.3
FAR = 0.1  # distance above that of real data: a run that rests on the data may move there as it likes
AGREE = 2  # signals


def examine(seen: Seen) -> Finding | None:
    """Two signs of circling over the second half of the way, in a run that does not get better and is not at the data."""
    distances = seen.series("probe.distance", 0.5)
    if seen.snapshot or seen.progress < BEGUN or len(distances) < REPORTS or seen.recovering():
        return None
    if fmean(distances) < limit_above(seen.last, "probe.distance", FAR):
        return None
    found = _signals(seen, distances)
    if len(found) < AGREE:
        return None
    since = next(line for line in seen.later if (number(line, "progress") or 0.0) >= seen.progress / 2 or line is seen.last)
    return Finding(
        "oscillating",
        "; ".join(found.values()),
        int(since.get("step") or 0),
        "Halve the learning rates and let them fall to the end, take beta1 = 0, sample from a longer average, and triple the penalty",
        {"rate": 0.5, "ema": 2.0, "penalty": 3.0, "beta1": 0.0},
        tuple(found),
        ("probe.distance", "samples.turnover", "discriminator.ranking"),
    )


def _signals(seen: Seen, distances: list[float]) -> dict[str, str]:
    found = {}
    swing = median(abs(b - a) / max(a, b, 1e-12) for a, b in pairwise(distances))
    noise = number(seen.last, "probe.distance.noise") or 0.0
    limit = max(SWING, 6 * noise / max(fmean(distances), 1e-12))
    if swing > limit:
        found["probe.distance"] = f"the distance changes by {swing:.3g} of itself from report to report (limit {limit:.3g})"
    turnover = seen.series("samples.turnover", 0.5)
    if len(turnover) >= REPORTS and median(turnover) > TURNOVER:
        found["samples.turnover"] = f"{median(turnover):.3g} of the samples change cluster between reports (limit {TURNOVER:g})"
    moved = seen.series("samples.moved", 0.5)
    if len(moved) >= REPORTS and median(moved) > MOVED:
        found["samples.moved"] = f"samples of the same latents move by {median(moved):.3g} between reports (limit {MOVED:g})"
    ranking = seen.series("discriminator.ranking", 0.5)
    if len(ranking) >= REPORTS and pstdev(ranking) > RANKING:
        found["discriminator.ranking"] = f"D's pair ranking strays by {pstdev(ranking):.3g} (limit {RANKING:g})"
    for player in ("generator", "discriminator"):
        turned = seen.series(f"{player}.turned", 0.5)
        if len(turned) >= REPORTS and fmean(turned) < TURNED:
            text = f"the {player}'s weights move back where they came from: cosine {fmean(turned):.3g} (limit {TURNED:g})"
            found["turned"] = text  # one signal, whichever player: the one turns because the other does
    return found
