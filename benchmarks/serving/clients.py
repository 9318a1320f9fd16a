"""Clients that repeat a workload for some seconds: wrk, and httpx in a process of its own."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Set
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from benchmarks.reports import Record
from benchmarks.serving.workloads import Workload

_TIMEOUT_SECONDS = 60
_PREFIX = "MEASURED "

# Sends the bodies of the folder in turn and prints the figures as one line of JSON.
_LUA = """
local folder = "%s"
local next_body = 0
wrk.method = "POST"
%s
function init(args)
    bodies = {}
    for number = 1, %d do
        local file = assert(io.open(folder .. "/" .. number, "rb"))
        bodies[number] = wrk.format(nil, nil, nil, file:read("*a"))
        file:close()
    end
end
function request()
    next_body = next_body %% #bodies + 1
    return bodies[next_body]
end
function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        '%s{"requests": %%d, "seconds": %%f, "p50_ms": %%f, "p99_ms": %%f, "failed": %%d}\\n',
        summary.requests, summary.duration / 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


class Load(Record):
    """The requests of one client; `failed` have another status than 200, or no answer."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failed: int


class ClientFailed(Exception):
    """A client printed no figures; the message has its output."""


def send(workload: Workload, url: str, seconds: float, cores: Set[int]) -> Load:
    """Repeat `workload` for some seconds on `cores`; httpx replaces wrk where that is missing."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number, body in enumerate(workload.bodies, 1):
            (folder / str(number)).write_bytes(body)
        if workload.client == "wrk" and shutil.which("wrk"):
            command = _wrk(workload, url, seconds, folder)
        else:
            arguments = (url, folder, json.dumps(workload.headers), seconds, workload.connections)
            command = [sys.executable, "-m", "benchmarks.serving.clients", *map(str, arguments)]
        pinned = ["taskset", "-c", ",".join(map(str, sorted(cores))), *command]
        done = subprocess.run(pinned, capture_output=True, text=True, check=False)  # noqa: S603
    for line in done.stdout.splitlines():
        if line.startswith(_PREFIX):
            return Load.model_validate_json(line.removeprefix(_PREFIX))
    raise ClientFailed(f"{command[0]} printed no figures: {done.stdout}{done.stderr}")


def _wrk(workload: Workload, url: str, seconds: float, folder: Path) -> list[str]:
    headers = "\n".join(f'wrk.headers["{k}"] = "{v}"' for k, v in workload.headers.items())
    script = folder / "script.lua"
    script.write_text(_LUA % (folder, headers, len(workload.bodies), _PREFIX))
    options = ["-t1", f"-c{workload.connections}", f"-d{round(seconds)}s", "--latency"]
    return ["wrk", *options, f"--timeout={_TIMEOUT_SECONDS}s", "-s", str(script), url]


async def _repeat(
    url: str, bodies: list[bytes], headers: dict[str, str], seconds: float, connections: int
) -> Load:
    latencies: list[float] = []
    failed = 0
    turns = cycle(bodies)

    async def call(client: httpx.AsyncClient) -> None:
        nonlocal failed
        while time.perf_counter() < end:
            sent = time.perf_counter()
            try:
                answer = await client.post(url, content=next(turns), headers=headers)
                failed += answer.status_code != httpx.codes.OK
            except httpx.HTTPError:
                failed += 1
            latencies.append(time.perf_counter() - sent)

    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(limits=limits, timeout=_TIMEOUT_SECONDS) as client:
        started = time.perf_counter()
        end = started + seconds
        await asyncio.gather(*(call(client) for _ in range(connections)))
        took = time.perf_counter() - started
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    return Load(requests=len(latencies), seconds=took, p50_ms=p50, p99_ms=p99, failed=failed)


def main(url: str, folder: str, headers: str, seconds: str, connections: str) -> None:
    """Send the bodies in `folder` with httpx and print the figures."""
    bodies = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    load = _repeat(url, bodies, json.loads(headers), float(seconds), int(connections))
    print(_PREFIX + asyncio.run(load).model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
