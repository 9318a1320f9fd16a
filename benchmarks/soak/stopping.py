"""SIGTERM under load: whether a request is lost, and how long the end takes."""

import time
from collections.abc import Callable, Iterator

from benchmarks.soak.calls import Wanted, call, together
from benchmarks.soak.plan import Plan
from benchmarks.soak.quiet import digits_in_quiet
from benchmarks.soak.results import Stopped
from benchmarks.soak.target import target

_CONCURRENCY = 32

Say = Callable[[str], None]


def stop_under_load(plan: Plan, say: Say) -> Iterator[Stopped]:
    """One worker and several, callers that keep their connection and callers that do not."""
    for workers in (1, plan.workers):
        for keep_alive in (True, False):
            say(f"stopped: {workers} workers, keep-alive {'on' if keep_alive else 'off'}")
            yield _stopped(plan, workers, keep_alive=keep_alive)


def _stopped(plan: Plan, workers: int, *, keep_alive: bool) -> Stopped:
    with (
        target(plan.cores.server, workers=workers, model=plan.model) as service,
        plan.generators() as pool,
    ):
        digits = digits_in_quiet(service.url, plan.files)
        requests = plan.singles(service.url, closing=not keep_alive)
        # Until they are refused a connection: nobody listens any more.
        wanted = Wanted(service.url, requests, digits, _CONCURRENCY // 2, None)
        calling = [pool.submit(call, wanted) for _ in range(2)]
        time.sleep(plan.durations.calm)
        told = time.monotonic()
        status = service.stop()
        seconds = time.monotonic() - told
        calls = together([each.result() for each in calling])
    return Stopped(
        workers=workers,
        keep_alive=keep_alive,
        answers=len(calls.answered),
        wrong=calls.wrong,
        other_answers=calls.others,
        lost=calls.lost,
        exit_status=status,
        seconds=seconds,
    )
