"""report.html: a run on one page that opens offline, for somebody who has never seen a GAN. It reads nothing but the run folder."""

import base64
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mulligan.errors import CheckpointError
from mulligan.runs import curves, environment, facts, history, safe_json
from mulligan.runs.curves import count_text
from mulligan.runs.describing import descriptions
from mulligan.runs.facts import Facts
from mulligan.runs.folder import Run
from mulligan.runs.history import Line
from mulligan.runs.privacy import last_part, local_paths, public
from mulligan.runs.writing import size_text, write_text

TEMPLATE = Path(__file__).with_name("report.html.jinja")
MAXIMUM_PICTURE = 12 * 1024**2  # bytes of one picture; a larger one is named and left out of the page
STRIP = 6  # sample grids on the way that are shown
WAYS = ("real", "augmented", "synthetic", "both")  # what a classifier was trained on, in usefulness.json
_TYPES = {b"\x89PNG\r\n\x1a\n": "image/png", b"GIF87a": "image/gif", b"GIF89a": "image/gif"}


@dataclass(frozen=True)
class Picture:
    """A picture inside the page; `uri` is empty where the file is too large, and `caption` says so."""

    uri: str
    caption: str


@dataclass(frozen=True)
class Setting:
    """One line of the table of settings."""

    key: str
    value: str
    meaning: str


def write(run: Run) -> Path:
    """Write report.html from what the folder holds by now: after a first report as well as at the end.

    Returns its path. Raises DiskError, or CheckpointError and UnsafeError if files of the folder are broken.
    """
    write_text(run.report_file, page(run))
    return run.report_file


def page(run: Run) -> str:
    """The page as HTML text."""
    from jinja2 import Environment, StrictUndefined

    recipe = safe_json.read_object(run.recipe_file) if run.exists else {}
    lines = history.read(run)
    known = facts.read(run)
    private = [*local_paths(run.path), *_sources(recipe)]

    def shown(value: Any) -> str:
        return public(str(value), private)

    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template.filters |= {"shown": shown, "count": count_text, "number": number_text, "duration": duration_text, "shape": shape_text}
    template.filters |= {"thousands": lambda count: f"{count:,}"}
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=run.name,
        title=_title(recipe, known),
        finished=run.status == "finished",
        facts=known,
        last=lines[-1] if lines else None,
        tiles=_tiles(known, lines),
        real=_picture(run.real_grid, "real"),
        latest=_latest(run),
        progress=_picture(run.progress_gif, "progress"),
        nearest=_picture(run.pairs_picture, "nearest"),
        strip=_strip(run, lines),
        diagnosis=_diagnosis(run),
        usefulness=_usefulness(run),
        proof=_picture(run.diagnosis_picture, "diagnosis"),
        curves_light=_curves(run, lines, known, dark=False),
        curves_dark=_curves(run, lines, known, dark=True),
        settings=list(_settings(recipe)),
        sessions=environment.sessions(run),
        decisions=list(_decisions(environment.sessions(run))),
        command=f"mulligan {{}} {shlex.quote(run.name)}".format,
        model=run.model.joinpath("model.json").is_file(),
        images=bool(known and known.data.kind == "image"),
        sized=size_text,
    )


def number_text(value: float | None) -> str:
    """A figure for people: four significant digits.

    >>> number_text(0.123456), number_text(1234567.0), number_text(None)
    ('0.1235', '1,234,567', '-')
    """
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def duration_text(seconds: float) -> str:
    """A time for people.

    >>> duration_text(42.4), duration_text(125), duration_text(7300)
    ('42 s', '2 min 5 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as people write it.

    >>> shape_text((1, 28, 28))
    '1 × 28 × 28'
    """
    return " × ".join(str(side) for side in shape)


def _title(recipe: dict[str, Any], known: Facts | None) -> str:
    data = known.data.name if known else last_part(str(_inside(recipe, "data", "source") or "data"))
    name = recipe.get("name")
    return f"{name} on {data}" if name else data


def _sources(recipe: dict[str, Any]) -> list[str]:
    source = _inside(recipe, "data", "source")
    return [source, str(Path(source).absolute())] if isinstance(source, str) and re.search(r"[/\\]", source) else []


def _inside(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _tiles(known: Facts | None, lines: list[Line]) -> list[tuple[str, str, str]]:
    """The few numbers at the top: (what, value, aside)."""
    last = lines[-1] if lines else {}
    done = known.progress if known else facts.Progress()
    images, steps = done.images or last.get("images") or 0, done.steps or last.get("step") or 0
    seconds = done.seconds or last.get("seconds") or 0
    tiles = [("images seen", count_text(images), f"{steps:,} steps"), ("training time", duration_text(seconds), "")]
    for player in known.players if known else ():
        tiles.append((player.name, f"{player.trainable:,}", "trainable weights"))
    if known:
        for figure in [figure for figure in known.figures if figure.group in ("distance", "fidelity and diversity")][:2]:
            aside = f"real data: {number_text(figure.floor)}" if figure.floor is not None else ""
            tiles.append((figure.name, number_text(figure.value), aside))
    return tiles


def _diagnosis(run: Run) -> dict[str, Any] | None:
    """What the doctor said last; None where it said nothing yet. Raises CheckpointError for a broken file."""
    if not run.diagnosis_file.is_file():
        return None
    told = safe_json.read_object(run.diagnosis_file)
    findings = told.get("findings")
    fields = ("name", "evidence", "remedy", "since_step")
    whole = isinstance(findings, list) and all(isinstance(found, dict) and all(name in found for name in fields) for found in findings)
    if not whole or not isinstance(told.get("verdict"), str):
        raise CheckpointError(f"{run.diagnosis_file} is no diagnosis", "Remove it; the next report of the training makes it anew")
    return {"verdict": told["verdict"], "findings": findings, "notes": told.get("notes") or [], "caption": told.get("picture") or ""}


def _usefulness(run: Run) -> dict[str, Any] | None:
    """What `mulligan helps` found last; None where it was not asked. Raises CheckpointError for a broken file."""
    if not run.usefulness_file.is_file():
        return None
    told = safe_json.read_object(run.usefulness_file)
    sizes = [size for size in told.get("sizes") or [] if isinstance(size, dict)]
    rows = [
        (
            size.get("real"),
            size.get("verdict"),
            [tuple(_inside(size, "accuracy", way, end) for end in ("value", "low", "high")) for way in WAYS],
        )
        for size in sizes
    ]
    whole = rows and all(isinstance(real, int) and isinstance(verdict, str) for real, verdict, _ in rows)
    if not whole or not isinstance(told.get("verdict"), str):
        raise CheckpointError(f"{run.usefulness_file} is no result of `mulligan helps`", "Remove it, or run `mulligan helps` again")
    return {"verdict": told["verdict"], "rows": rows}


def _picture(path: Path, caption: str) -> Picture | None:
    """A PNG or GIF as a data URI; None if there is no such file, or it is neither."""
    if not path.is_file():
        return None
    if path.stat().st_size > MAXIMUM_PICTURE:
        return Picture("", f"{path.name} is too large for this page; it lies in the run folder")
    content = path.read_bytes()
    for start, kind in _TYPES.items():
        if content.startswith(start):
            return Picture(_uri(content, kind), caption)
    return None


def _uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _latest(run: Run) -> Picture | None:
    steps = run.sample_steps()
    return _picture(run.sample_grid(steps[-1]), f"step {steps[-1]:,}") if steps else None


def _strip(run: Run, lines: list[Line]) -> list[Picture]:
    """A few sample grids from the first to the last, closer together at the start, where most happens."""
    steps = run.sample_steps()
    if len(steps) < 3:
        return []
    images = {line.get("step"): line.get("images") for line in lines}
    places = {round((len(steps) - 1) * (place / (STRIP - 1)) ** 1.6) for place in range(STRIP)}
    found = []
    for place in sorted(places):
        seen = images.get(steps[place])
        caption = f"{count_text(seen)} images" if isinstance(seen, int) else f"step {steps[place]:,}"
        found.append(_picture(run.sample_grid(steps[place]), caption))
    return [picture for picture in found if picture is not None]


def _curves(run: Run, lines: list[Line], known: Facts | None, dark: bool) -> str:
    if not lines:
        return ""
    if not dark and run.curves_file.is_file() and run.curves_file.stat().st_mtime >= run.history_file.stat().st_mtime:
        return _uri(run.curves_file.read_bytes(), "image/png")  # the same picture, drawn already
    return _uri(curves.picture(lines, known.loss.reading if known and known.loss else None, dark), "image/png")


def _settings(recipe: dict[str, Any]) -> Iterator[Setting]:
    meanings = descriptions(recipe)
    for path, value in _flat(recipe):
        key = ".".join(part if part.isidentifier() else last_part(part) for part in path)
        yield Setting(key, _value_text(path, value), meanings.get(path, ""))


def _decisions(sessions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """What was settled in the last session, without what was left open."""
    found = sessions[-1].get("decisions") if sessions else None
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, dict):  # such as outside code with the hashes of its files
            value = [last_part(str(key)) for key in value]
        if value not in (None, "", []):
            yield name.replace("_", " "), _value_text(("decisions", name), value)


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, (*path, key))
    else:
        yield path, value


def _value_text(path: tuple[str, ...], value: Any) -> str:
    if path == ("data", "source"):
        return last_part(str(value))
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= 10_000 and path[-1] != "seed":
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)
