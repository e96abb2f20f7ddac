"""The data themselves: too few, blank, repeated, without structure, or not those that are held out."""

from mulligan.diagnostics.finding import Finding
from mulligan.diagnostics.probe import FEWEST
from mulligan.diagnostics.seen import Seen, limit_above, number

BLANK = 0.05  # share of samples that are one number throughout; of 70,000 digits and pieces of clothing there is none
REPEATED = 0.2  # share of samples that stand there twice; built-in sets have below 0.01
ROUGH = 0.1  # share of images whose neighbouring pixels have no more to do with each other than distant ones
DRIFT = 0.15  # of the distance that the mean of the data has, above what halves of the training data have


def examine(seen: Seen) -> Finding | None:
    """What the figures `data.*`, taken once, say."""
    line = seen.last
    told, signals = [], []
    for key, limit, what in (
        ("data.blank", BLANK, "share of samples that are blank"),
        ("data.repeated", REPEATED, "share of samples that occur more than once"),
        ("data.rough", ROUGH, "share of images that look like noise"),
    ):
        value = number(line, key)
        if value is not None and value > limit:
            told.append(f"{what} {value:.3g} (limit {limit:g})")
            signals.append(key)
    count, drift = number(line, "data.count"), number(line, "data.drift")
    if count is not None and count < FEWEST:
        told.append(f"{count:.0f} training samples (limit {FEWEST})")
        signals.append("data.count")
    limit = limit_above(line, "data.drift", DRIFT, 10.0)
    if drift is not None and drift > limit:
        told.append(f"distance of the held-out data to the training data {drift:.3g} (limit {limit:.3g})")
        signals.append("data.drift")
    if not told:
        return None
    return Finding(
        "bad-data",
        "; ".join(told),
        int(number(seen.lines[0], "step") or 0),
        "Look at samples/real.png, take out what is blank, repeated or foreign, and train again; more training does not mend data",
        {},
        tuple(signals),
    )
