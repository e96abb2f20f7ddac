"""What the API answers, as the schema at /openapi.json tells it: the shape of JSON, and every status with its reason."""

from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

AFTER = 1  # seconds until a refused caller should come back

Responses = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="What was asked, what is possible, and how to mend it; on one line.")


class Provenance(BaseModel):
    """What a written file says of itself too."""

    synthetic: Literal[True]
    composite: bool = Field(description="Real samples stand beside the synthetic ones.")
    source_type: str = Field(description="The IPTC digital source type.")
    generator: str
    model: str = Field(description="SHA-256 of the weights.")
    seed: int | None


class Sampled(BaseModel):
    """Samples as numbers."""

    seed: int
    labels: list[str] | None = Field(description="The class of each; null without classes.")
    samples: list[Any] = Field(description="Pixels from 0 to 255, row by row, or points.")
    provenance: Provenance


class Card(BaseModel):
    """What is known of the model; more stands in it than is told here."""

    model_config = ConfigDict(extra="allow")

    recipe: str
    classes: list[str]
    weights: str = Field(description="SHA-256 of the weights.")
    mark: Provenance
    round: bool = Field(description="Whether there are real images for the round.")


class Pair(BaseModel):
    """A real image and a sample."""

    images: list[str] = Field(min_length=2, max_length=2, description="PNG, as data: links.")
    real: int = Field(ge=0, le=1, description="Which of both is real.")


class Round(BaseModel):
    """Pairs to be told apart."""

    seed: int
    pairs: list[Pair]


class Health(BaseModel):
    """Whether the model samples."""

    status: str


def problem(status: int, detail: str) -> JSONResponse:
    """The answer to what is not answered; a caller who may come back is told when."""
    return JSONResponse({"detail": detail}, status, {"Retry-After": str(AFTER)} if status in (503, 504) else None)


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "model": Problem}


def _later(description: str) -> dict[str, Any]:
    return _refusal(description) | {
        "headers": {
            "Retry-After": {"description": "Seconds until it is worth asking again", "required": True, "schema": {"type": "integer"}}
        }
    }


EVERYWHERE: Responses = {
    400: _refusal("The length of the body is no number"),
    403: _refusal("Another host, another website or a frame asks, or a token is missing"),
    413: _refusal("The body is too large"),
    414: _refusal("What is asked is too long"),
    503: _later("Too many wait: come back after Retry-After seconds"),
}
DRAWN: Responses = {
    422: _refusal("What is asked does not fit the limits, or the model"),
    500: _refusal("The model makes broken samples"),
    504: _later("Not answered in time"),
}
TYPES = {"png": "image/png", "webp": "image/webp", "npz": "application/octet-stream"}
FILES: dict[str, Any] = {"description": "A file that says inside that it is synthetic", "content": {each: {} for each in TYPES.values()}}
