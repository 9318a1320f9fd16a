"""The command `python -m benchmarks.serving`: speed and CPU time per request, server by server.

All servers run at the same time on one core; clients on the other cores ask them in turn, workload
by workload and round by round, so a slow minute of the machine affects them alike. Any command that
serves on a port can be measured, such as an older checkout:

    --server "before=-C ../before {python} -m service.cli serve --port {port} --workers 1"
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Annotated

import httpx
import typer

from benchmarks.reports import PUBLISHED, Out, Record, Report, header, progress, row, run, write
from benchmarks.serving.clients import ClientFailed, Load, send
from benchmarks.serving.servers import NUMERAL, TUTORIAL, Server, ServerFailed, running
from benchmarks.serving.workloads import STAND_INS, Workload, workloads

app = typer.Typer(add_completion=False)

_METHOD = """# Serving

Made by

    {results.command}

on {results.machine}, with the model `{results.model}`.

The servers share processor {results.server_core} and take turns; the clients use the others. Each
server answers each workload for {results.seconds:g} s in each of {results.rounds} rounds. Figures
are medians. *CPU* is the CPU time of all processes of a server per request. A ratio is the median
of the ratios to `{results.reference}` in the same round: more requests/s are faster, less CPU time
is cheaper. Where `{results.reference}` lacks a workload, its closest one stands in (marked *). wrk
and httpx keep their connections open and send the next request after the answer. *Failed* counts
other statuses than 200 and lost connections.

Pictures are synthetic: digits in MNIST's form (PNG, 28x28), drawings of 28x28 pixels as a paint
program makes them, scans of 100x100 pixels (JPEG), a canvas of 250x250 pixels (PNG), photographs of
12 megapixels (JPEG). [serving.json](serving.json) has the figures of every round, and
[other servers](other_servers.md) those of LitServe, BentoML and others.
"""


class Turn(Record):
    """One server's answers to one workload in one round."""

    server: str
    workload: str
    round: int
    load: Load
    cpu_us: float  # of the server, per request

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.load.requests / self.load.seconds


class ServerState(Record):
    """A server's start, and its memory at the end."""

    server: str
    command: str
    start_seconds: float
    memory_mb: float


class Results(Report):
    """All figures of one run."""

    model: str
    server_core: int
    seconds: float
    rounds: int
    reference: str
    servers: tuple[ServerState, ...]
    turns: tuple[Turn, ...]


@app.command()
def serving(
    server: Annotated[
        list[str] | None,
        typer.Option(
            help='"NAME=COMMAND" with {port}; repeatable, ratios are to the last. '
            "[default: numeral, tutorial]"
        ),
    ] = None,
    workload: Annotated[
        list[str] | None, typer.Option(help="Part of a workload's name; repeatable. [default: all]")
    ] = None,
    model: Annotated[str, typer.Option(help="Model of the servers.")] = "lenet5",
    seconds: Annotated[float, typer.Option(min=1, help="For each turn.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each server and workload.")] = 5,
    server_core: Annotated[int, typer.Option(help="Processor of the servers.")] = 0,
    out: Out = PUBLISHED,
) -> None:
    """Measure requests per second and server CPU time per request; write a report."""
    defaults = (f"numeral={NUMERAL}", f"tutorial={TUTORIAL}")
    commands = dict(each.split("=", 1) for each in server or defaults)
    wanted = workload or [""]
    chosen = [each for each in workloads() if any(part in each.name for part in wanted)]
    clients = os.sched_getaffinity(0) - {server_core} or {server_core}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(running(name, line, {server_core}, model=model))
            for name, line in commands.items()
        ]
        pairs = [(one, load) for load in chosen for one in servers if _answers(one, load, model)]
        turns = [
            _turn(one, load, number, model, seconds, clients)
            for number in progress(range(rounds), "rounds")
            for one, load in (reversed(pairs) if number % 2 else pairs)
        ]
        states = tuple(
            ServerState(
                server=one.name,
                command=commands[one.name],
                start_seconds=one.start_seconds,
                memory_mb=one.memory_mb(),
            )
            for one in servers
        )
    results = Results(
        model=model,
        server_core=server_core,
        seconds=seconds,
        rounds=rounds,
        reference=list(commands)[-1],
        servers=states,
        turns=tuple(turns),
    )
    write(out, "serving", markdown(results), results)


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    yield _METHOD.format(results=results)
    yield from header("server", "command", "start to ready", "memory at the end")
    for one in results.servers:
        start, memory = f"{one.start_seconds:.1f} s", f"{one.memory_mb:,.0f} MB"
        yield row(f"`{one.server}`", f"`{one.command}`", start, memory)
    yield ""
    columns = ("requests/s", "ratio", "CPU, µs", "ratio", "p50, ms", "p99, ms", "failed")
    yield from header("workload", "server", *columns)
    by_pair: dict[tuple[str, str], list[Turn]] = {}
    for turn in sorted(results.turns, key=lambda turn: turn.round):
        by_pair.setdefault((turn.workload, turn.server), []).append(turn)
    for (load, server), turns in by_pair.items():
        own = by_pair.get((load, results.reference))
        stand_in = by_pair.get((STAND_INS.get(load, ""), results.reference), [])
        yield _row(load, server, turns, own or stand_in, "" if own else " *")


def _row(load: str, server: str, turns: Sequence[Turn], compared: Sequence[Turn], mark: str) -> str:
    pairs = list(zip(turns, compared, strict=False))
    rate = median(ours.rate / theirs.rate for ours, theirs in pairs) if pairs else None
    cpu = median(ours.cpu_us / theirs.cpu_us for ours, theirs in pairs) if pairs else None
    return row(
        *(load, f"`{server}`"),
        f"{median(turn.rate for turn in turns):,.0f}",
        f"{rate:.2f}{mark}" if rate else "-",
        f"{median(turn.cpu_us for turn in turns):,.0f}",
        f"{cpu:.2f}{mark}" if cpu else "-",
        f"{median(turn.load.p50_ms for turn in turns):.1f}",
        f"{median(turn.load.p99_ms for turn in turns):.1f}",
        sum(turn.load.failed for turn in turns),
    )


def _answers(server: Server, load: Workload, model: str) -> bool:
    url = server.url + load.path.format(model=model)
    answer = httpx.post(url, content=load.bodies[0], headers=load.headers, timeout=60)
    return answer.status_code == httpx.codes.OK


def _turn(
    server: Server, load: Workload, number: int, model: str, seconds: float, clients: set[int]
) -> Turn:
    url = server.url + load.path.format(model=model)
    if not number:
        send(load, url, 1, clients)  # warms up
    before = server.cpu_seconds()
    found = send(load, url, seconds, clients)
    if not found.requests:
        raise ClientFailed(f"{server.name}, {load.name}: no answer in time; raise --seconds")
    cpu_us = 1e6 * (server.cpu_seconds() - before) / found.requests
    return Turn(server=server.name, workload=load.name, round=number, load=found, cpu_us=cpu_us)


if __name__ == "__main__":
    run(app, ClientFailed, ServerFailed)
