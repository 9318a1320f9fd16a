"""More work than the service can do: what is left of its best, and how fast it says no."""

import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.serving import wrk
from benchmarks.serving.bodies import bodies, raw
from benchmarks.soak.calls import Wanted, call, together
from benchmarks.soak.figures import load
from benchmarks.soak.offer import Offer, offer
from benchmarks.soak.plan import Plan
from benchmarks.soak.quiet import digits_in_quiet
from benchmarks.soak.results import Load, Overload
from benchmarks.soak.target import Target, target
from service.settings import Settings

TWICE = 2.0
_CONCURRENCIES = (64, 256)
_STEPS = (0.5, 0.8, 1.0, 1.25, 1.5, TWICE, 3.0)

# Besides those whose requests fill the queue: for what was refused and is on its way.
_SPARE_CONNECTIONS = 2000
_SPARE_FILES = 200
_PATIENCE_SECONDS = 15  # a request has 10

Say = Callable[[str], None]


def overload(plan: Plan, say: Say) -> Overload:
    """The peak of a closed loop, then loads in an open one, the long one at twice the peak."""
    workers = len(plan.cores.server)
    connections = connections_for(workers)
    with (
        target(plan.cores.server, workers=workers, model=plan.model) as service,
        plan.generators() as pool,
    ):
        digits = digits_in_quiet(service.url, plan.files)
        say("overload: the peak")
        peak, concurrency = max(
            (_closed(plan, service, pool, digits, each), each) for each in _CONCURRENCIES
        )

        def offered(share: float, seconds: int) -> Load:
            return _open(plan, service, pool, digits, (peak, share * peak, seconds, connections))

        loads = []
        for share in _STEPS:
            say(f"overload: {share:g} times the peak")
            loads.append(offered(share, plan.durations.step))
        say(f"overload: {TWICE:g} times the peak for {plan.durations.overload} s")
        return Overload(
            peak=peak,
            peak_concurrency=concurrency,
            connections=connections,
            loads=tuple(loads),
            long=offered(TWICE, plan.durations.overload),
        )


def connections_for(workers: int) -> int:
    """How many an open loop needs so that the queues of `workers` can be full."""
    wanted = workers * Settings.model_fields["queue_size"].default + _SPARE_CONNECTIONS
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most - _SPARE_FILES)


def _closed(
    plan: Plan, service: Target, pool: ProcessPoolExecutor, digits: list[str], concurrency: int
) -> float:
    seconds = plan.durations.peak
    if shutil.which("wrk"):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bodies"
            wrk.write_bodies(bodies(plan.images, 1, raw, count=len(plan.images)), file)
            cores = plan.cores.load
            found = wrk.load(
                service.url + "/predict",
                file,
                concurrency=concurrency,
                seconds=seconds,
                cores=cores,
            )
        return (found.requests - found.bad_answers) / found.seconds
    processes = _processes(plan)
    wanted = Wanted(
        service.url, plan.singles(service.url), digits, concurrency // processes, seconds
    )
    return len(together(list(pool.map(call, [wanted] * processes))).answered) / seconds


def _open(
    plan: Plan,
    service: Target,
    pool: ProcessPoolExecutor,
    digits: list[str],
    wish: tuple[float, float, int, int],
) -> Load:
    peak, rate, seconds, connections = wish
    processes = _processes(plan)
    wanted = Offer(
        service.url,
        plan.singles(service.url),
        digits,
        np.arange(0, seconds, processes / rate),
        connections // processes,
        _PATIENCE_SECONDS,
    )
    found = list(pool.map(offer, [wanted] * processes))
    # The queue fills with what is offered past the peak.
    settle = min(seconds / 3, 5.0)
    return load(found, rate=rate, seconds=seconds, settle=settle, peak=peak)


def _processes(plan: Plan) -> int:
    return min(2, len(plan.cores.load), os.cpu_count() or 1)
