"""Quotas: counted in windows, by all processes together."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor

import pytest

from service.auth.quotas import Meter, Quota, UsageCounters, shared_counters
from service.errors import QuotaExceeded

PROCESSES = 3
WINDOW = 28_000_000


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def meter(clock):
    return Meter(Quota.parse("5/minute"), UsageCounters(1), 0, clock)


@pytest.mark.parametrize("text", ["1/second", "1000/minute", "60/hour", "4294967295/day"])
def test_a_quota_is_written_as_it_is_read(text):
    assert str(Quota.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "5", "0/day", "-1/day", "5/week", "5 / day", "4294967296/day"]
)
def test_what_is_no_quota(text):
    with pytest.raises(ValueError, match="such as 1000/minute"):
        Quota.parse(text)


def test_a_quota_may_be_used_up_but_not_exceeded(meter):
    meter.charge(4)
    with pytest.raises(QuotaExceeded, match="2 more images exceed; send it again later"):
        meter.charge(2)
    with pytest.raises(QuotaExceeded, match="send smaller batches"):
        meter.charge(6)

    meter.charge(1)


def test_the_next_window_begins_when_the_error_says(meter, clock):
    meter.charge(5)
    with pytest.raises(QuotaExceeded) as raised:
        meter.charge(1)

    clock.now += raised.value.retry_after - 1
    with pytest.raises(QuotaExceeded):
        meter.charge(1)
    clock.now += 1
    meter.charge(5)


def test_keys_are_counted_apart(clock):
    counters = UsageCounters(2)
    quota = Quota.parse("5/minute")
    Meter(quota, counters, 0, clock).charge(5)

    Meter(quota, counters, 1, clock).charge(5)


def test_processes_count_together():
    with shared_counters(2, PROCESSES) as path, _pool() as pool:
        admitted = list(pool.map(_count, [path] * PROCESSES, [1000] * PROCESSES))
        counters = UsageCounters(2, path)

        assert admitted == [1000] * PROCESSES
        assert counters.add(1, WINDOW, 1, 1000 * PROCESSES + 1)
        assert not counters.add(1, WINDOW, 1, 1000 * PROCESSES + 1)


def test_processes_that_race_exceed_a_quota_by_less_than_one_each():
    with shared_counters(2, PROCESSES) as path, _pool() as pool:
        admitted = sum(pool.map(_count, [path] * PROCESSES, [1000] * PROCESSES, [500] * PROCESSES))

    assert 500 <= admitted < 500 + PROCESSES


def test_what_a_killed_process_counted_still_counts():
    with shared_counters(1, 1) as path:
        for _ in range(4):
            process = multiprocessing.get_context("spawn").Process(
                target=_count_and_die, args=[path]
            )
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGKILL

        assert UsageCounters(1, path).add(0, WINDOW, 1, 5)
        assert not UsageCounters(1, path).add(0, WINDOW, 1, 5)


def _pool():
    return ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"))


def _count(path, times, most=10_000):
    counters = UsageCounters(2, path)
    return sum(counters.add(1, WINDOW, 1, most) for _ in range(times))


def _count_and_die(path):
    UsageCounters(1, path).add(0, WINDOW, 1, 5)
    os.kill(os.getpid(), signal.SIGKILL)
