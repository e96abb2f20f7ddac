"""The API of a model, and its page: everything that is read, nothing that changes. `app` makes the ASGI application.

Limits stand in the types of the parameters, and so in the schema at /openapi.json.
"""

import secrets
import time
from dataclasses import replace
from importlib.resources import files
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from mulligan import __version__
from mulligan.errors import MulliganError, UsageError
from mulligan.marks import npz_bytes, said, webp_bytes
from mulligan.randomness import numpy_generator
from mulligan.sampling.asked import find_label
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.walks import MILLISECONDS, film, there_and_back, walk
from mulligan.web.answers import DRAWN, EVERYWHERE, FILES, TYPES, Card, Health, Problem, Round, Sampled, problem
from mulligan.web.clients import Leaving
from mulligan.web.guard import Asgi, Guard, Message, Receive, Scope, Send
from mulligan.web.pictures import link, picture
from mulligan.web.worker import Busy, Late, Worker

MOST_SAMPLES = 1000  # in one answer as .npz
MOST_SHOWN = 400  # as one picture
MOST_TOLD = 100  # as JSON
MOST_NUMBERS = 2**24  # in one answer, so that a queue of large images fits into memory
MOST_NUMBERS_TOLD = 2**18  # as JSON
MOST_STEPS = 60
MOST_SEEDS = 16
LARGEST_SEED = 2**53 - 1  # the largest number that every reader of JSON knows exactly
PAIRS = 10  # of the round "which one is real?"

Seed = Annotated[int, Query(ge=0, le=LARGEST_SEED, description="Seed of the samples; the same seed gives the same bytes.")]
Label = Annotated[str | None, Query(max_length=200, description="Class of all samples, by name or number; absent, classes in turn.")]

PARTS = {"page.html": "text/html; charset=utf-8", "page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}


def app(worker: Worker, hosts: tuple[str, ...], real: np.ndarray | None = None, token: str = "") -> Asgi:
    """The application for the model that a worker samples, with its guard around it.

    hosts: what requests may call this server, `name:port` each. real: decoded images that the round "which one is real?" shows, if there
    are some. token: what a request that changes something would have to bring; nothing here can be changed.
    """
    return Guard(_inside(worker, real), hosts, token or secrets.token_urlsafe())


def _inside(worker: Worker, real: np.ndarray | None) -> FastAPI:
    sampler = worker.sampler
    about = f"Samples of {sampler.description.recipe}, trained by Mulligan. All of them are synthetic."
    api = FastAPI(title="Mulligan", version=__version__, description=about, docs_url=None, redoc_url=None, responses=EVERYWHERE)
    images = len(sampler.kind.shape) == 3
    counts = _Counts(worker)
    api.add_middleware(_Counting, counts=counts)
    api.add_middleware(Leaving)

    @api.exception_handler(RequestValidationError)
    async def unfit(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return problem(422, f"{'.'.join(str(part) for part in first['loc'][1:])}: {first['msg']}")

    @api.exception_handler(Busy)
    async def busy(request: Request, error: Busy) -> Response:
        return problem(503, "too many requests wait")

    @api.exception_handler(Late)
    async def late(request: Request, error: Late) -> Response:
        return problem(504, "this took too long")

    @api.exception_handler(MulliganError)
    async def explained(request: Request, error: MulliganError) -> Response:
        return problem(422 if isinstance(error, UsageError) else 500, str(error))

    @api.get("/api/sample", responses=DRAWN | {200: FILES | {"model": Sampled}}, response_model=None)
    async def sample(
        n: Annotated[
            int, Query(ge=1, le=MOST_SAMPLES, description=f"Samples 0 to n-1; {MOST_SHOWN} as a picture, {MOST_TOLD} as json.")
        ] = 1,
        seed: Seed = 0,
        label: Label = None,
        format: Annotated[
            Literal["png", "webp", "npz", "json"], Query(description="png, webp: one picture; npz: arrays; json: numbers.")
        ] = "png",
    ) -> Response | dict[str, Any]:
        """Samples of a seed."""
        fitting = (MOST_NUMBERS_TOLD if format == "json" else MOST_NUMBERS) // prod(sampler.kind.shape)
        most = min({"png": MOST_SHOWN, "webp": MOST_SHOWN, "npz": MOST_SAMPLES, "json": MOST_TOLD}[format], max(1, fitting))
        if n > most:
            raise HTTPException(422, f"n={n}: at most {most} as {format}")
        places = of_seed(seed, range(n))
        labels = sampler.labels_of(places, label)
        samples = await worker.draw(places, labels)
        mark = replace(sampler.mark, seed=seed)
        if format in ("png", "webp"):
            return _file(await worker.encode(lambda: picture(sampler, samples, mark, format)), format)
        if format == "npz":
            arrays = {"images" if images else "points": samples} | ({} if labels is None else {"labels": labels})
            return _file(await worker.encode(lambda: npz_bytes(arrays, mark)), format)
        names = None if labels is None else [sampler.classes[number] for number in labels]
        return {"seed": seed, "labels": names, "samples": samples.tolist(), "provenance": said(mark)}

    @api.get("/api/interpolate", responses=DRAWN | {200: FILES}, response_class=Response)
    async def interpolate(
        seeds: Annotated[
            list[Annotated[int, Query(ge=0, le=LARGEST_SEED)]],
            Query(min_length=2, max_length=MOST_SEEDS, description="Seeds whose first samples are walked through; given again for each."),
        ],
        steps: Annotated[int, Query(ge=2, le=MOST_STEPS, description="Samples from each seed to the next.")] = 8,
        label: Label = None,
        format: Annotated[
            Literal["png", "webp", "npz"],
            Query(description="png: a strip, a row for each two seeds; webp: a film that comes back to its start; npz: arrays."),
        ] = "png",
    ) -> Response:
        """A walk through the latents of seeds."""
        number = None if label is None else find_label(label, sampler.classes)
        if format == "webp" and images:
            seeds = [*there_and_back(seeds)]
        most = MOST_NUMBERS // prod(sampler.kind.shape)
        if (len(seeds) - 1) * steps > most:
            raise HTTPException(422, f"a walk of {(len(seeds) - 1) * steps} samples: at most {most} of this size")
        ways = await worker.call(lambda: walk(sampler, seeds, steps, number))
        flat = ways.reshape(-1, *ways.shape[2:])
        if format == "npz":
            return _file(await worker.encode(lambda: npz_bytes({"images" if images else "points": flat}, sampler.mark)), format)
        if format == "webp" and images:
            return _file(await worker.encode(lambda: webp_bytes(film(sampler, ways), sampler.mark, MILLISECONDS)), format)
        columns = steps if images else None
        return _file(await worker.encode(lambda: picture(sampler, flat, sampler.mark, format, columns)), format)

    @api.get("/api/model", responses={200: {"model": Card}}, response_model=None)
    async def model() -> dict[str, Any]:
        """What is known of the model: its card as JSON."""
        return sampler.description.public() | {"mark": said(sampler.mark), "round": real is not None}

    @api.get("/api/round", responses=DRAWN | {200: {"model": Round}, 404: {"model": Problem}}, response_model=None)
    async def round_of_pairs(seed: Seed = 0) -> dict[str, Any]:
        """Ten pairs of a real image and a sample, in random order, for people to tell apart."""
        if real is None:
            raise HTTPException(404, "this server has no real images to show")
        numbers = numpy_generator(seed, "web/round")
        chosen, first = numbers.choice(len(real), PAIRS, replace=len(real) < PAIRS), numbers.integers(0, 2, PAIRS)
        places = of_seed(seed, range(PAIRS))
        made = await worker.draw(places, sampler.labels_of(places))
        mark = replace(sampler.mark, seed=seed)
        pairs = []
        for place, sample_first in enumerate(first):
            shown = [link(picture(sampler, real[chosen[place]][None], None)), link(picture(sampler, made[place][None], mark))]
            pairs.append({"images": shown[::-1] if sample_first else shown, "real": int(sample_first)})
        return {"seed": seed, "pairs": pairs}

    @api.get("/healthz", responses={200: {"model": Health}}, response_model=None)
    async def health() -> Response:
        """Whether the model samples."""
        return JSONResponse({"status": "ok"}) if worker.alive else problem(503, "the sampling thread has ended")

    @api.get("/metrics", responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics() -> Response:
        """Counts and times for Prometheus."""
        return Response(generate_latest(counts.registry), media_type=CONTENT_TYPE_LATEST)

    for path, name in {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js"}.items():
        _serve_part(api, path, name)
    return api


def _serve_part(api: FastAPI, path: str, name: str) -> None:
    content = files("mulligan.web").joinpath(name).read_bytes()

    @api.get(path, include_in_schema=False, name=name)
    async def part() -> Response:
        return Response(content, media_type=PARTS[name])


def _file(content: bytes, format: str) -> Response:
    return Response(content, media_type=TYPES[format])


class _Counts:
    """How many requests there were, by route and status, and how long they took."""

    def __init__(self, worker: Worker) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("mulligan_requests", "Requests by route and status.", ("route", "status"), registry=self.registry)
        self.seconds = Histogram("mulligan_request_seconds", "Time of a request by route.", ("route",), registry=self.registry)
        waiting = Gauge("mulligan_waiting_requests", "Requests that wait for the model.", registry=self.registry)
        waiting.set_function(lambda: worker.waiting)
        drawn = Gauge("mulligan_samples_drawn", "Samples drawn so far.", registry=self.registry)
        drawn.set_function(lambda: worker.drawn)


class _Counting:
    """An ASGI layer that counts."""

    def __init__(self, app: Asgi, counts: _Counts) -> None:
        self.app, self.counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, status = time.perf_counter(), "left"  # nothing was answered to who has left

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, told)
        finally:
            name = getattr(scope.get("route"), "path", "other")  # not the path that was asked for, of which there are without end
            self.counts.requests.labels(name, status).inc()
            self.counts.seconds.labels(name).observe(time.perf_counter() - begun)
