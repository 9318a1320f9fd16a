"""The command `python -m benchmarks.soak`: memory under mixed requests, killed workers, a stop."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Annotated

import httpx
import numpy as np
import psutil
import typer

from benchmarks.reports import PUBLISHED, Out, Record, Report, header, row, write
from benchmarks.serving.servers import NUMERAL, Server, running
from benchmarks.serving.workloads import Workload, workloads

_MODEL = "resnet"
_CONNECTIONS = 16
_KILLS = 3
_CALM_SECONDS = 5.0
_POLL_SECONDS = 0.1
_SAMPLE_SECONDS = 1.0
_WARM_UP = 0.2  # share of the memory samples that do not count
_LOST = "lost"  # the connection ended before the response

_METHOD = f"""# Load and faults

Made by

    {{results.command}}

on {{results.machine}}, with {{results.workers}} workers on one processor, the model `{_MODEL}`, and
{_CONNECTIONS} connections of httpx on the others. [soak.json](soak.json) has all figures.

## Memory

Resident memory of all processes in {{results.memory.minutes:g}} minutes of mixed requests:
**{{start:,.0f}} MB** after the warm-up, **{{end:,.0f}} MB** at the end, at most {{most:,.0f}} MB;
{{results.memory.slope_mb_per_hour:+,.0f}} MB per hour by linear regression.
"""

_FAULTS = """
## Faults

Clients send 100x100 JPEGs all the time. A request is *lost* if its connection ends before the
response. A fault is over when all workers are ready again, or the service has ended.
"""

Requests = Sequence[Workload]
Cause = Callable[[Server], int | None]  # returns when the fault is over, with the exit status

app = typer.Typer(add_completion=False)


class Memory(Record):
    """Resident memory of all processes, every second; answers by workload and status."""

    minutes: float
    answers: dict[str, int]
    slope_mb_per_hour: float  # by linear regression
    samples_mb: tuple[float, ...]  # after the warm-up


class Fault(Record):
    """A fault under load, with answers by workload and status, and seconds until it was over."""

    name: str
    answers: dict[str, int]
    seconds: float
    exit_status: int | None = None


class Results(Report):
    """All figures of one run."""

    workers: int
    memory: Memory
    faults: tuple[Fault, ...]


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.1, help="Of mixed requests.")] = 10,
    workers: Annotated[int, typer.Option(min=2, help="Workers of the service.")] = 2,
    server_core: Annotated[int, typer.Option(help="Processor of the service.")] = 0,
    start: Annotated[str, typer.Option("--server", help="Command of the service.")] = NUMERAL,
    out: Out = PUBLISHED,
) -> None:
    """Watch memory for minutes, kill workers and stop the service under load; write a report."""
    os.sched_setaffinity(0, os.sched_getaffinity(0) - {server_core} or {server_core})
    requests = list(workloads())
    single = [load for load in requests if load.name == "100x100 JPEG, form"]
    with running("numeral", start, {server_core}, model=_MODEL, workers=workers) as server:
        memory = asyncio.run(_watch(server, requests, 60 * minutes))
        causes = [("SIGKILL to a worker", _kill_worker)] * _KILLS + [("SIGTERM", Server.stop)]
        faults = [asyncio.run(_fault(server, single, *each)) for each in causes]
    results = Results(workers=workers, memory=memory, faults=tuple(faults))
    write(out, "soak", markdown(results), results)


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    samples = results.memory.samples_mb
    yield _METHOD.format(results=results, start=samples[0], end=samples[-1], most=max(samples))
    yield from header("request: status", "answers")
    for name, answers in results.memory.answers.items():
        yield row(name, f"{answers:,}")
    yield _FAULTS
    yield from header("fault", "status 200", "lost", "other statuses", "over after", "exit status")
    for fault in results.faults:
        good, lost = (_count(fault.answers, status) for status in ("200", _LOST))
        others = sum(fault.answers.values()) - good - lost
        status = "" if fault.exit_status is None else fault.exit_status
        yield row(fault.name, f"{good:,}", lost, others, f"{fault.seconds:.1f} s", status)


def _count(answers: dict[str, int], status: str) -> int:
    return sum(n for name, n in answers.items() if name.endswith(f": {status}"))


async def _watch(server: Server, requests: Requests, seconds: float) -> Memory:
    deadline = time.monotonic() + seconds
    sending = asyncio.create_task(_send(server, requests, lambda: time.monotonic() > deadline))
    samples: list[float] = []
    while not sending.done():
        samples.append(server.memory_mb())
        await asyncio.wait([sending], timeout=_SAMPLE_SECONDS)
    samples = samples[int(_WARM_UP * len(samples)) :]
    hours = np.arange(len(samples)) * _SAMPLE_SECONDS / 3600
    return Memory(
        minutes=seconds / 60,
        answers=sending.result(),
        slope_mb_per_hour=float(np.polyfit(hours, samples, 1)[0]),
        samples_mb=tuple(samples),
    )


async def _fault(server: Server, requests: Requests, name: str, cause: Cause) -> Fault:
    """Send requests, cause a fault, and go on for as long after it as before it."""
    done = asyncio.Event()
    sending = asyncio.create_task(_send(server, requests, done.is_set))
    await asyncio.sleep(_CALM_SECONDS)
    started = time.monotonic()
    status = await asyncio.to_thread(cause, server)
    seconds = time.monotonic() - started
    if status is None:
        await asyncio.sleep(_CALM_SECONDS)
    done.set()
    return Fault(name=name, answers=await sending, seconds=seconds, exit_status=status)


def _kill_worker(server: Server) -> None:
    old = _workers(server)
    old[0].kill()
    ready = f"\nnumeral_workers {float(len(old))}\n"
    metrics = f"{server.url}/metrics"
    while not set(_workers(server)) - set(old) or ready not in httpx.get(metrics, timeout=60).text:
        time.sleep(_POLL_SECONDS)


def _workers(server: Server) -> list[psutil.Process]:
    return [each for each in server.processes()[1:] if "spawn_main" in " ".join(each.cmdline())]


async def _send(server: Server, requests: Requests, done: Callable[[], bool]) -> Counter[str]:
    """Send `requests` in turn over all connections until `done`; count names and statuses."""
    tally: Counter[str] = Counter()
    turns = count()

    async def send() -> None:
        while not done():
            turn = next(turns)
            load = requests[turn % len(requests)]
            url = server.url + load.path.format(model=_MODEL)
            body = load.bodies[turn // len(requests) % len(load.bodies)]
            try:
                status = (await client.post(url, content=body, headers=load.headers)).status_code
            except httpx.ConnectError:  # nothing listens: not sent
                await asyncio.sleep(_POLL_SECONDS)
                continue
            except httpx.TransportError:
                status = _LOST
            tally[f"{load.name}: {status}"] += 1

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(send() for _ in range(_CONNECTIONS)))
    return tally


if __name__ == "__main__":
    app()
