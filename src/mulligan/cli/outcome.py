"""How a training ends on stdout: two lines of figures and what to open, or one object for a program. Shared by train, resume and demo."""

import json
from typing import TYPE_CHECKING, Any

from mulligan.cli.command import SCHEMA_VERSION

if TYPE_CHECKING:
    from mulligan.verbs import Outcome


def show(outcome: "Outcome", as_json: bool) -> None:
    """Print the result of a training."""
    from mulligan.runs.folder import Run
    from mulligan.telling import open_lines

    if as_json:
        print(json.dumps(as_dict(outcome), ensure_ascii=False))
        return
    if outcome.figures is not None:
        print("\n".join(outcome.figures.lines(outcome.figures.headline())))
        print(f"protocol  {outcome.figures.about()}; `mulligan evaluate` shows all figures")
    print("\n".join(open_lines(Run(outcome.run))))


def as_dict(outcome: "Outcome") -> dict[str, Any]:
    """The object for a program."""
    from mulligan.runs.folder import Run
    from mulligan.telling import to_open

    return {
        "schema_version": SCHEMA_VERSION,
        "run": str(outcome.run),
        "steps": outcome.steps,
        "images": outcome.images,
        "seconds": outcome.seconds,
        "parameters": outcome.parameters,
        "finished": outcome.finished,
        **({"figures": None} if outcome.figures is None else outcome.figures.as_dict()),
        "files": to_open(Run(outcome.run)),
    }
