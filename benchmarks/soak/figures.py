"""What is made of many single measurements. Plain functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.soak.offer import LATE, LOST, NO_CONNECTION, Offered
from benchmarks.soak.results import Latency, Load

Seconds = NDArray[np.float64]

_OK, _UNAVAILABLE = 200, 503
_HOUR = 3600


def latency(seconds: Seconds) -> Latency:
    """Count, median, 99th percentile and maximum."""
    if not len(seconds):
        return Latency(count=0, p50_ms=None, p99_ms=None, max_ms=None)
    p50, p99 = np.percentile(seconds, (50, 99)) * 1000
    return Latency(count=len(seconds), p50_ms=p50, p99_ms=p99, max_ms=seconds.max() * 1000)


def load(
    found: Sequence[Offered], *, rate: float, seconds: float, settle: float, peak: float
) -> Load:
    """What became of a load that several processes offered together.

    Goodput is counted over whole seconds, from `settle` on until no more was sent: what is
    answered from the queue afterwards is none of it.

    Args:
        found: one for each process, all with the same share of `rate`.
        rate: requests per second of all together.
        seconds: how long they were sent.
        settle: seconds until the queue is full.
        peak: what `rate` is compared with.
    """
    own_rate = rate / len(found)
    due = np.concatenate([np.arange(len(each.statuses)) / own_rate for each in found])
    statuses = np.concatenate([each.statuses for each in found])
    latencies = np.concatenate([each.latencies for each in found])
    accepted = statuses == _OK
    good = _per_second((due + latencies)[accepted], settle, seconds)
    known = (_OK, _UNAVAILABLE, LOST, LATE, NO_CONNECTION)
    return Load(
        share_of_peak=rate / peak,
        seconds=seconds,
        offered=rate,
        goodput=float(good.mean()),
        least_goodput=float(good.min()),
        accepted=latency(latencies[accepted]),
        refused=latency(latencies[statuses == _UNAVAILABLE]),
        wrong=sum(each.wrong for each in found),
        refused_without_retry_after=sum(each.silent_refusals for each in found),
        other_answers=int(np.isin(statuses, known, invert=True).sum()),
        lost=int((statuses == LOST).sum()),
        unanswered=int((statuses == LATE).sum()),
        not_sent=int((statuses == NO_CONNECTION).sum()),
    )


def slope_per_hour(seconds: Sequence[float], values: Sequence[float]) -> float:
    """By how much `values` grow in an hour: the median of all slopes between two of them.

    Theil and Sen's estimate, which a short peak does not move.
    """
    if len(values) < 2:
        return 0.0
    first, second = np.triu_indices(len(values), k=1)
    time, value = np.asarray(seconds), np.asarray(values)
    return float(np.median((value[second] - value[first]) / (time[second] - time[first])) * _HOUR)


def rate_between(finished: Seconds, start: float, end: float) -> float:
    """How many of `finished` there are per second from `start` to `end`."""
    return float(((finished >= start) & (finished < end)).sum() / (end - start))


def recovery(
    finished: Seconds, event: float, end: float, usual: float, width: float = 0.25
) -> float:
    """Seconds from `event` until the rate is back at nine tenths of `usual`, or until `end`.

    Looked at in windows of `width` seconds.
    """
    for start in np.arange(event, end - width, width):
        if rate_between(finished, start, start + width) >= 0.9 * usual:
            return float(start + width - event)
    return float(end - event)


def _per_second(moments: Seconds, start: float, end: float) -> NDArray[np.float64]:
    edges = np.arange(start, max(end, start + 1) + 1e-9)
    # The last of NumPy's bins would hold its right edge as well.
    return np.histogram(moments[moments < edges[-1]], edges)[0].astype(float)
