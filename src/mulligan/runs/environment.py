"""environment.json: versions, hardware and command of each session of a run. It stays in the folder; no user and no host go in."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mulligan.errors import MulliganError
from mulligan.runs import safe_json
from mulligan.runs.folder import Run
from mulligan.runs.writing import write_text

PACKAGES = ("mulligan", "torch", "numpy", "pillow", "pydantic", "safetensors", "matplotlib")
_MOST_SESSIONS = 100  # a run that is preempted every hour must not grow a file without end


def record(run: Run, command: Sequence[str], decisions: Mapping[str, Any]) -> None:
    """Add this session to environment.json.

    command: as the user gave it. decisions: JSON values that a clock or a measurement settled and that are replayed on resume
    (threads, compile, precision, horizon). Raises DiskError.
    """
    session = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "decisions": dict(decisions),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
        "cores": cores(),
        "memory": memory(),
        "accelerator": _accelerator(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }
    _write(run, [*sessions(run), session])


def amend(run: Run, decisions: Mapping[str, Any]) -> None:
    """Change decisions of the newest session, so that a resumed run replays what was done and not what was planned. Raises DiskError."""
    *before, newest = sessions(run) or [{}]
    _write(run, [*before, {**newest, "decisions": {**newest.get("decisions", {}), **decisions}}])


def _write(run: Run, found: Sequence[Mapping[str, Any]]) -> None:
    first, *others = found
    write_text(run.environment_file, safe_json.dumps({"schema_version": 1, "sessions": [first, *others[1 - _MOST_SESSIONS :]]}))


def sessions(run: Run) -> list[dict[str, Any]]:
    """The sessions of a run, the first one first; empty if none can be read."""
    try:
        found = safe_json.read_object(run.environment_file).get("sessions")
    except MulliganError:
        return []
    return [session for session in found if isinstance(session, dict)] if isinstance(found, list) else []


def processor() -> str:
    """Name of the processor, as far as the system tells it without starting a process."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def device(asked: str) -> str:
    """The device that `auto` stands for here: `cuda` where torch finds such a GPU, else `cpu`; any other is what was asked for.

    >>> device("cpu")
    'cpu'
    """
    if asked != "auto":
        return asked
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def has_bfloat16(device: str) -> bool:
    """Whether the processor (cpu) or the GPU (cuda) has instructions for bfloat16, and does not only imitate it."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(has is True for name, has in torch.cpu.get_capabilities().items() if "bf16" in name)


def memory() -> int | None:
    """Bytes of memory of the machine, if the system tells."""
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _accelerator() -> str:
    """Name of the GPU that torch found, asked only where torch is in use already."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    return str(torch.cuda.get_device_name())


def _version(name: str) -> str:
    if name == "mulligan":
        from mulligan import __version__

        return __version__
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
