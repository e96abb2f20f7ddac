"""The studio as one ASGI application: its pages by NiceGUI, the pictures of runs, and the guard around all of it.

NiceGUI's socket takes connections from any origin, so nothing of it is reached but through the guard.
"""

import logging
import os
import warnings
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, Response

from mulligan.data.download import cache_folder
from mulligan.runs.folder import Run
from mulligan.web.guard import Asgi, Guard, Rules

os.environ["NICEGUI_STORAGE_PATH"] = str(cache_folder() / "studio")  # read when it is imported; else a folder where the user stands
from nicegui import app as pages
from nicegui import ui

from mulligan.web.studio.compare_page import compare_page
from mulligan.web.studio.explore_page import explore_page
from mulligan.web.studio.frame import TITLE, frame
from mulligan.web.studio.jobs import Jobs
from mulligan.web.studio.lab_page import lab_page
from mulligan.web.studio.new_page import new_page
from mulligan.web.studio.run_page import run_page
from mulligan.web.studio.runs_page import runs_page
from mulligan.web.studio.watching import find_run

MOST_BODY = 32 * 1024**2  # bytes of a picture that is inverted
# NiceGUI's pages hold scripts and styles, and its templates are compiled in the browser; nothing may come from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PICTURES = {"real": "real_grid", "diagnosis": "diagnosis_picture", "pairs": "pairs_picture"}


def application(base: Path, hosts: Iterable[str], token: str, cookie: str) -> Asgi:
    """The studio of a folder of runs. One in a process.

    hosts: what requests may call it, `name:port` each. token: what the link has to bring, kept in a cookie of that name.
    """
    api = FastAPI(title=TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    _serve_files(api, base)
    _add_pages(Jobs(base))
    # NiceGUI looks for its server among all objects there are, and one of torch's warns when it is looked at.
    warnings.filterwarnings("ignore", message="`torch.distributed.reduce_op`", category=FutureWarning)
    logging.getLogger("nicegui").setLevel(logging.ERROR)  # it tells of each address that is not there
    pages.config.quasar_config["loadingBar"]["skipHijack"] = True  # a bar without a name, at each request of a page
    pages.config.socket_io_js_transports = ["websocket"]
    ui.run_with(api, title=TITLE, dark=None, language="en-US", tailwind=False, show_welcome_message=False, reconnect_timeout=10.0)
    return Guard(api, hosts, token, Rules(cookie, POLICY, MOST_BODY))


def _add_pages(jobs: Jobs) -> None:
    @ui.page("/")
    async def runs() -> None:
        await runs_page(jobs)

    @ui.page("/new")
    async def new() -> None:
        await new_page(jobs)

    @ui.page("/run/{name}")
    async def run(name: str) -> None:
        await run_page(jobs, name)

    @ui.page("/compare")
    async def compare(request: Request) -> None:
        await compare_page(jobs, request.query_params.getlist("run"))

    @ui.page("/explore")
    async def choose() -> None:
        await explore_page(jobs, "")

    @ui.page("/explore/{name}")
    async def explore(name: str) -> None:
        await explore_page(jobs, name)

    @ui.page("/lab")
    def lab() -> None:
        with frame("Lab", "Lab"):
            lab_page()


def _serve_files(api: FastAPI, base: Path) -> None:
    style = files("mulligan.web.studio").joinpath("studio.css").read_bytes()

    @api.get("/studio.css")
    async def styled() -> Response:
        return Response(style, media_type="text/css; charset=utf-8", headers={"cache-control": "no-cache"})

    @api.get("/runs/{name}/samples/{step}.png")
    def sample_grid(name: str, step: str) -> FileResponse:
        run = _run(base, name)
        shown = {str(known): known for known in run.sample_steps()}
        if step not in shown:
            raise HTTPException(404, "no such picture")
        return _file(run, run.sample_grid(shown[step]))

    @api.get("/runs/{name}/{what}.png")
    def picture(name: str, what: str) -> FileResponse:
        run = _run(base, name)
        if what not in _PICTURES:
            raise HTTPException(404, "no such picture")
        return _file(run, getattr(run, _PICTURES[what]))

    @api.get("/runs/{name}/report.html")
    def report(name: str) -> FileResponse:
        run = _run(base, name)
        return _file(run, run.report_file)


def _run(base: Path, name: str) -> Run:
    run = find_run(base, name)
    if run is None:
        raise HTTPException(404, "no such run")
    return run


def _file(run: Run, path: Path) -> FileResponse:
    """A file inside a run folder, and not one that a link in it leads to."""
    if not path.is_file() or not path.resolve().is_relative_to(run.path.resolve()):
        raise HTTPException(404, "no such file")
    return FileResponse(path, headers={"cache-control": "no-cache"})
