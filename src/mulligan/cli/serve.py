"""`mulligan serve`: the page and the API of a model."""

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from mulligan.cli.command import Host, Names, Port, Trusted, call, trust
from mulligan.cli.evaluate import located
from mulligan.cli.sample import load
from mulligan.errors import MulliganError, UnsafeError, UsageError

if TYPE_CHECKING:
    import numpy as np

_SHOWN = 1000  # real images for the round


def run(arguments: list[str]) -> int:
    """Serve."""
    return call("serve", serve, arguments)


def serve(
    which: Annotated[str, typer.Argument(metavar="RUN_OR_MODEL", help="A run, by path, name or number, a model folder or an ONNX file.")],
    port: Port = 8000,
    host: Host = "127.0.0.1",
    name: Names = None,
    trusted: Trusted = None,
) -> None:
    """Serve a page that shows something that does not exist, and an API; on this machine alone unless told otherwise."""
    if any(find_spec(package) is None for package in ("fastapi", "uvicorn", "prometheus_client")):
        raise UsageError("serving needs FastAPI and uvicorn", 'pip install "mulligan[web]"')
    trust(trusted)
    from mulligan.signals import Signalled
    from mulligan.web.serving import serve as served

    model = load(which)
    with suppress(Signalled):  # how a server ends
        served(model, host, port, name or (), _real(which), lambda address: print(f"{address}  (Ctrl-C ends it)", flush=True))


def _real(which: str) -> "np.ndarray | None":
    """Some real images of a run, for the round; None where there are none to be had. Raises UnsafeError."""
    from mulligan.data.dataset import Split
    from mulligan.metrics.real import decoded
    from mulligan.resolve import reopened
    from mulligan.runs.folder import Run

    run = Run(located(which))
    if not run.exists:
        return None
    try:
        recipe = run.read_recipe()
        dataset = reopened(recipe)
    except UnsafeError:
        raise
    except MulliganError:
        return None  # the data have gone: there is no round then
    split = dataset.test if isinstance(dataset.test, Split) else dataset.train
    return decoded(split)[:_SHOWN].numpy() if isinstance(split, Split) and recipe.data.kind == "image" else None
