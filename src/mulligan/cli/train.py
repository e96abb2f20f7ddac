"""`mulligan train`: train a GAN on any data, or continue its newest unfinished run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import SCHEMA_VERSION, AsJson, Images, Steps, Time, Trusted, budget, call, trust
from mulligan.cli.outcome import show
from mulligan.errors import UsageError

if TYPE_CHECKING:
    from mulligan.plan import Plan

_PREPARING = "beginning the training in a temporary place, for some seconds (a step that is to be compiled takes up to a minute) ..."


def run(arguments: list[str]) -> int:
    """Train."""
    return call("train", train, arguments)


def train(
    data: Annotated[str | None, typer.Argument(metavar="DATA", help="Built-in data, a folder of images, an .npz, .npy or .csv.")] = None,
    settings: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Settings; `mulligan recipes show NAME`.")] = None,
    recipe: Annotated[str | None, typer.Option(metavar="NAME", help="A name, FILE.json or FILE.py:NAME; fast if absent.")] = None,
    folder: Annotated[Path | None, typer.Option("--run", metavar="DIR", help="The run folder; a run in it is continued.")] = None,
    steps: Steps = None,
    images: Images = None,
    time: Time = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Seed of every draw; 0 if absent.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and train nothing.")] = False,
    trusted: Trusted = None,
    as_json: AsJson = False,
) -> None:
    """Train a GAN on DATA, or continue the newest unfinished run of the same recipe and data.

    Ends when the recipe does, or with the first of --steps, --images and --time that is reached.
    """
    allowed = budget(steps, images, time)
    trust(trusted)
    words = list(settings or ())
    if data is not None and "=" in data and not Path(data).exists():
        words.insert(0, data)
        data = None
    if data is None and recipe is None:
        raise UsageError("no data were given", "For instance `mulligan train digits`, or `mulligan train my_photos/`")

    from mulligan.resolve import DEFAULT_RECIPE, resolve

    resolved, dataset = resolve(data, recipe or DEFAULT_RECIPE, words, seed)
    from mulligan.terminal import Terminal

    with Terminal() as terminal:
        if dry_run:
            from mulligan.plan import plan

            terminal.say(_PREPARING)
            _show_plan(plan(resolved, dataset, allowed), as_json)
            return
        from mulligan import verbs

        outcome = verbs.train(resolved, dataset, run=folder, budget=allowed, audience=terminal)
    show(outcome, as_json)


def _show_plan(plan: "Plan", as_json: bool) -> None:
    from mulligan.amounts import say_seconds
    from mulligan.runs.writing import size_text
    from mulligan.telling import facts_text

    if as_json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, **plan.as_dict()}, ensure_ascii=False))
        return
    memory, machine = plan.memory, plan.machine
    peak = "" if memory.peak is None else f"; {size_text(memory.peak)} for the whole process"
    print(facts_text(plan.facts))
    print()
    print(f"memory   {size_text(memory.state)} of weights, moments and averages, {size_text(memory.data)} of data{peak}")
    print(f"steps    {plan.steps:,}, {plan.images:,} images, {plan.seconds_per_step * 1000:.3g} ms a step")
    print(f"machine  {machine.device}, {machine.threads} threads, {machine.precision}, compile {machine.compile}")
    print(
        f"time     {say_seconds(plan.seconds)} ({plan.seconds / 60:.1f} minutes), {say_seconds(plan.preparing)} of it before the first step"
    )
