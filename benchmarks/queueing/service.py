"""A service on a core of its own, and callers on the others."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from benchmarks.queueing.calibrate import Caller
from benchmarks.soak.overload import connections_for
from benchmarks.soak.target import target
from service.sizing.pictures import draw_digits

_PICTURES, _SIDE = 100, 28
_WARM_UP_SECONDS = 2.0

# Processes that ask: fewer would be slower than the service.
_CALLERS = 3


@contextmanager
def asked_service(model: str, core: int) -> Iterator[Caller]:
    """Start `numeral serve` with one worker, warm; digits of 28x28 pixels, drawn, are sent."""
    others = sorted(os.sched_getaffinity(0) - {core}) or [core]
    processes = min(_CALLERS, len(others))
    spawn = multiprocessing.get_context("spawn")
    with (
        target((core,), workers=1, model=model) as service,
        ProcessPoolExecutor(processes, spawn, _settle_on, (others,)) as pool,
    ):
        pictures = draw_digits(_PICTURES, _SIDE)
        caller = Caller(pool, processes, service.url, pictures, connections_for(1))
        caller.closed(16, _WARM_UP_SECONDS)
        yield caller


def _settle_on(cores: Sequence[int]) -> None:
    os.sched_setaffinity(0, cores)
