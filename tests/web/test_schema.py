"""Whatever the schema allows and whatever it forbids, asked of the whole API through its guard: the answers are those it promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from starlette.testclient import TestClient

from mulligan.sampling.model import Model

from .conftest import HOST, TOKEN

OPERATIONS = {"/api/sample", "/api/interpolate", "/api/model", "/api/round", "/healthz", "/metrics"}
FITTING = {"label": "Bag", "format": "npz"}  # with these, what each parameter's own limits allow is possible altogether


def asked(client: TestClient, parameters: dict[str, str], acceptance: bool) -> tuple[set[str], int, list[str]]:
    """What schemathesis asked of a server: the paths, how many requests, and what it found wrong."""
    settings: dict[str, Any] = {
        "seed": 0,
        "headers": {"Host": HOST, "X-Mulligan-Token": TOKEN},
        "parameters": parameters,
        "generation": {"deterministic": True, "max-examples": 40, "database": "none"},
        "checks": {"positive_data_acceptance": {"enabled": acceptance}},
    }
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", client.app, config=SchemathesisConfig.from_dict(settings), headers={"Host": HOST}
    )
    paths, requests, wrong = set(), 0, []
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            wrong.append(str(event))
        if not isinstance(event, events.ScenarioFinished):
            continue
        requests += len(event.recorder.cases)
        paths |= {case.value.path for case in event.recorder.cases.values()}
        if event.status in (Status.FAILURE, Status.ERROR):
            wrong.append(f"{event.recorder.label}: {event.status}")
        for check in (check for checks in event.recorder.checks.values() for check in checks if check.failure_info is not None):
            wrong.append(f"{check.name}: {check.failure_info.failure}: {check.failure_info.code_sample}")
    return paths, requests, wrong


def test_f41_every_answer_is_one_that_the_schema_promises(client: TestClient) -> None:
    """Statuses, content types, JSON and headers are documented ones; what breaks a limit is refused; nothing fails inside."""
    paths, requests, wrong = asked(client, {}, acceptance=False)
    assert wrong == []
    assert paths == OPERATIONS
    assert requests > 200


def test_f41_whatever_the_limits_allow_is_answered(client: TestClient) -> None:
    _, requests, wrong = asked(client, FITTING, acceptance=True)
    assert wrong == []
    assert requests > 200


def test_the_schema_holds_for_points_without_classes_and_real_data(points: Model, opened: Callable[..., TestClient]) -> None:
    _, _, wrong = asked(opened(points), {}, acceptance=False)
    assert wrong == []


def test_every_refusal_is_told_in_one_form(client: TestClient) -> None:
    """One line under `detail`, whoever refuses: the guard, the limits, the model or the routes."""
    for path, headers, status in (
        ("/api/sample?seed=a", {}, 422),
        ("/api/sample?n=1001&seed=-1&label=" + "x" * 300, {}, 422),
        ("/api/sample?label=Shoe", {}, 422),
        ("/api/sample?n=401", {}, 422),
        ("/api/interpolate?seeds=1", {}, 422),
        ("/nowhere", {}, 404),
        ("/api/sample", {"host": "evil.example"}, 403),
        ("/api/sample", {"content-length": "x"}, 400),
        ("/api/sample", {"content-length": "99999999"}, 413),
        ("/api/sample?label=" + "x" * 9000, {}, 414),
    ):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
        (told,) = answer.json().values()
        assert 0 < len(told) < 400
        assert "\n" not in told
    assert client.get("/api/sample?seed=1.5").json()["detail"].startswith("seed: ")


def test_a_model_that_makes_broken_samples_is_told(conditional: Model, opened: Callable[..., TestClient]) -> None:
    for tensor in conditional.generator.state_dict().values():
        tensor.fill_(np.nan)
    answer = opened(conditional).get("/api/sample")
    assert answer.status_code == 500
    assert "\n" not in answer.json()["detail"]
