"""Which way D has to be changed: a G that learns nothing may have a D that is too strong for it, or one that is held down."""

from collections.abc import Mapping

from mulligan.diagnostics.seen import Line, Seen, number

BLIND = 0.6  # right about fewer pairs, D sees no difference
RIGHT = 0.9  # right about more, it sees all of it
MUTED = 0.1  # and yet its scores are smaller: finished runs have 0.3 to 2, a D without a penalty beside a slow G 20 to 150

Remedy = tuple[str, Mapping[str, float | str]]  # a sentence, and the same as a change
STRENGTHEN: Remedy = (
    "Give D a higher rate, two steps for each of G, or more width; and a third of the penalty",
    {"discriminator.rate": 3.0, "critic": 2.0, "penalty": 0.33},
)
LOOSEN: Remedy = ("Take a tenth of the penalty: D is right and may not say so", {"penalty": 0.1})
WEAKEN: Remedy = (
    "Triple the penalty on D (or add the two zero-centred ones), lower D's rate to a third, or let D see augmented samples",
    {"penalty": 3.0, "discriminator.rate": 0.33, "augmentation": "add"},
)


def freeing(seen: Seen) -> Remedy | None:
    """What to do about a D that is held down; None where it is not.

    Held down is a D that at none of the last reports can tell samples from real ones, although a rule found that they differ (one that
    sometimes can is no slow one: the rates are too high), and one that can and whose scores are next to nothing all the same, because a
    penalty forbids it a slope.

    >>> sentence, change = freeing(Seen([{"discriminator.ranking": 1.0, "discriminator.logit": 0.03}], snapshot=True))
    >>> change
    {'penalty': 0.1}
    """
    if seen.held(_blind) is not None:
        return STRENGTHEN
    return LOOSEN if seen.held(_muted) is not None else None


def _blind(line: Line) -> bool:
    ranking = number(line, "discriminator.ranking")
    return ranking is not None and ranking < BLIND


def _muted(line: Line) -> bool:
    ranking, size = number(line, "discriminator.ranking"), number(line, "discriminator.logit")
    return ranking is not None and size is not None and ranking > RIGHT and size < MUTED
