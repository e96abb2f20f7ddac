"""What a list says of a run: how far it is, how good, and whether somebody works at it."""

from typing import Any

from mulligan.errors import MulliganError
from mulligan.runs import history, safe_json
from mulligan.runs.folder import Run
from mulligan.runs.lock import is_held

IN_USE = "in use"


def summary(run: Run) -> dict[str, Any]:
    """Plain values; null where its files do not tell, and a status that says so where they are broken."""
    try:
        recipe = safe_json.read_object(run.recipe_file)
        lines = history.read(run)
        status: str = IN_USE if is_held(run) else run.status
    except MulliganError as error:  # one broken run must not hide the others
        recipe, lines, status = {}, [], f"broken ({error.message})"
    last = lines[-1] if lines else {}
    data = recipe.get("data")
    return {
        "name": run.name,
        "path": str(run.path),
        "status": status,
        "recipe": _as(str, recipe.get("name")),
        "data": _as(str, data.get("source")) if isinstance(data, dict) else None,
        **{key: _as(int | float, last.get(key)) for key in ("step", "images", "seconds", "distance")},
        "floor": _as(int | float, last.get("distance.floor")),
    }


def _as(kind: Any, value: Any) -> Any:
    """The value if it is of that kind: files may be somebody else's."""
    return value if isinstance(value, kind) else None
