"""A worker is killed under load: what its callers lose, and when all is as before."""

import os
import signal
import time
from collections.abc import Callable

from benchmarks.soak.calls import Calls, Wanted, call, together
from benchmarks.soak.figures import rate_between, recovery
from benchmarks.soak.plan import Plan
from benchmarks.soak.quiet import digits_in_quiet
from benchmarks.soak.results import Killed
from benchmarks.soak.target import target

_CONCURRENCY = 32
_START_SECONDS = 1.0

Say = Callable[[str], None]


def kill_workers(plan: Plan, say: Say) -> Killed:
    """SIGKILL to one worker after another, each when the one before was replaced."""
    calm, kills = plan.durations.calm, plan.durations.kills
    apart = 2 * calm + 5
    with (
        target(plan.cores.server, workers=plan.workers, model=plan.model) as service,
        plan.generators() as pool,
    ):
        digits = digits_in_quiet(service.url, plan.files)
        say(f"workers killed: {kills}")
        seconds = calm + kills * apart
        wanted = Wanted(service.url, plan.singles(service.url), digits, _CONCURRENCY // 2, seconds)
        calling = [pool.submit(call, wanted) for _ in range(2)]
        time.sleep(_START_SECONDS)
        began = time.monotonic()
        time.sleep(calm)
        moments = []
        for _ in range(kills):
            moments.append(time.monotonic())
            os.kill(service.workers()[0], signal.SIGKILL)
            time.sleep(max(0, moments[-1] + apart - 1 - time.monotonic()))
        calls = together([each.result() for each in calling])
    return _killed(plan, calls, began, moments)


def _killed(plan: Plan, calls: Calls, began: float, moments: list[float]) -> Killed:
    usual = rate_between(calls.answered, began, moments[0])
    ends = [*moments[1:], calls.finished.max()]
    recoveries = [
        recovery(calls.answered, moment, end, usual)
        for moment, end in zip(moments, ends, strict=True)
    ]
    lost = calls.finished[calls.statuses == 0]
    return Killed(
        workers=plan.workers,
        concurrency=_CONCURRENCY,
        kills=len(moments),
        answers=len(calls.answered),
        wrong=calls.wrong,
        other_answers=calls.others,
        lost=calls.lost,
        most_at_once=max(
            int(((lost >= moment) & (lost <= end)).sum())
            for moment, end in zip(moments, ends, strict=True)
        ),
        before=usual,
        between=min(rate_between(calls.answered, moment, moment + 1) for moment in moments),
        recovery_seconds=max(recoveries),
    )
