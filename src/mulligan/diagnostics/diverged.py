"""Numbers that leave all bounds: not finite, or scores, weights or samples that run away."""

from collections.abc import Callable

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, number

LOGIT = 1e3  # mean size of D's scores: bounded losses stay below 50, and critics that a penalty holds below 500
LOSS = 1e4
GROWTH = 10.0  # times a player's first weights: rates of 0.01 make it 7 in a run that learns, those of the recipes below 3
FAR = 1.2  # distance, in units of what the mean of the data scores: further off than saying nothing
RELAPSE = 2.0  # times the best distance so far
# A run that had learnt, and has lost it, beside its own best:
LEARNT = 0.6  # of the first distance
LOST = 1.5  # times the best distance
WORSE = {"probe.coverage": 0.6, "probe.precision": 0.8}  # of the best, either
SPREAD = 0.7  # of the data's mean distance of two samples: below, it is collapse


def examine(seen: Seen) -> Finding | None:
    """A number that is not finite, at once; otherwise two signals that have held for a while."""
    broken = _broken(seen)
    if broken:
        return _finding(f"{broken[0]} is not finite (limit: any finite number)", int(seen.last.get("step") or 0), tuple(broken))
    if not seen.warm or seen.snapshot:
        return None
    found = [(key, text, since) for key, text, test in _signals(seen) if (since := seen.held(test)) is not None]
    if len({key.rpartition(".")[2] for key, _, _ in found}) < 2:
        return _relapse(seen)
    return _finding("; ".join(text for _, text, _ in found), min(since for _, _, since in found), tuple(key for key, _, _ in found))


def _broken(seen: Seen) -> list[str]:
    last = seen.last
    finite = number(last, "probe.finite")
    share = [] if finite is None or finite == 1.0 else ["probe.finite"]
    return share + [key for key in last if ("loss" in key or key in ("distance", "sample.mean", "sample.std")) and last[key] is None]


def _relapse(seen: Seen) -> Finding | None:
    first, best = number(seen.lines[0], "probe.distance"), seen.usual_best("probe.distance")
    if first is None or best is None or best > LEARNT * first or seen.recovering():
        return None
    limit = max(LOST * best, best + 6 * (number(seen.last, "probe.distance.noise") or 0.0))
    bests = {key: seen.usual_best(key, largest=True) or 0.0 for key in WORSE}

    def has_lost(line: Line) -> bool:
        diversity, distance = number(line, "probe.diversity"), number(line, "probe.distance")
        if distance is None or diversity is None or diversity < SPREAD or distance <= limit:
            return False
        return any((number(line, key) or 0.0) < share * bests[key] for key, share in WORSE.items())

    since = seen.held(has_lost)
    if since is None:
        return None
    fallen = [key for key, share in WORSE.items() if (number(seen.last, key) or 0.0) < share * bests[key]]
    texts = [
        f"{key.removeprefix('probe.')} {number(seen.last, key):.3g} (limit {WORSE[key] * bests[key]:.3g}, its best {bests[key]:.3g})"
        for key in fallen
    ]
    told = f"distance to the data {number(seen.last, 'probe.distance'):.3g} (limit {limit:.3g}, its best {best:.3g})"
    return _finding("; ".join([told, *texts]), since, ("probe.distance", *fallen))


def _signals(seen: Seen) -> list[tuple[str, str, Callable[[Line], bool]]]:
    last, signals = seen.last, list[tuple[str, str, Callable[[Line], bool]]]()
    for key in sorted(last):
        value = number(last, key)
        if value is None:
            continue
        if key == "discriminator.logit":
            signals.append((key, f"mean size of D's scores {value:.3g} (limit {LOGIT:g})", _over(key, LOGIT)))
        elif ".loss" in key:
            signals.append((f"{key}.loss", f"{key} {value:.3g} (limit {LOSS:g})", _over(key, LOSS)))
        elif key.endswith(".norm") and (start := _start(seen, key)):
            text = f"norm of the {key.removesuffix('.norm')}'s weights {value:.3g} (limit {GROWTH * start:.3g}, {GROWTH:g} times its first)"
            signals.append((key, text, _over(key, GROWTH * start)))
        elif key == "probe.distance":
            limit = max(FAR, RELAPSE * (seen.best(key) or 0.0))
            signals.append((key, f"distance to the data {value:.3g} (limit {limit:.3g})", _over(key, limit)))
    return signals


def _start(seen: Seen, key: str) -> float | None:
    values = [value for line in seen.lines if (value := number(line, key)) is not None]
    return values[0] if values else None


def _over(key: str, limit: float) -> Callable[[Line], bool]:
    def test(line: Line) -> bool:
        value = number(line, key)
        return value is None or abs(value) > limit

    return test


def _finding(evidence: str, since: int, signals: tuple[str, ...]) -> Finding:
    return Finding(
        "diverged",
        evidence,
        since,
        "Go back to the last good checkpoint with half the learning rate and three times the penalty (or add both zero-centred ones)",
        {"rate": 0.5, "penalty": 3.0},
        signals,
        ("generator.norm", "discriminator.norm"),
    )
