"""repair=on: a run that goes wrong is rolled back and changed, and the history says so; stop=auto ends a run that no longer improves."""

from pathlib import Path

import pytest
import torch

from mulligan.diagnostics.finding import Diagnosis, Finding
from mulligan.recipe import Recipe
from mulligan.resolve import resolve
from mulligan.runs import checkpoints, facts, history
from mulligan.runs.folder import Run
from mulligan.testing.pieces import left
from mulligan.training import repairing
from mulligan.training.budget import Budget
from mulligan.training.loop import Loop
from mulligan.training.observing import Observer
from mulligan.training.stopping import stopped_improving
from mulligan.verbs import Quiet, new_session, train

EAGER = ("machine.compile=off", "machine.device=cpu", "machine.precision=float32")
TINY = ("generator.network.widths=[8]", "discriminator.network.widths=[8]", "machine.threads=1", *EAGER)


def opened(*settings: str, data: str = "ring", recipe: str = "points"):
    return resolve(data, recipe, [*TINY, "batch=16", "horizon=640", "keeping.reports=12", *settings])


class Dropped(Loop):
    """A loop in which G ignores its latents from a step on, until the session has been repaired."""

    def _step(self) -> None:
        session = self.session
        if session.step >= 20 and not session.controls.repairs:
            player = session.state["generator"]
            next(iter(player.layout.views(player.parameters).values())).zero_()
        super()._step()


def test_a_collapse_is_rolled_back_and_mended(tmp_path: Path) -> None:
    recipe, dataset = opened("repair=on", "keeping.checkpoints=1")
    run = Run(tmp_path / "run").prepare()
    session = new_session(run, recipe, dataset)
    session.save()
    loop = Dropped(session, Budget(), Quiet(), Observer(session))
    loop.run()
    assert session.controls.repairs  # whichever fault is named first in so short a run
    repair = session.controls.repairs[0]
    assert repair.back_to < repair.failed
    assert "limit" in repair.evidence
    changes = {key: value for each in session.controls.repairs for key, value in each.changes.items()}
    assert changes
    assert session.recipe == repairing.changed(recipe, changes) != recipe
    event = next(line for line in history.read(run) if "repair" in line)
    assert event["verdict"] == repair.verdict
    assert event["changes"] == repair.changes
    assert recipe.penalties == {}  # the recipe itself never changes
    newest = checkpoints.newest(run)
    assert newest is not None
    again = new_session(run, recipe, dataset)
    again.restore(newest)
    assert again.controls.repairs == session.controls.repairs
    assert again.recipe.penalties == session.recipe.penalties
    assert again.controls.attempt == session.controls.attempt


def test_without_repair_the_doctor_only_advises(tmp_path: Path) -> None:
    recipe, dataset = opened()
    run = Run(tmp_path / "run").prepare()
    session = new_session(run, recipe, dataset)
    session.save()
    loop = Dropped(session, Budget(), Quiet(), Observer(session))
    loop.run()
    assert loop.verdict not in ("healthy", "warming-up")
    assert session.controls.repairs == ()
    assert session.controls.good_steps == ()


def test_numbers_that_are_not_finite_are_mended_too(tmp_path: Path) -> None:
    class Poisoned(Loop):
        def _step(self) -> None:
            if self.session.step >= 3 and not self.session.controls.repairs:
                self.session.state["discriminator"].parameters[0] = torch.nan
            super()._step()

    recipe, dataset = opened("repair=on")
    session = new_session(Run(tmp_path / "run").prepare(), recipe, dataset)
    session.save()
    Poisoned(session, Budget(), Quiet(), Observer(session)).run()
    assert session.controls.repairs[0].verdict == "diverged"
    assert session.images >= recipe.horizon


def test_a_repaired_run_resumes_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    def played(folder: Path, *stops: int | None):
        recipe, dataset = opened("repair=on")
        run = Run(folder).prepare()
        for stop in stops:
            session = new_session(run, recipe, dataset)
            newest = checkpoints.newest(run)
            if newest is None:
                session.save()
            else:
                session.restore(newest)
                history.cut(run, newest.step)
            Dropped(session, Budget(steps=stop), Quiet(), Observer(session)).run()
        return left(run)

    played(tmp_path / "whole", None).demand_equal(played(tmp_path / "parts", 10, 33, None))


def test_at_most_three_repairs_each_with_two_signals_over_three_probes() -> None:
    lines = [{"step": step} for step in (1, 2, 3, 4)]
    finding = Finding("mode-collapse", "", 2, "", {"penalty": 3.0}, ("a", "b"))
    assert repairing.due(lines, Diagnosis("mode-collapse", (finding,))) is finding
    for other in (
        Finding("mode-collapse", "", 3, "", {}, ("a", "b")),  # two probes
        Finding("mode-collapse", "", 1, "", {}, ("a",)),  # one signal
        Finding("warming-up", "", 1, "", {}, ("a", "b")),
    ):
        assert repairing.due(lines, Diagnosis(other.name, (other,))) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rate": 0.5}, {"players.generator.optimiser.rate": 5e-4, "players.discriminator.optimiser.rate": 5e-4}),
        ({"discriminator.rate": 0.1}, {"players.discriminator.optimiser.rate": 1e-4}),
        ({"penalty": 3.0}, {"penalties.zero-centred-real.weight": 1.0, "penalties.zero-centred-fake.weight": 1.0}),
        ({"packing": 2.0}, {}),
        ({"beta1": 0.0}, {}),
        ({"ema": 2.0}, {}),
        ({"augmentation": "add"}, {}),
    ],
)
def test_what_a_remedy_means_for_a_recipe(change: dict, expected: dict) -> None:
    recipe, _ = opened()
    changes = repairing.remedied(recipe, change)
    assert changes == pytest.approx(expected)
    assert isinstance(repairing.changed(recipe, changes), Recipe)


def test_images_can_be_shown_augmented_and_penalties_be_raised() -> None:
    recipe, _ = opened(data="digits", recipe="modern")
    assert repairing.remedied(recipe, {"augmentation": "add"}) == {"augmentations.translation.weight": 0.5}
    assert repairing.remedied(recipe, {"penalty": 3.0})["penalties.zero-centred-fake.weight"] == pytest.approx(30)
    assert repairing.remedied(recipe, {"ema": 2.0}) == {"players.generator.ema.share": pytest.approx(0.1)}
    assert repairing.remedied(recipe, {"penalty": 0.1}, power=2)["penalties.zero-centred-fake.weight"] == pytest.approx(0.1)


def test_a_penalty_that_is_next_to_nothing_is_raised_to_one_that_counts() -> None:
    recipe, _ = opened("penalties.zero-centred-real.weight=1e-6", data="digits", recipe="modern")
    assert repairing.remedied(recipe, {"penalty": 3.0})["penalties.zero-centred-real.weight"] == repairing.WEIGHT
    assert repairing.remedied(recipe, {"penalty": 0.1})["penalties.zero-centred-real.weight"] == pytest.approx(1e-7)


def test_no_penalty_is_added_to_weaken_it() -> None:
    recipe, _ = opened()
    assert repairing.remedied(recipe, {"penalty": 0.1}) == {}


def test_a_repair_in_vain_is_followed_by_a_stronger_one_from_further_back_and_all_are_told(tmp_path: Path) -> None:
    class Hopeless(Dropped):
        """A loop in which G ignores its latents whatever has been done about it."""

        def _step(self) -> None:
            player = self.session.state["generator"]
            if self.session.step >= 20:
                next(iter(player.layout.views(player.parameters).values())).zero_()
            super()._step()

    recipe, dataset = opened("repair=on")
    run = Run(tmp_path / "run").prepare()
    session = new_session(run, recipe, dataset)
    session.save()
    Hopeless(session, Budget(), Quiet(), Observer(session)).run()
    repairs = session.controls.repairs
    assert len(repairs) == repairing.MOST
    assert sorted((repair.back_to for repair in repairs), reverse=True) == [repair.back_to for repair in repairs]
    assert repairs[-1].back_to < repairs[0].back_to
    assert [line["repair"] for line in history.read(run) if "repair" in line] == [1, 2, 3]


def test_a_run_that_improves_goes_on_and_one_that_does_not_ends() -> None:
    def lines(*distances: float):
        return [
            {"step": place, "images": 100 * place, "probe.distance": distance, "probe.distance.noise": 0.02}
            for place, distance in enumerate(distances, 1)
        ]

    falling = [1.0 - 0.05 * place for place in range(15)]
    assert stopped_improving(lines(*falling), 1500, 4) is None
    assert stopped_improving(lines(*falling, *[0.3] * 3), 1500, 4) is None
    reason = stopped_improving(lines(*falling, *[0.29] * 4), 1500, 4)
    assert reason is not None
    assert "step 15" in reason
    assert stopped_improving(lines(*falling, 0.3, 0.3, 0.2, 0.3), 1500, 4) is None  # one of the last was better by more than chance
    assert stopped_improving(lines(*[1.0] * 4), 1500, 4) is None
    assert stopped_improving([], 1500, 4) is None


def test_stop_auto_ends_a_run_and_says_why(tmp_path: Path) -> None:
    recipe, dataset = opened("stop=auto", "patience=3", "generator.optimiser.rate=1e-12", "discriminator.optimiser.rate=1e-12")
    outcome = train(recipe, dataset, run=tmp_path / "run")
    assert outcome.finished
    assert outcome.images < recipe.horizon
    known = facts.read(Run(tmp_path / "run"))
    assert known is not None
    assert "stopped improving" in known.notes[-1]
    assert "stopped improving" in (tmp_path / "run" / "report.html").read_text()
    assert train(recipe, dataset, run=tmp_path / "run").steps == outcome.steps
