"""How quickly `mulligan serve` answers: one client, 16 and 200, over loopback, server and clients on the same cores.

    python benchmarks/serving.py            measures, and prints the table
    python benchmarks/serving.py publish    the same, and writes benchmarks/results/serving.json and the table of docs/serving.md

The model is `fast` on digits after five steps: how long an answer takes does not depend on what was learnt. Each client asks again as soon
as it has its answer; one that is refused (503) waits a moment. Latencies are of answers with samples, rejections are counted apart.
"""

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cells

from mulligan.runs import environment

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "serving.json"
PAGE = ROOT / "docs" / "serving.md"
CLIENTS = (1, 16, 200)
SECONDS = 8.0  # of each number of clients
MANY = 10_000  # requests over which memory is looked at
ASKED = {
    "one png": "/api/sample?seed={}",
    "100 as npz": "/api/sample?n=100&format=npz&seed={}",
    "1,000 as npz": "/api/sample?n=1000&format=npz&seed={}",
}
IMAGES = {"one png": 1, "100 as npz": 100, "1,000 as npz": 1000}


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str) -> int:
    """One request on an open connection; returns the status."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = re.search(r"content-length: (\d+)", head)
    assert length is not None, head
    await reader.readexactly(int(length[1]))
    return int(head.split()[1])


async def client(host: str, path: str, number: int, until: float, found: list[float], refused: list[int]) -> None:
    """Ask again and again until a moment."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    seed = number * 1_000_000
    while time.perf_counter() < until:
        seed += 1
        begun = time.perf_counter()
        if await ask(reader, writer, host, path.format(seed)) == 200:
            found.append(time.perf_counter() - begun)
        else:
            refused.append(1)
            await asyncio.sleep(0.1)
    writer.close()


async def load(host: str, path: str, clients: int) -> dict[str, Any]:
    """What so many clients see."""
    found: list[float] = []
    refused: list[int] = []
    begun = time.perf_counter()
    await asyncio.gather(*(client(host, path, number, begun + SECONDS, found, refused) for number in range(clients)))
    spent = time.perf_counter() - begun
    cuts = statistics.quantiles(found, n=100)
    return {
        "clients": clients,
        "answers": len(found),
        "refused": len(refused),
        "seconds": spent,
        "p50": cuts[49],
        "p95": cuts[94],
        "p99": cuts[98],
    }


async def many(host: str) -> None:
    """So many requests of 16 clients."""

    async def some(number: int) -> None:
        name, _, port = host.partition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        for place in range(MANY // 16):
            await ask(reader, writer, host, f"/api/sample?seed={number * MANY + place}")
        writer.close()

    await asyncio.gather(*(some(number) for number in range(16)))


async def first(host: str) -> None:
    """The first image of a server."""
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    await ask(reader, writer, host, "/api/sample")
    writer.close()


def resident(process: int) -> int:
    """Bytes of memory of a process."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) * 1024  # type: ignore[index]


def measure() -> dict[str, Any]:
    """Everything."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        mulligan = [sys.executable, "-m", "mulligan"]
        subprocess.run([*mulligan, "train", "digits", "--steps", "5", "--run", run], check=True, capture_output=True)
        begun = time.perf_counter()
        with subprocess.Popen([*mulligan, "serve", run, "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                host = server.stdout.readline().split()[0].removeprefix("http://").rstrip("/")
                asyncio.run(first(host))
                cold = time.perf_counter() - begun
                rows = [{"asked": name, **asyncio.run(load(host, path, clients))} for name, path in ASKED.items() for clients in CLIENTS]
                before = resident(server.pid)
                asyncio.run(many(host))
                after = resident(server.pid)
            finally:
                server.terminate()
    machine = {"processor": environment.processor(), "cores": environment.cores(), "date": time.strftime("%Y-%m-%d")}
    return {"cold": cold, "rows": rows, "before": before, "after": after, "machine": machine}


def table(found: dict[str, Any]) -> str:
    """Latencies and rates, what was aimed at, and the machine."""
    lines = ["| asked for | clients | images a second | p50 ms | p95 ms | p99 ms | refused |", "|---|---:|---:|---:|---:|---:|---:|"]
    for row in found["rows"]:
        rate = IMAGES[row["asked"]] * row["answers"] / row["seconds"]
        times = " | ".join(f"{row[name] * 1e3:.1f}" for name in ("p50", "p95", "p99"))
        refused = f"{row['refused'] / (row['refused'] + row['answers']):.0%}"
        lines.append(f"| {row['asked']} | {row['clients']} | {rate:,.0f} | {times} | {refused} |")
    one = next(row for row in found["rows"] if row["asked"] == "one png" and row["clients"] == 1)
    most = max(IMAGES[row["asked"]] * row["answers"] / row["seconds"] for row in found["rows"] if "npz" in row["asked"])
    grown = (found["after"] - found["before"]) / 2**20
    aims = [
        ("p50 below 10 ms at one client", f"{one['p50'] * 1e3:.1f} ms", one["p50"] < 0.01),
        ("2,000 images a second as npz", f"{most:,.0f}", most >= 2000),
        ("first image 2 s after a cold start", f"{found['cold']:.2f} s", found["cold"] <= 2),
        (f"flat memory over {MANY:,} requests", f"{grown:+.1f} MiB of {found['before'] / 2**20:.0f}", grown < 10),
    ]
    lines += ["", "| aim | measured | |", "|---|---:|---|"]
    lines += [f"| {said} | {figure} | {'reached' if reached else 'missed'} |" for said, figure, reached in aims]
    machine = found["machine"]
    return "\n".join([*lines, "", f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['date']}."])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print or publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("measure", "publish"), default="measure")
    asked = parser.parse_args(arguments)
    found = measure()
    if asked.what == "publish":
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        cells.put(PAGE, "serving", table(found))
    print(table(found))


if __name__ == "__main__":
    main()
