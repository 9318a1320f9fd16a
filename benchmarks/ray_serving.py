"""The command `python -m benchmarks.ray_serving`: what Ray Serve adds to a request.

The service with one worker of its own and with one replica of Ray Serve, each alone on the same
processors. Single pictures are sent raw by wrk.
"""

import shlex
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from benchmarks.serving import wrk
from benchmarks.serving.bodies import Bodies
from benchmarks.serving.process import Place, Server, ServerFailed, free_ports, running
from benchmarks.serving.turns import parse_cores
from benchmarks.tables import header, row
from service.settings import ServingEngine
from service.sizing.machine import machine
from service.sizing.pictures import draw_digits
from service.version import version

FIGURES = "ray_serving.json"
_PICTURES, _SIDE = 256, 28
_PATH = "/predict"
_WARM_UP_SECONDS = 2

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Way:
    """A way to run the service."""

    name: str
    engine: ServingEngine


WAYS = (
    Way("a process of its own", ServingEngine.PROCESSES),
    Way("a replica of Ray Serve", ServingEngine.RAY),
)


class Result(BaseModel):
    """How one way did with so many requests at a time; medians of the rounds."""

    model_config = ConfigDict(frozen=True)

    way: str
    concurrency: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_request: float
    failures: int


class Results(BaseModel):
    """Everything that one run found."""

    model_config = ConfigDict(frozen=True)

    command: str
    machine: str
    version: str
    model: str
    seconds: int
    rounds: int
    server_cores: tuple[int, ...]
    load_cores: tuple[int, ...]
    results: tuple[Result, ...]


@app.command()
def ray_serving(
    model: Annotated[str, typer.Option(help="Model that answers.")] = "cnn",
    concurrency: Annotated[str, typer.Option(help="Requests at a time.")] = "1,8,64",
    seconds: Annotated[int, typer.Option(min=1, help="For each measurement.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way has its turn.")] = 3,
    server_cores: Annotated[str, typer.Option(help="Processors of the server.")] = "0,1",
    load_cores: Annotated[str, typer.Option(help="Processors of wrk.")] = "2,3",
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("docs/reports"),
) -> None:
    """Measure requests a second, their times, and the processor time of each."""
    wrk.require_wrk()
    cores, load = parse_cores(server_cores), parse_cores(load_cores)
    numbers = [int(each) for each in concurrency.split(",")]
    found: dict[tuple[str, int], list[Result]] = {}
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        bodies = Path(name) / "bodies"
        headers = {"Content-Type": "image/png"}
        wrk.write_bodies(Bodies(headers, draw_digits(_PICTURES, _SIDE)), bodies)
        for way in track(WAYS * rounds, "measuring", console=console):
            try:
                for result in _measured(way, model, bodies, numbers, seconds, cores, load):
                    found.setdefault((way.name, result.concurrency), []).append(result)
            except ServerFailed as error:
                console.print(f"{way.name}: {error}")
    results = Results(
        command=shlex.join(["python", "-m", "benchmarks.ray_serving", *sys.argv[1:]]),
        machine=machine(),
        version=version(),
        model=model,
        seconds=seconds,
        rounds=rounds,
        server_cores=cores,
        load_cores=load,
        results=tuple(map(_together, found.values())),
    )
    (out / FIGURES).write_text(results.model_dump_json(indent=2) + "\n")
    console.print(Markdown("\n".join(table(results.results))))


def table(results: Sequence[Result]) -> Iterator[str]:
    """The figures as Markdown."""
    yield from header("answered by", "at a time", "requests/s", "median", "99%", "processor time")
    for each in results:
        yield row(
            each.way,
            f"{each.concurrency}",
            f"{each.requests_per_second:,.0f}",
            f"{each.p50_ms:.1f} ms",
            f"{each.p99_ms:.1f} ms",
            f"{each.cpu_ms_per_request:.2f} ms",
        )


def _measured(
    way: Way,
    model: str,
    bodies: Path,
    numbers: Sequence[int],
    seconds: int,
    cores: Sequence[int],
    load_cores: Sequence[int],
) -> Iterator[Result]:
    ports = free_ports(3)
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(ports[0])]
    command += ["--workers", "1", "--default-model", model, "--log-level", "warning"]
    with running(
        [*command, "--engine", way.engine],
        place=Place(sys.executable, "", *ports),
        environment={},
        directory=Path.cwd(),
        ready="/health/ready",
        cores=cores,
    ) as server:
        for number in numbers:
            _load(server, bodies, number, _WARM_UP_SECONDS, load_cores)
            before = server.cpu_seconds()
            load = _load(server, bodies, number, seconds, load_cores)
            yield Result(
                way=way.name,
                concurrency=number,
                requests_per_second=load.requests / load.seconds,
                p50_ms=load.p50_ms,
                p99_ms=load.p99_ms,
                cpu_ms_per_request=1000 * (server.cpu_seconds() - before) / max(1, load.requests),
                failures=load.bad_answers + load.socket_errors,
            )


def _load(
    server: Server, bodies: Path, number: int, seconds: int, cores: Sequence[int]
) -> wrk.Load:
    found = wrk.load(server.url + _PATH, bodies, concurrency=number, seconds=seconds, cores=cores)
    # What was asked last is not to be in the way of what comes next.
    httpx.get(f"{server.url}/health/ready", timeout=60)
    return found


def _together(rounds: Sequence[Result]) -> Result:
    figures = ("requests_per_second", "p50_ms", "p99_ms", "cpu_ms_per_request")
    medians = {name: statistics.median(getattr(each, name) for each in rounds) for name in figures}
    return rounds[0].model_copy(
        update=medians | {"failures": sum(each.failures for each in rounds)}
    )


if __name__ == "__main__":
    app()
