"""What the API answers."""

import base64
import json
import threading
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from mulligan.marks import npz_bytes, png_bytes
from mulligan.sampling.blocks import of_seed
from mulligan.sampling.model import Model
from mulligan.web.api import LARGEST_SEED, MOST_SAMPLES
from mulligan.web.worker import Worker


def arrays(content: bytes) -> dict[str, np.ndarray]:
    with np.load(BytesIO(content)) as found:
        return dict(found)


def test_samples_are_those_of_the_model(client: TestClient, conditional: Model) -> None:
    found = arrays(client.get("/api/sample", params={"n": 50, "seed": 3, "format": "npz"}).content)
    wanted = conditional.draw(of_seed(3, range(50)))
    assert np.array_equal(found["images"], wanted.array)
    assert found["labels"].tolist() == wanted.labels.tolist()  # type: ignore[union-attr]
    mark = json.loads(str(found["provenance"]))
    assert (mark["synthetic"], mark["model"], mark["seed"]) == (True, conditional.description.weights, 3)
    told = client.get("/api/sample", params={"n": 2, "seed": 3, "format": "json", "label": "Bag"}).json()
    assert told["labels"] == ["Bag", "Bag"]
    assert told["samples"] == conditional.draw(of_seed(3, range(2)), "Bag").array.tolist()
    assert told["provenance"]["synthetic"] is True


def test_a_picture_is_the_sample_itself_and_says_that_it_is_synthetic(client: TestClient, conditional: Model) -> None:
    answer = client.get("/api/sample", params={"seed": 5, "label": "1"})
    assert answer.headers["content-type"] == "image/png"
    assert b"trainedAlgorithmicMedia" in answer.content
    with Image.open(BytesIO(answer.content)) as picture:
        assert np.array_equal(np.asarray(picture), conditional.draw(of_seed(5, range(1)), 1).array[0])
    with Image.open(BytesIO(client.get("/api/sample", params={"n": 12}).content)) as grid:
        assert grid.width > 8
    found = client.get("/api/sample", params={"n": 12, "format": "webp"})
    assert found.headers["content-type"] == "image/webp"
    assert b"trainedAlgorithmicMedia" in found.content
    with Image.open(BytesIO(found.content)) as same:
        assert same.size == grid.size


def test_the_same_seed_gives_the_same_bytes(client: TestClient) -> None:
    for format in ("png", "webp", "npz", "json"):
        asked = {"n": 7, "seed": 11, "format": format}
        assert client.get("/api/sample", params=asked).content == client.get("/api/sample", params=asked).content


def test_points(points: Model, opened: Callable[..., TestClient]) -> None:
    client = opened(points)
    assert arrays(client.get("/api/sample", params={"n": 20, "format": "npz"}).content)["points"].shape == (20, *points.kind.shape)
    assert client.get("/api/sample", params={"n": 20}).content.startswith(b"\x89PNG")
    assert client.get("/api/interpolate", params={"seeds": [1, 2], "format": "webp"}).content[8:12] == b"WEBP"
    assert client.get("/api/model").json()["round"] is False
    assert client.get("/api/round").status_code == 404


def test_a_walk(client: TestClient, conditional: Model) -> None:
    asked = {"seeds": [1, 2, 9], "steps": 4, "label": "Coat"}
    found = arrays(client.get("/api/interpolate", params={**asked, "format": "npz"}).content)["images"]
    assert found.shape == (8, 8, 8)
    assert np.abs(found[0].astype(int) - conditional.draw(of_seed(1, range(1)), "Coat").array[0]).max() <= 1
    assert client.get("/api/interpolate", params=asked).content.startswith(b"\x89PNG")
    film = client.get("/api/interpolate", params={**asked, "format": "webp"}).content
    assert b"trainedAlgorithmicMedia" in film
    with Image.open(BytesIO(film)) as frames:
        assert frames.n_frames == 3 * 3  # back to the first seed, each seed once


def test_the_card_health_and_counts(client: TestClient, conditional: Model) -> None:
    card = client.get("/api/model").json()
    assert card["weights"] == conditional.description.weights
    assert card["classes"] == ["Coat", "Bag", "Ankle boot"]
    assert client.get("/healthz").json() == {"status": "ok"}
    client.get("/api/sample", params={"n": 5})
    client.get("/no/such/page")
    told = client.get("/metrics").text
    assert 'mulligan_requests_total{route="/api/sample",status="200"} 1.0' in told
    assert 'route="other"' in told
    assert "/no/such" not in told
    assert "mulligan_samples_drawn 5.0" in told


def test_a_round_has_a_real_image_in_each_pair(client: TestClient) -> None:
    real = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    pairs = client.get("/api/round", params={"seed": 4}).json()["pairs"]
    assert len(pairs) == 10
    assert {pair["real"] for pair in pairs} == {0, 1}
    for pair in pairs:
        pictures = []
        for source in pair["images"]:
            content = base64.b64decode(source.removeprefix("data:image/png;base64,"))
            with Image.open(BytesIO(content)) as picture:
                pictures.append(np.asarray(picture))
        assert (real == pictures[pair["real"]]).all((1, 2)).any()
        assert not (real == pictures[1 - pair["real"]]).all((1, 2)).any()
    assert client.get("/api/round", params={"seed": 4}).json()["pairs"] == pairs


@pytest.mark.parametrize(
    "asked",
    [
        {"n": 10**9}, {"n": 0}, {"n": -1}, {"n": 401}, {"n": 101, "format": "json"}, {"n": MOST_SAMPLES + 1, "format": "npz"},
        {"n": "many"}, {"seed": 1.5}, {"seed": "NaN"}, {"seed": -1}, {"seed": LARGEST_SEED + 1}, {"label": "Shoe"},
        {"label": "x" * 201}, {"format": "exe"},
    ],
)  # fmt: skip
def test_f41_what_is_beyond_the_limits(asked: dict[str, object], client: TestClient) -> None:
    answer = client.get("/api/sample", params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert len(answer.content) < 2000


@pytest.mark.parametrize("asked", [{"seeds": [1]}, {}, {"seeds": list(range(17))}, {"seeds": [1, 2], "steps": 61}, {"seeds": ["a", 1]}])
def test_f41_walks_beyond_the_limits(asked: dict[str, object], client: TestClient) -> None:
    assert client.get("/api/interpolate", params=asked).status_code == 422  # type: ignore[arg-type]


def test_f41_one_answer_holds_so_many_numbers(make_image_model: Callable[..., Model], opened: Callable[..., TestClient]) -> None:
    """Fewer large images than small ones, so that a full queue of them fits into memory."""
    client = opened(make_image_model(colour=True, side=256))
    for path, most in (
        ("/api/sample?n=86&format=npz", "at most 85"),
        ("/api/sample?n=86", "at most 85"),
        ("/api/sample?n=2&format=json", "at most 1"),
        ("/api/interpolate?seeds=1&seeds=2&seeds=3&steps=43", "at most 85"),
    ):
        answer = client.get(path)
        assert answer.status_code == 422
        assert most in answer.json()["detail"]
    assert client.get("/api/sample?n=2").status_code == 200


def test_f41_the_limits_stand_in_the_schema(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    parameters = {each["name"]: each["schema"] for each in schema["paths"]["/api/sample"]["get"]["parameters"]}
    assert (parameters["n"]["minimum"], parameters["n"]["maximum"]) == (1, MOST_SAMPLES)
    assert (parameters["seed"]["minimum"], parameters["seed"]["maximum"]) == (0, LARGEST_SEED)
    assert set(schema["paths"]["/api/sample"]["get"]["responses"]) >= {"200", "422", "503", "504"}


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc/passwd",
        "/%252e%252e/secret",
        "/..\\..\\x",
        "/page.css%00",
        "//etc/passwd",
        "/C:/x",
        "/api/../../x",
        "/static/page.js",
    ],
)
def test_f39_other_paths(path: str, client: TestClient) -> None:
    assert client.get(path).status_code == 404


def test_bytes_of_files_and_of_answers_are_marked_alike(model: Model) -> None:
    samples = model.draw(of_seed(0, range(1)))
    assert b"trainedAlgorithmicMedia" in png_bytes(Image.fromarray(samples.array[0]), samples.mark)
    assert "provenance" in arrays(npz_bytes({"images": samples.array}, samples.mark))


def test_f42_a_full_queue_and_a_deadline_are_told(
    conditional: Model, opened: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = opened(conditional, Worker(conditional, most_waiting=0))
    for path in ("/api/sample", "/api/interpolate?seeds=1&seeds=2"):
        answer = full.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert full.get("/api/model").status_code == 200  # what needs no sampling is answered all the same
    go = threading.Event()
    monkeypatch.setattr(conditional, "draw", lambda *_: go.wait(30))  # not before it is let go
    late = opened(conditional, Worker(conditional, deadline=0.05))
    assert late.get("/api/sample").status_code == 504
    go.set()


def test_a_thread_that_has_ended_is_told(client: TestClient, worker: Worker) -> None:
    worker.close()
    assert client.get("/healthz").status_code == 503
