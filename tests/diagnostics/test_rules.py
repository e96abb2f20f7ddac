"""Each fault of a synthetic history has its name; a healthy one, and one that has hardly begun, have none."""

from collections.abc import Callable
from typing import Any

import pytest

from mulligan.diagnostics.diagnosis import GRAVITY, HEALTHY, diagnose, rules
from mulligan.diagnostics.finding import Diagnosis

History = Callable[..., list[dict[str, Any]]]
ALIKE = {"probe.diversity": 0.1, "probe.alike": 1.0, "probe.coverage": 0.05, "probe.rank": 0.1}


def late(value: float, before: float, since: float = 0.4) -> Callable[[float], float]:
    return lambda progress: value if progress >= since else before


def swinging(middle: float, by: float) -> Callable[[float], float]:
    return lambda progress: middle + by * (-1) ** round(20 * progress)


FAULTS: dict[str, list[dict[str, Any]]] = {
    "bad-data": [{"data.blank": 0.3}, {"data.repeated": 0.6}, {"data.rough": 0.4}, {"data.count": 3}, {"data.drift": 0.6}],
    "diverged": [
        {"generator.loss": late(None, 1.0, 1.0)},  # type: ignore[arg-type]
        {"probe.finite": late(0.5, 1.0, 1.0)},
        {"discriminator.logit": lambda progress: 1e5 * progress, "discriminator.norm": lambda progress: 20 + 1000 * progress},
        {"probe.distance": lambda progress: 1.1 if progress < 0.1 else late(0.5, 0.15)(progress), "probe.coverage": late(0.3, 0.8)},
    ],
    "mode-collapse": [
        {**ALIKE, "probe.distance": late(0.5, 1.2, 0.1), "discriminator.ranking": 1.0},
        {"probe.diversity": late(0.3, 0.9), "probe.rank": late(0.2, 0.8), "probe.distance": late(0.7, 0.2)},
    ],
    "mode-dropping": [
        {"probe.missing": late(0.3, 0.1), "probe.coverage": 0.6}, {"probe.missing": 0.4, "probe.rank": 0.5},
        {"probe.missing": late(0.1, 0.02), "probe.coverage": late(0.6, 0.8), "probe.distance": late(0.2, 0.12)},
    ],
    "discriminator-wins": [
        {**ALIKE, "probe.distance": 1.2, "discriminator.ranking": 1.0, "discriminator.heldout.ranking": 1.0},
        {"probe.distance": late(0.6, 0.5), "discriminator.ranking": 0.995},
        {"probe.coverage": 0.03, "probe.precision": 0.02, "discriminator.ranking": 0.995},
    ],
    "generator-wins": [{**ALIKE, "probe.distance": 1.2, "discriminator.ranking": 0.3, "discriminator.heldout.ranking": 0.3}],
    "oscillating": [
        {"probe.distance": swinging(0.5, 0.2), "samples.turnover": 0.8},
        {"probe.distance": swinging(0.5, 0.2), "discriminator.ranking": swinging(0.6, 0.3)},
    ],
    "overfitting-discriminator": [{"discriminator.heldout.auc": late(0.9, 0.55), "discriminator.heldout.ranking": late(0.7, 0.9)}],
    "memorising": [{"probe.copies": late(0.9, 0.0)}, {"probe.copies": 0.3, "probe.nearer": 0.8}],
    "warming-up": [{"probe.distance": lambda progress: 1.2 - 0.9 * progress}],
}  # fmt: skip


@pytest.mark.parametrize(("name", "changes"), [(name, changes) for name, cases in FAULTS.items() for changes in cases])
def test_fault_has_its_name(name: str, changes: dict[str, Any], history: History) -> None:
    found = diagnose(history(changes))
    assert found.verdict == name
    assert found.findings[0].evidence
    assert found.findings[0].remedy
    limits = found.findings[0].evidence.count("limit")
    assert limits >= 1 or name == "warming-up"


@pytest.mark.parametrize(("name", "changes"), [(name, changes) for name, cases in FAULTS.items() for changes in cases])
def test_what_would_be_acted_on_has_two_signals(name: str, changes: dict[str, Any], history: History) -> None:
    """A remedy that changes a training asks for two signals; numbers that are not finite, and copies, speak for themselves."""
    finding = diagnose(history(changes)).findings[0]
    alone = {"probe.finite", "generator.loss", "probe.copies"}
    assert not finding.change or len(set(finding.signals)) >= 2 or set(finding.signals) <= alone


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"bad-data", "diverged", "warming-up"}))
def test_nothing_is_found_before_training_has_warmed_up(name: str, history: History) -> None:
    found = diagnose([line for line in history(FAULTS[name][0], reports=200) if line["progress"] <= 0.055])
    assert found.verdict == "warming-up"


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"bad-data", "diverged", "warming-up", "oscillating"}))
def test_one_report_is_chance(name: str, history: History) -> None:
    lines = history()
    lines[-1] |= {key: value for key, value in history(FAULTS[name][0])[-1].items() if key not in ("step", "images", "progress")}
    assert diagnose(lines).verdict == HEALTHY


def test_healthy(history: History) -> None:
    assert diagnose(history()) == Diagnosis(HEALTHY, (), 2000)
    assert diagnose(history({"probe.distance": lambda progress: 0.2 - 0.1 * progress})).verdict == HEALTHY  # well, and still learning


def test_what_still_improves_is_not_called_ill(history: History) -> None:
    falling = {"probe.distance": lambda progress: 1.2 - 0.9 * progress}
    for name in ("mode-collapse", "discriminator-wins", "generator-wins"):
        assert diagnose(history({**FAULTS[name][0], **falling})).verdict == "warming-up", name
    missing = {"probe.missing": 0.3, "probe.coverage": 0.6}
    assert diagnose(history({**missing, **falling})).verdict == "warming-up"
    gone = {"probe.missing": late(0.3, 0.1), "probe.coverage": 0.6}  # samples that come nearer do not bring back what was there
    assert diagnose(history({**gone, **falling})).verdict == "mode-dropping"


def test_what_falls_too_slowly_to_arrive_is_called_ill(history: History) -> None:
    falling = {"probe.distance": lambda progress: 1.2 - 0.4 * progress}
    for name in ("mode-collapse", "mode-dropping"):
        assert diagnose(history({**FAULTS[name][0], **falling})).verdict == name


def test_samples_alone(history: History) -> None:
    """Of samples without a history, rules on samples speak and rules on the game are silent."""
    for name in ("mode-collapse", "mode-dropping", "memorising"):
        line = history(FAULTS[name][0])[-1]
        found = diagnose([line], snapshot=True)
        assert (found.verdict, found.findings[0].since_step) == (name, None)
    for name in ("generator-wins", "oscillating", "overfitting-discriminator"):
        assert name not in {finding.name for finding in diagnose([history(FAULTS[name][0])[-1]], snapshot=True).findings}


def test_since_when(history: History) -> None:
    assert diagnose(history({"probe.copies": late(0.9, 0.0, 0.4)})).findings[0].since_step == 800


def test_a_history_without_probes_says_so() -> None:
    lines = [{"step": step, "images": step, "distance": 0.5} for step in range(20)]
    found = diagnose(lines, horizon=20)
    assert "no probes" in found.notes[0]
    assert diagnose([]).verdict == HEALTHY


def test_every_rule_is_known() -> None:
    assert set(rules()) == set(FAULTS) == set(GRAVITY)


@pytest.mark.parametrize(
    ("opinion", "penalty"),
    [
        ({"discriminator.ranking": 1.0, "discriminator.logit": 40.0}, 3.0),
        ({"discriminator.ranking": 1.0, "discriminator.logit": 0.03}, 0.1),
        ({"discriminator.ranking": 0.2, "discriminator.heldout.ranking": 0.2, "discriminator.logit": 1.0}, 0.33),
        ({"discriminator.ranking": swinging(0.5, 0.4), "discriminator.logit": 1.0}, 3.0),
    ],
)
def test_remedy_of_a_collapse_depends_on_whether_d_is_too_strong_or_held_down(
    opinion: dict[str, Any], penalty: float, history: History
) -> None:
    found = diagnose(history({**ALIKE, "probe.distance": late(0.5, 1.2, 0.1), **opinion}))
    collapse = next(finding for finding in found.findings if finding.name == "mode-collapse")
    assert collapse.change["penalty"] == penalty


@pytest.mark.parametrize(("diversity", "slower"), [(late(0.1, 1.0, 0.5), True), (0.1, False)])
def test_a_g_that_has_fallen_is_slowed_and_one_that_never_got_up_is_not(diversity: Any, slower: bool, history: History) -> None:
    found = diagnose(history({**ALIKE, "probe.diversity": diversity, "probe.distance": late(0.5, 1.2, 0.1), "discriminator.ranking": 1.0}))
    collapse = next(finding for finding in found.findings if finding.name == "mode-collapse")
    assert ("rate" in collapse.change) == slower
