"""Mixed work for long, and what the service holds in memory meanwhile."""

import time
from collections import Counter
from collections.abc import Callable
from statistics import median

import httpx
import numpy as np

from benchmarks.serving.bodies import ndjson
from benchmarks.soak.calls import Calls, Wanted, call, together
from benchmarks.soak.figures import slope_per_hour
from benchmarks.soak.mix import Question, mix
from benchmarks.soak.plan import Plan
from benchmarks.soak.results import Endurance, Moment
from benchmarks.soak.target import Target, target

_CALLERS = 8
_STREAM_IMAGES = 2000
_EDGE = 10  # seconds at either end whose median is the memory before, and after

Say = Callable[[str], None]


def endure(plan: Plan, say: Say) -> Endurance:
    """Callers that go round all kinds of requests, one sends streams; memory by the second."""
    warm_up, seconds = plan.durations.warm_up, plan.durations.endurance
    with (
        target(plan.cores.server, workers=plan.workers, model=plan.model) as service,
        plan.generators(3) as pool,
    ):
        questions = list(mix(service.url, plan.images, plan.model))
        whole = [question.data for question in questions]
        wanted = Wanted(service.url, whole, [None] * len(whole), _CALLERS // 2, warm_up + seconds)
        calling = [pool.submit(call, wanted) for _ in range(2)]
        streaming = pool.submit(stream, service.url, plan.files, warm_up + seconds)
        memory = _watched(service, warm_up + seconds, say)
        calls = together([each.result() for each in calling])
        streams = streaming.result()
    kinds = [question.kind for question in questions]
    requests = Counter(kinds[place] for place in calls.places.tolist())
    before, after = (_median(memory, at) for at in (warm_up, warm_up + seconds - _EDGE))
    later = [moment for moment in memory if moment.seconds >= warm_up]
    return Endurance(
        workers=plan.workers,
        warm_up_seconds=warm_up,
        requests=dict(requests) | {f"stream of {_STREAM_IMAGES} images": streams},
        statuses=dict(Counter(map(str, calls.statuses.tolist()))),
        unexpected=_unexpected(questions, calls),
        before_mb=before,
        after_mb=after,
        slope_mb_per_hour=slope_per_hour(
            [moment.seconds for moment in later], [moment.rss_mb for moment in later]
        ),
        memory=tuple(memory),
    )


def stream(url: str, files: list[bytes], seconds: float) -> int:
    """Send one NDJSON stream after another, each answered in lines; how many there were."""
    _, lines = ndjson((files * _STREAM_IMAGES)[:_STREAM_IMAGES], np.empty(0))
    headers = {"Content-Type": "application/x-ndjson"}
    streams, end = 0, time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=60) as client:
        while time.monotonic() < end:
            answer = client.post("/predict/batch", content=lines, headers=headers)
            answers = answer.raise_for_status().content.count(b"\n")
            if answers != _STREAM_IMAGES:
                raise RuntimeError(f"a stream of {_STREAM_IMAGES} images had {answers} answers")
            streams += 1
    return streams


def _watched(service: Target, seconds: float, say: Say) -> list[Moment]:
    began = time.monotonic()
    memory = []
    while (passed := time.monotonic() - began) < seconds:
        memory.append(Moment(seconds=passed, rss_mb=service.memory()))
        say(f"mixed work: {passed:.0f} of {seconds:.0f} s, {memory[-1].rss_mb:.0f} MB")
        time.sleep(1 - (time.monotonic() - began) % 1)
    return memory


def _median(memory: list[Moment], start: float) -> float:
    return median(each.rss_mb for each in memory if start <= each.seconds < start + _EDGE)


def _unexpected(questions: list[Question], calls: Calls) -> dict[str, int]:
    found = Counter(zip(calls.places.tolist(), calls.statuses.tolist(), strict=True))
    return {
        f"{questions[place].kind}: {status}": count
        for (place, status), count in found.items()
        if status != questions[place].status
    }
