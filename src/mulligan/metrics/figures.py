"""The score card of a set of samples: every figure with its interval, beside its floor, with its protocol.

The floor of a figure is what as many real training samples score against the same held-out samples: a perfect generator scores about
its floor. Beside it stand two trivial samplers that nobody should be beaten by: a Gaussian fitted to the numbers of the training
samples, and training samples drawn again, which look perfect until it is asked whether they are copies.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Better = Literal["lower", "higher", "as the data"]
BASELINES = ("gaussian", "resampled")


@dataclass(frozen=True)
class Figure:
    """One figure of a set of samples. low, high: its 95 % interval, absent where it has none. floor: the same of real data.

    baselines: the same of the trivial samplers, by name.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)

    def calibrated(self, better: Better) -> float | None:
        """Where larger is better, the share of what real data reach, which is what a figure is compared by; otherwise None.

        >>> Figure(value=0.48, floor=0.96).calibrated("higher")
        0.5
        """
        return self.value / self.floor if better == "higher" and self.value is not None and self.floor else None


@dataclass(frozen=True)
class Protocol:
    """How figures were taken: without it they cannot be compared."""

    n: int  # samples on each side
    split: str  # which real data: `test`, or `halves of train` where there is no test split
    seed: int  # which rows, which directions, which resamples
    samples: str = ""  # where the samples came from, such as `0 to 1999 of seed 1`
    train: int = 0  # training samples among which copies were looked for; 0 where they were not
    directions: int = 256
    neighbours: int = 5
    resamples: int = 0
    features: Mapping[str, str] = field(default_factory=dict)  # feature network -> SHA-256 of its weights, empty for coordinates
    data: str = ""  # SHA-256 of the real samples: figures of other data cannot be compared

    def comparable(self) -> tuple[Any, ...]:
        """What two protocols must agree in for their figures to be compared."""
        return (
            self.n,
            self.split,
            self.seed,
            self.train,
            self.directions,
            self.neighbours,
            tuple(sorted(self.features.items())),
            self.data,
        )


@dataclass(frozen=True)
class ScoreCard:
    """All figures of a set of samples, in the order in which they are shown, and how they were taken.

    classes: shares of each class, of the samples and of the real data, as a classifier of the real data sees them; empty without one.

    >>> card = ScoreCard({"distance": Figure(0.03, floor=0.015)}, Protocol(n=2000, split="test", seed=0))
    >>> card["distance"].value
    0.03
    """

    figures: Mapping[str, Figure]
    protocol: Protocol
    classes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Figure:
        return self.figures[name]

    def __contains__(self, name: str) -> bool:
        return name in self.figures

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and words, ready for JSON; with each figure which way is better and its calibrated value."""
        card = asdict(self)
        for name, figure in self.figures.items():
            better = meaning(name).better
            card["figures"][name] |= {"better": better, "calibrated": figure.calibrated(better)}
        return card

    def lines(self, names: tuple[str, ...] = ()) -> list[str]:
        """One line for people on each figure, or on those named that are there."""
        shown = [name for name in self.figures if not names or name in names]
        return [f"{name:<{max(map(len, shown))}}  {self._line(name)}" for name in shown]

    def _line(self, name: str) -> str:
        figure, told = self.figures[name], meaning(name)
        interval = "" if figure.low is None or figure.high is None else f" ({number(figure.low)} to {number(figure.high)})"
        floor = "" if figure.floor is None else f", real data {number(figure.floor)}"
        way = told.better if told.better == "as the data" else f"{told.better} is better"
        return f"{number(figure.value)}{interval}{floor}; {way}: {told.words}"

    def headline(self) -> tuple[str, ...]:
        """The few figures to look at first: a distance of the numbers and of features, coverage, modes where they are known, copies."""
        fd = next((name for name in self.figures if name.startswith(("fd_", "fid"))), "")
        wanted = ("distance", fd, "precision", "coverage", "modes", "high_quality", "copies")
        return tuple(name for name in wanted if name in self.figures)

    def about(self) -> str:
        """The protocol in one line."""
        p = self.protocol
        used = ", ".join(f"{name} {digest[:8]}".strip() for name, digest in p.features.items())
        where = "" if not p.samples else f" (samples {p.samples})"
        return f"{p.n:,} samples{where} against {p.n:,} of {p.split}, features {used}, seed {p.seed}"


@dataclass(frozen=True)
class Meaning:
    """What a figure is, in one clause, which way is better, and under which heading it stands."""

    better: Better
    words: str
    group: str


GROUPS = ("distance", "fidelity and diversity", "classes", "modes", "moments", "memorisation")
_MEANINGS: dict[str, Meaning] = {
    "distance": Meaning("lower", "sliced Wasserstein distance of the numbers themselves", "distance"),
    "fid": Meaning("lower", "Fréchet inception distance", "distance"),
    "kid": Meaning("lower", "kernel inception distance, unbiased, so that it may be below 0", "distance"),
    "fd": Meaning("lower", "Fréchet distance", "distance"),
    "kd": Meaning("lower", "kernel distance, unbiased, so that it may be below 0", "distance"),
    "precision": Meaning("higher", "share of samples among the real ones", "fidelity and diversity"),
    "recall": Meaning("higher", "share of real samples among the samples", "fidelity and diversity"),
    "density": Meaning("higher", "how deep samples lie among the real ones", "fidelity and diversity"),
    "coverage": Meaning("higher", "share of real samples with a sample next to them", "fidelity and diversity"),
    "coverage_early": Meaning("higher", "the same in early features, which see collapse within a class", "fidelity and diversity"),
    "classifier_score": Meaning("higher", "sure of each sample, and of all classes (knows nothing of the data)", "classes"),
    "class_distance": Meaning("lower", "total variation between the shares of classes", "classes"),
    "modes": Meaning("higher", "modes with at least one sample", "modes"),
    "strict_modes": Meaning("higher", "modes with at least a tenth of their share", "modes"),
    "high_quality": Meaning("higher", "share of samples within 3 deviations of a mode (or that the classifier is sure of)", "modes"),
    "off_mode": Meaning("lower", "share of samples that belong to no mode", "modes"),
    "kl": Meaning("lower", "KL divergence of the shares of modes from equal shares; beside it what chance alone gives", "modes"),
    "width": Meaning("as the data", "width within modes, as a share of the true one; 0 for a point", "modes"),
    "mean": Meaning("as the data", "mean of all numbers", "moments"),
    "deviation": Meaning("as the data", "standard deviation of all numbers", "moments"),
    "sharpness": Meaning("as the data", "mean difference of neighbouring pixels; low for blurred images", "moments"),
    "nearest_ratio": Meaning(
        "as the data", "distance to the nearest training sample over that to the nearest held-out one", "memorisation"
    ),
    "authenticity": Meaning(
        "as the data", "share of samples that are no closer to a training sample than others of those are", "memorisation"
    ),
    "copies": Meaning("lower", "share of samples closer to a training sample than 99 % of held-out ones", "memorisation"),
    "duplicates": Meaning("lower", "share of samples closer to another sample than 99 % of real ones are to each other", "memorisation"),
}


def meaning(name: str) -> Meaning:
    """What a figure of that name is; `fd_digits_early` is `fd` in the early features of `digits`.

    >>> meaning("fd_digits_early").words
    'Fréchet distance in early features of digits'
    """
    if name in _MEANINGS:
        return _MEANINGS[name]
    stem, _, features = name.partition("_")
    told = _MEANINGS[stem]
    network, _, early = features.partition("_")
    where = "of the coordinates" if network == "coordinates" else f"in {'early ' if early else ''}features of {network}"
    return Meaning(told.better, f"{told.words} {where}", told.group)


def grouped(card: ScoreCard) -> Iterator[tuple[str, list[str]]]:
    """Headings with the names of their figures, in the order of GROUPS."""
    for group in GROUPS:
        names = [name for name in card.figures if meaning(name).group == group]
        if names:
            yield group, names


def number(value: float | None) -> str:
    """A figure for people: four significant digits.

    >>> number(0.123456), number(12345.6), number(None)
    ('0.1235', '12,346', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def read_card(value: Any) -> Any:
    """A score card from what `as_dict` gave, as it comes back from JSON; a card, or None, as it is. Raises ValueError for anything else.

    Cards of version 0.1 held two figures beside their protocol, and are read too.
    """
    if value is None or isinstance(value, ScoreCard):
        return value
    try:
        if "figures" not in value:
            value = {"figures": {name: value[name] for name in ("distance", "fd_random")}, "protocol": _protocol_of_old(value["protocol"])}
        figures = {str(name): _read_figure(facts) for name, facts in value["figures"].items()}
        for name in figures:
            meaning(name)
        known = {entry.name for entry in fields(Protocol)}
        protocol = Protocol(**{str(key): fact for key, fact in value["protocol"].items() if key in known})
        classes = {str(name): tuple(float(share) for share in shares) for name, shares in value.get("classes", {}).items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no score card ({type(error).__name__}: {error})") from None
    return ScoreCard(figures, protocol, classes)


def _read_figure(facts: Mapping[str, Any]) -> Figure:
    numbers = {key: None if facts.get(key) is None else float(facts[key]) for key in ("value", "low", "high", "floor")}
    return Figure(**numbers, baselines={str(name): float(value) for name, value in facts.get("baselines", {}).items()})


def _protocol_of_old(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, "features": {"random" if facts.get("feature_hash") else "coordinates": facts.get("feature_hash", "")}}
