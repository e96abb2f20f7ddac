"""`mulligan checks`: what Mulligan finds on this machine."""

import json
import os
import platform
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

import mulligan
from mulligan.cli.command import call

SCHEMA_VERSION = 1
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)[^;]*(?:;\s*extra == ['\"](?P<extra>[^'\"]+)['\"])?")


def run(arguments: list[str]) -> int:
    """Print what was found; the exit code is 0 unless torch cannot be used."""
    return call("checks", checks, arguments)


def checks(as_json: Annotated[bool, typer.Option("--json", help="One object for a program.")] = False) -> int:
    """What Mulligan finds on this machine: versions, device, threads, compiler, folders, data, extras. Writes nothing."""
    found = find_out()
    print(json.dumps(found, indent=2, ensure_ascii=False) if as_json else _text(found))
    return 1 if found["problems"] else 0


def find_out() -> dict[str, Any]:
    """Everything that `mulligan checks` reports, as it is written with `--json`."""
    core, extras = _requirements()
    problems = [f"{name} is not installed" for name, version in core.items() if version is None]
    try:
        computing = _computing()
    except (ImportError, OSError) as error:  # a broken torch is what one calls this verb for
        computing = {"devices": [], "threads": None, "compiler": None}
        problems.append(f"torch cannot be imported: {error}")
    return {
        "schema_version": SCHEMA_VERSION,
        "mulligan": mulligan.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "versions": core,
        "cores": _cores(),
        **computing,
        "folders": _folders(),
        "data": _data(),
        "extras": extras,
        "problems": problems,
    }


def _requirements() -> tuple[dict[str, str | None], dict[str, dict[str, str | None]]]:
    """Installed versions of what Mulligan needs, and of what its extras need; None where it is missing."""
    core: dict[str, str | None] = {}
    extras: dict[str, dict[str, str | None]] = {}
    for line in _declared():
        match = _REQUIREMENT.match(line)
        if match:
            part = extras.setdefault(match["extra"], {}) if match["extra"] else core
            part[match["name"]] = _version(match["name"])
    return core, extras


def _declared() -> list[str]:
    """Requirements as the package declares them; none where it runs from its sources without being installed."""
    try:
        return metadata.requires("mulligan") or []
    except metadata.PackageNotFoundError:
        return []


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _computing() -> dict[str, Any]:
    import torch

    from mulligan.training.compiling import compiler

    devices: list[dict[str, Any]] = [{"name": "cpu", "what": platform.machine(), "memory_bytes": None}]
    for index in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(index)
        devices.append({"name": f"cuda:{index}", "what": card.name, "memory_bytes": card.total_memory})
    if torch.backends.mps.is_available():
        devices.append({"name": "mps", "what": "Apple GPU", "memory_bytes": None})
    return {"devices": devices, "threads": torch.get_num_threads(), "compiler": compiler()}


def _cores() -> int:
    """Cores that this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _folders() -> dict[str, dict[str, Any]]:
    """Where Mulligan writes, and whether it could; a folder that does not exist yet is judged by the one that it would be made in."""
    from mulligan.data.download import cache_folder
    from mulligan.runs.folder import runs_base

    folders = {}
    for name, folder in (("runs", runs_base()), ("cache", cache_folder())):
        path = folder.absolute()
        there = next(place for place in (path, *path.parents) if place.exists())
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        folders[name] = {"path": str(path), "writable": writable, "free_bytes": shutil.disk_usage(there).free}
    return folders


def _data() -> dict[str, str]:
    """Built-in sets, and where each one is: in the package, a folder, or not on this machine yet."""
    from mulligan import find
    from mulligan.data.download import offline
    from mulligan.data.opening import built_in
    from mulligan.data.originals import Original, found_in

    missing = (
        "not on this machine; MULLIGAN_OFFLINE forbids its download" if offline() else "not on this machine; downloaded when first used"
    )
    places = {}
    for name in built_in():
        original = getattr(find.load("data", name), "ORIGINAL", None)
        folder = found_in(original) if isinstance(original, Original) else Path("built in")
        places[name] = str(folder or missing)
    return places


def _text(found: dict[str, Any]) -> str:
    """The same for a person: one line per subject."""
    lines = {
        "mulligan": f"{found['mulligan']}, Python {found['python']} ({found['executable']})",
        "system": f"{found['system']}, {found['cores']} cores",
        "versions": _versions(found["versions"]),
        "devices": "; ".join(_device(device) for device in found["devices"]) or "none",
        "threads": found["threads"] or "unknown",
        "compiler": found["compiler"] or "none: training runs uncompiled and slower; install g++ or clang",
    }
    for name, folder in found["folders"].items():
        can = "can be written" if folder["writable"] else "CANNOT be written"
        lines[name] = f"{folder['path']}, {can}, {folder['free_bytes'] / 2**30:.0f} GiB free"
    lines |= {f"data {name}": place for name, place in found["data"].items()}
    lines |= {f"extra {name}": _versions(versions) for name, versions in found["extras"].items()}
    lines |= {f"problem {number}": problem for number, problem in enumerate(found["problems"], start=1)}
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {what}" for name, what in lines.items())


def _versions(versions: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())


def _device(device: dict[str, Any]) -> str:
    memory = f", {device['memory_bytes'] / 2**30:.0f} GiB" if device["memory_bytes"] else ""
    return f"{device['name']} ({device['what']}{memory})"
