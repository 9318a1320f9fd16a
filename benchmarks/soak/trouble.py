"""Slow and cut connections beside normal callers."""

import asyncio
import base64
import contextlib
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import uvloop

from benchmarks.soak.calls import Wanted, call
from benchmarks.soak.exchange import request
from benchmarks.soak.plan import Plan
from benchmarks.soak.quiet import digits_in_quiet
from benchmarks.soak.results import Troublemakers
from benchmarks.soak.target import Target, target

_CONCURRENCY = 32
_TROUBLEMAKERS = 200
_LIMIT_SECONDS = 3.0  # of a body, and of an answer that is not taken
_CLEAN_UP_SECONDS = 10.0
_SMALL_BUFFER = 4096
_PACE_SECONDS = 1.0
_BATCH = 100
_LONG = 3600

Say = Callable[[str], None]
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Behave = Callable[[Reader, Writer, bytes], Awaitable[None]]


@dataclass(frozen=True)
class Trouble:
    """What the troublemakers of one kind are to do, for so many seconds."""

    url: str
    kind: str
    body: bytes
    seconds: float


def trouble_makers(plan: Plan, say: Say) -> Iterator[Troublemakers]:
    """One kind after another, each beside the same normal load."""
    limits = {"body_timeout": _LIMIT_SECONDS, "answer_timeout": _LIMIT_SECONDS}
    workers = len(plan.cores.server)
    with target(plan.cores.server, workers=workers, model=plan.model, **limits) as service:
        digits = digits_in_quiet(service.url, plan.files)
        for kind in KINDS:
            say(f"beside callers that {kind}")
            yield _beside(plan, service, digits, kind)


def _beside(plan: Plan, service: Target, digits: list[str], kind: str) -> Troublemakers:
    seconds = plan.durations.troubled
    normal = Wanted(service.url, plan.singles(service.url), digits, _CONCURRENCY, seconds)
    trouble = Trouble(service.url, kind, plan.files[0], seconds)
    with plan.generators(2) as pool:
        calm = pool.submit(call, normal).result()
        troubling = pool.submit(make_trouble, trouble)
        beside = pool.submit(call, normal).result()
        cut_off = troubling.result()
    return Troublemakers(
        kind=kind,
        connections=_TROUBLEMAKERS,
        calm=len(calm.answered) / seconds,
        beside=len(beside.answered) / seconds,
        wrong=calm.wrong + beside.wrong,
        other_answers=calm.others + beside.others,
        lost=calm.lost + beside.lost,
        p99_calm_ms=float(np.percentile(calm.latencies, 99) * 1000),
        p99_beside_ms=float(np.percentile(beside.latencies, 99) * 1000),
        cut_off=cut_off,
        left_open=_left_open(service),
    )


def make_trouble(trouble: Trouble) -> int:
    """Keep so many bad connections going; how many of them the service has ended."""
    return uvloop.run(_make_trouble(trouble))


async def _make_trouble(trouble: Trouble) -> int:
    end = time.monotonic() + trouble.seconds
    address = urlsplit(trouble.url)
    cut_off = 0

    async def go_on() -> None:
        nonlocal cut_off
        while time.monotonic() < end:
            caller = socket.socket()
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
            caller.setblocking(False)
            await asyncio.get_running_loop().sock_connect(caller, (address.hostname, address.port))
            reader, writer = await asyncio.open_connection(sock=caller, limit=_SMALL_BUFFER)
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await KINDS[trouble.kind](reader, writer, trouble.body)
            except TimeoutError:
                pass
            except OSError:
                cut_off += 1
            finally:
                writer.transport.abort()
            await asyncio.sleep(_PACE_SECONDS)

    await asyncio.gather(*(go_on() for _ in range(_TROUBLEMAKERS)))
    return cut_off


async def _dribble(reader: Reader, writer: Writer, body: bytes) -> None:
    """Send a byte a second until the service ends it."""
    whole = request("http://slow", "/predict", body)
    head = len(whole) - len(body)
    writer.write(whole[:head])
    await _until_ended(reader, writer, whole[head:])


async def _dribble_the_head(reader: Reader, writer: Writer, body: bytes) -> None:
    await _until_ended(reader, writer, request("http://slow", "/predict", body))


async def _until_ended(reader: Reader, writer: Writer, data: bytes) -> None:
    ended = asyncio.create_task(reader.read())
    try:
        for place in range(len(data)):
            writer.write(data[place : place + 1])
            await asyncio.wait([ended], timeout=1)
            if ended.done():
                raise ConnectionResetError
    finally:
        ended.cancel()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await ended


async def _cut(_: Reader, writer: Writer, body: bytes) -> None:
    """Send half of a body, and go."""
    writer.write(request("http://cut", "/predict", body)[: -len(body) // 2])
    await writer.drain()
    await asyncio.sleep(0.05)


async def _leave(_: Reader, writer: Writer, body: bytes) -> None:
    """Send all, and go before the answer."""
    writer.write(request("http://gone", "/predict", body))
    await writer.drain()
    await asyncio.sleep(0.001)


async def _never_read(_: Reader, writer: Writer, body: bytes) -> None:
    """Ask for a long answer, and take nothing of it."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    batch = json.dumps({"images": [base64.b64encode(body).decode()] * _BATCH}).encode()
    headers = {"Content-Type": "application/json"}
    writer.write(request("http://deaf", "/predict/batch", batch, headers))
    await writer.drain()
    await asyncio.sleep(_LONG)


KINDS: dict[str, Behave] = {
    "dribble a body": _dribble,
    "dribble a head": _dribble_the_head,
    "cut a body in its middle": _cut,
    "leave before the answer": _leave,
    "never read": _never_read,
}


def _left_open(service: Target) -> int:
    deadline = time.monotonic() + _CLEAN_UP_SECONDS
    while (left := service.connections()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left
