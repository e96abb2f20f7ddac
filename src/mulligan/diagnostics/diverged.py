"""Numbers that leave all bounds: not finite, or scores, weights or samples that run away."""

from collections.abc import Callable

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.seen import Line, Seen, number

LOGIT = 1e3  # mean size of D's scores: bounded losses stay below 50, and critics that a penalty holds below 500
LOSS = 1e4
GROWTH = 10.0  # times a player's first weights: rates of 0.01 make it 7 in a run that learns, those of the recipes below 3
FAR = 1.2  # distance, in units of what the mean of the data scores: further off than saying nothing
RELAPSE = 2.0  # times the best distance so far


def examine(seen: Seen) -> Finding | None:
    """A number that is not finite, at once; otherwise two signals that have held for a while."""
    broken = _broken(seen)
    if broken:
        return _finding(f"{broken[0]} is not finite (limit: any finite number)", int(seen.last.get("step") or 0), tuple(broken))
    if not seen.warm or seen.snapshot:
        return None
    found = [(key, text, since) for key, text, test in _signals(seen) if (since := seen.held(test)) is not None]
    if len({key.rpartition(".")[2] for key, _, _ in found}) < 2:
        return None
    return _finding("; ".join(text for _, text, _ in found), min(since for _, _, since in found), tuple(key for key, _, _ in found))


def _broken(seen: Seen) -> list[str]:
    last = seen.last
    finite = number(last, "probe.finite")
    share = [] if finite is None or finite == 1.0 else ["probe.finite"]
    return share + [key for key in last if ("loss" in key or key in ("distance", "sample.mean", "sample.std")) and last[key] is None]


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
