"""The layout of a run folder, and where run folders are.

    runs/0012-fast-digits/
      recipe.json  environment.json  log.txt     settings; versions, hardware, command; what happened in words
      output.txt                                 what the process printed, where the studio started it
      status.json  facts.json                    finished or not; what the report says beside the history (`mulligan.runs.facts`)
      history.jsonl  metrics.jsonl               a line per report; a line per evaluation
      samples/real.png  step-000000.png ...      always the same latents; progress.gif
      checkpoints/step-004096/                   complete or absent
      model/  curves.png  report.html  diagnosis.json  diagnosis.png  usefulness.json

Names that begin with a dot and end in `.writing` or `.part` are not complete yet; the next save removes what a crash left of them.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mulligan.errors import CheckpointError, MulliganError, UsageError
from mulligan.find import suggestion
from mulligan.runs import safe_json
from mulligan.runs.writing import UNFINISHED, disk_errors, write_text

if TYPE_CHECKING:
    from mulligan.recipe import Recipe

Status = Literal["unfinished", "finished"]
_NUMBERED = re.compile(r"(\d{4,9})-.+")
_STEP = re.compile(r"step-(\d{6,18})")
_LONGEST_NAME = 100  # characters of a run's name; bytes of a file name are limited to 255 nearly everywhere


@dataclass(frozen=True)
class Run:
    """One run folder. Making a Run touches no disk.

    >>> Run(Path("runs/0012-fast-digits")).checkpoint(4096).as_posix()
    'runs/0012-fast-digits/checkpoints/step-004096'
    """

    path: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.absolute().name

    @property
    def recipe_file(self) -> Path:
        """Resolved settings; its presence makes a folder a run."""
        return self.path / "recipe.json"

    @property
    def environment_file(self) -> Path:
        """Versions, hardware, command."""
        return self.path / "environment.json"

    @property
    def status_file(self) -> Path:
        """Whether the run is finished."""
        return self.path / "status.json"

    @property
    def facts_file(self) -> Path:
        """What the report says beside the history."""
        return self.path / "facts.json"

    @property
    def log_file(self) -> Path:
        """What happened, in words."""
        return self.path / "log.txt"

    @property
    def output_file(self) -> Path:
        """What the training process printed, where the studio started it."""
        return self.path / "output.txt"

    @property
    def history_file(self) -> Path:
        """One line per report."""
        return self.path / "history.jsonl"

    @property
    def metrics_file(self) -> Path:
        """One line per evaluation."""
        return self.path / "metrics.jsonl"

    @property
    def usefulness_file(self) -> Path:
        """Whether a classifier gains from its samples, as `mulligan helps` last found."""
        return self.path / "usefulness.json"

    @property
    def samples(self) -> Path:
        """Folder of pictures made during training."""
        return self.path / "samples"

    @property
    def real_grid(self) -> Path:
        """Picture of real samples."""
        return self.samples / "real.png"

    @property
    def progress_gif(self) -> Path:
        """All sample grids, one after the other."""
        return self.samples / "progress.gif"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.path / "model"

    @property
    def curves_file(self) -> Path:
        """The curves as a picture."""
        return self.path / "curves.png"

    @property
    def report_file(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @property
    def pairs_picture(self) -> Path:
        """Samples beside the training samples that they are nearest to."""
        return self.samples / "nearest.png"

    @property
    def diagnosis_file(self) -> Path:
        """What the doctor found."""
        return self.path / "diagnosis.json"

    @property
    def diagnosis_picture(self) -> Path:
        """What shows it."""
        return self.path / "diagnosis.png"

    @property
    def lock_file(self) -> Path:
        """Held while a process writes the folder."""
        return self.path / ".lock"

    @property
    def holder_file(self) -> Path:
        """Who holds the lock, or held it last."""
        return self.path / ".holder.json"

    def checkpoint(self, step: int) -> Path:
        """Folder of the checkpoint of a step."""
        return self.checkpoints / f"step-{step:06d}"

    def sample_grid(self, step: int) -> Path:
        """Picture of the fixed latents at a step."""
        return self.samples / f"step-{step:06d}.png"

    def sample_array(self, step: int) -> Path:
        """Numbers of the fixed latents' samples at a step, where the recipe keeps them."""
        return self.samples / f"step-{step:06d}.npz"

    def checkpoint_steps(self) -> list[int]:
        """Steps of the checkpoints that stand under their final name, rising."""
        return _steps(self.checkpoints, "")

    def sample_steps(self) -> list[int]:
        """Steps of the sample grids, rising."""
        return _steps(self.samples, ".png")

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.recipe_file.is_file()

    def write_recipe(self, recipe: "Recipe") -> None:
        """Write the resolved recipe, before step 0."""
        write_text(self.recipe_file, safe_json.dumps(recipe.model_dump(mode="json")))

    def read_recipe(self) -> "Recipe":
        """The recipe. Raises CheckpointError if it is absent, broken or of another schema; UnsafeError if it asks for code."""
        from pydantic import ValidationError

        from mulligan.recipe import Recipe

        try:
            return Recipe.model_validate(safe_json.read_object(self.recipe_file))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            hint = "It was written by another version, or changed by hand"
            raise CheckpointError(f"{self.recipe_file}: {place}: {first['msg']}", hint) from None

    def identity(self) -> str | None:
        """`identity` of the recipe in this folder; None if there is none that can be read."""
        try:
            return identity(self.read_recipe())  # read as a recipe: a setting that an older version did not have is at its default
        except MulliganError:
            return None

    @property
    def status(self) -> Status:
        """`finished` once training reached its horizon."""
        try:
            return "finished" if safe_json.read_object(self.status_file).get("status") == "finished" else "unfinished"
        except MulliganError:
            return "unfinished"

    def write_status(self, status: Status) -> None:
        """Say whether the run is finished."""
        write_text(self.status_file, safe_json.dumps({"status": status}))

    def log(self, text: str) -> None:
        """Append what happened to log.txt, with the time in UTC. Raises DiskError."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        with disk_errors(self.log_file), self.log_file.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{now}  {text}\n")

    def sweep(self) -> None:
        """Remove what a crash left unfinished: files and folders whose name ends so. Only the holder of the lock may do this."""
        for folder in (self.path, self.samples, self.checkpoints, self.model):
            for stray in (*folder.glob(f".*{UNFINISHED}"), *folder.glob(".*.part")):  # .part: `mulligan.marks`
                if stray.is_dir() and not stray.is_symlink():
                    shutil.rmtree(stray, ignore_errors=True)
                else:
                    with disk_errors(stray):
                        stray.unlink(missing_ok=True)

    def prepare(self) -> "Run":
        """Make the folder and its parts if they are not there. Raises DiskError. Returns this run."""
        for folder in (self.path, self.samples, self.checkpoints):
            with disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
        return self


def runs_base(environment: Mapping[str, str] = os.environ) -> Path:
    """Where run folders go: MULLIGAN_RUNS, else ./runs.

    >>> runs_base({"MULLIGAN_RUNS": "/big/disk"}).as_posix()
    '/big/disk'
    """
    return Path(environment.get("MULLIGAN_RUNS") or "runs")


def studies_base(environment: Mapping[str, str] = os.environ) -> Path:
    """Where folders of studies go: `studies`, beside the folder of runs.

    >>> studies_base({"MULLIGAN_RUNS": "/big/disk/runs"}).as_posix()
    '/big/disk/studies'
    """
    return runs_base(environment).parent / "studies"


def create(base: Path, name: str) -> Run:
    """Make a new run folder with the next free number, such as 0012-fast-digits. Raises DiskError."""
    return Run(numbered(base, name)).prepare()


def numbered(base: Path, name: str) -> Path:
    """Make an empty folder with the next free number.

    Numbers come from the folders that are there, not from a clock, and two processes never get the same one. Raises DiskError.
    """
    from filelock import FileLock  # not where a run is only read

    with disk_errors(base):
        base.mkdir(parents=True, exist_ok=True)
        with FileLock(base / ".numbers.lock"):
            number = 1 + max((_number(folder.name) for folder in base.iterdir()), default=0)
            path = base / f"{number:04d}-{slug(name)}"
            path.mkdir()
    return path


def list_runs(base: Path) -> list[Run]:
    """All runs of a folder of runs, oldest number first."""
    if not base.is_dir():
        return []
    with disk_errors(base):
        found = [Run(path) for path in base.iterdir() if not path.name.startswith(".")]
    return sorted((run for run in found if run.exists), key=lambda run: (_number(run.name), run.name))


def open_run(text: str, base: Path | None = None) -> Run:
    """The run that a person means: a path, the name of a run, or its number (`12`).

    Raises UsageError with the nearest name.
    """
    as_path = Run(Path(text))
    if as_path.exists:
        return as_path
    base = base or runs_base()
    runs = list_runs(base)
    for run in runs:
        if text == run.name or (text.isdecimal() and int(text) == _number(run.name)):
            return run
    if Path(text).is_dir():
        raise UsageError(f"{text} holds no recipe.json, so it is no run folder", "`mulligan runs list` names all runs")
    hint = suggestion(text, [run.name for run in runs]) if runs else f"There are no runs in {base} yet: `mulligan train digits` makes one"
    raise UsageError(f"{text}: no such run", hint)


def find_unfinished(base: Path, recipe_identity: str) -> Run | None:
    """The newest unfinished run of that recipe and data which no process holds; None if there is none."""
    from mulligan.runs.lock import is_held

    for run in reversed(list_runs(base)):
        if run.status == "unfinished" and run.identity() == recipe_identity and not is_held(run):
            return run
    return None


def identity(recipe: "Recipe") -> str:
    """SHA-256 of everything in a recipe that may not change on resume: settings, and the fingerprint of the data."""
    from mulligan.recipe import MAY_CHANGE

    kept = {key: value for key, value in sorted(recipe.model_dump(mode="json").items()) if key not in MAY_CHANGE}
    return sha256(safe_json.dumps(kept).encode()).hexdigest()


def slug(name: str) -> str:
    """A name that is good in every file system.

    >>> slug("fast: my photos/ (2)")
    'fast-my-photos-2'
    """
    return re.sub(r"[\W_]+", "-", name).strip("-").lower()[:_LONGEST_NAME].strip("-") or "run"


def _number(name: str) -> int:
    match = _NUMBERED.fullmatch(name)
    return int(match[1]) if match else 0


def _steps(folder: Path, ending: str) -> list[int]:
    if not folder.is_dir():
        return []
    matches = (_STEP.fullmatch(path.name.removesuffix(ending)) for path in folder.iterdir() if path.name.endswith(ending))
    return sorted(int(match[1]) for match in matches if match)
