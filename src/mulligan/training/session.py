"""All that is live while a run trains, and how it goes to a checkpoint and comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from mulligan.data.dataset import Dataset
from mulligan.errors import CheckpointError, DivergedError
from mulligan.recipe import Recipe
from mulligan.runs import checkpoints
from mulligan.runs.folder import Run
from mulligan.signals import shielded
from mulligan.training.adapting import EVERY, adapted, measured, withheld
from mulligan.training.batches import Schedule, Source, draw_sizes
from mulligan.training.controls import Controls, Repair
from mulligan.training.game import Batch, Game, Tensors, drawn
from mulligan.training.repairing import changed, makeup
from mulligan.training.schedules import knobs
from mulligan.training.state import State, initial, named, put_back


@dataclass
class Session:
    """A run in the middle of its work. `recipe.machine` holds what was decided for this machine."""

    run: Run
    recipe: Recipe
    dataset: Dataset
    game: Game
    make_game: Callable[[Recipe], Game] | None = None  # of a recipe that a repair has changed; absent, no repair may change the game
    source: Source = field(init=False)
    schedule: Schedule = field(init=False)
    state: State = field(init=False)
    controls: Controls = field(init=False)
    step: int = 0
    seconds: float = 0.0
    totals: dict[str, float] = field(default_factory=dict)  # sums of figures since the last report
    counted: int = 0  # steps in these sums
    _asked: Recipe = field(init=False)  # the recipe without repairs
    memory: dict[str, list[float]] = field(default_factory=dict)  # what the last report left for the next (`training/probing.py`)

    def __post_init__(self) -> None:
        recipe = self.recipe
        self.source = Source(
            self.dataset.train,
            recipe.order,
            recipe.batch,
            recipe.seed,
            recipe.machine.device,
            conditional=recipe.conditional,
            withheld=withheld(recipe, self.dataset.train),
        )
        self.schedule = Schedule.of(self.game)
        self.state = initial(self.game.actors, recipe.machine.device)
        self.controls = Controls(horizon=recipe.horizon)
        self._asked = recipe

    def forget_beginning(self) -> None:
        """Let go of what only another session of the same game would need."""
        for actor in self.game.actors.values():
            actor.forget()

    @property
    def images(self) -> int:
        """Real samples seen so far."""
        return self.schedule.images(self.source, self.step)

    def inputs(self) -> tuple[list[Batch | None], list[Tensors], Tensors]:
        """What this step is played with: batches and draws by turn, and the knobs as they are now."""
        recipe, attempt = self.recipe, self.controls.attempt
        batches = self.schedule.batches(self.source, self.step, attempt)
        draws = [
            {name: values.to(recipe.machine.device) for name, values in drawn(turn, size, recipe.seed, self.step, attempt).items()}
            for turn, size in zip(self.game.turns, draw_sizes(batches), strict=True)
        ]
        return batches, draws, self.knobs()

    def knobs(self) -> Tensors:
        """Every rate and weight of this step."""
        images = self.images
        return knobs(self.recipe, self.controls, images, self.schedule.images(self.source, self.step + 1) - images)

    def add(self, figures: Mapping[str, float]) -> None:
        """Count the figures of one step into the means of the next report."""
        for name, value in figures.items():
            self.totals[name] = self.totals.get(name, 0.0) + value
        self.counted += 1

    def adapt(self) -> dict[str, float]:
        """After a step: where an augmentation is adaptive, measure every few steps, and move the strengths.

        Returns the figure that says by what, empty where nothing is adaptive.
        """
        if self.source.withheld is None:
            return {}
        if self.step % EVERY == 0:
            found = measured(self.recipe, self.game, self.source, self.state, self.step, self.controls.attempt, self.knobs())
            images = self.images - self.schedule.images(self.source, self.step - EVERY)
            self.controls = adapted(self.recipe, self.controls, found, images)
        return {"discriminator.known": self.controls.known}

    def means(self) -> dict[str, float]:
        """Means of the figures since the last report."""
        return {name: value / self.counted for name, value in self.totals.items()}

    def forget(self) -> None:
        """Begin new means."""
        self.totals, self.counted = {}, 0

    def strange(self) -> str | None:
        """The first tensor that holds a number that is not finite, as `player.name`; None if all is well."""
        for player, tensors in named(self.state).items():
            for name, tensor in tensors.items():
                if not bool(tensor.isfinite().all()):
                    return f"{player}.{name.replace('/', '.')}"
        return None

    def save(self) -> None:
        """Write a checkpoint of this step; signals wait. Raises DivergedError rather than save a number that is not finite."""
        strange = self.strange()
        if strange is not None:
            raise DivergedError(f"step {self.step}: {strange} is not finite", "Check the network's first weights, or lower the rates")
        facts = {
            "controls": self.controls.model_dump(mode="json"),
            "seconds": self.seconds,
            "totals": self.totals,
            "counted": self.counted,
            "memory": self.memory,
        }
        kept = (self.controls.best_step, *self.controls.good_steps)
        with shielded(saving=True):
            checkpoints.save(self.run, self.step, named(self.state), facts, keep=self.recipe.keeping.checkpoints, others=kept)

    def restore(self, checkpoint: checkpoints.Checkpoint, repaired: tuple[tuple[Repair, ...], int] | None = None) -> None:
        """Go to a checkpoint: every tensor, the controls, the sums. repaired: other repairs and another attempt than it was saved with."""
        put_back(self.state, checkpoint.groups)
        facts: dict[str, Any] = checkpoint.facts
        try:
            self.controls = Controls.model_validate(facts["controls"])
            self.seconds = float(facts["seconds"])
            self.totals = {str(name): float(value) for name, value in facts["totals"].items()}
            self.counted = int(facts["counted"])
            remembered = facts.get("memory", {})  # absent in checkpoints of the first release
            self.memory = {str(name): [float(number) for number in numbers] for name, numbers in remembered.items()}
        except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as error:
            raise CheckpointError(f"{checkpoint.path}: state.json does not fit this version ({type(error).__name__})") from None
        self.step = checkpoint.step
        if repaired is not None:
            self.controls = self.controls.model_copy(update={"repairs": repaired[0], "attempt": repaired[1]})
        self._play_repaired()

    def _play_repaired(self) -> None:
        """Play by the recipe with all its repairs; the game is made again where they have changed what it is made of."""
        changes = {key: value for repair in self.controls.repairs for key, value in repair.changes.items()}
        now = changed(self._asked, changes).model_copy(update={"machine": self.recipe.machine, "keeping": self.recipe.keeping})
        again = makeup(now) != makeup(self.recipe)
        self.recipe = now
        if again and self.make_game is not None:
            self.game = self.make_game(now)
            self.forget_beginning()
