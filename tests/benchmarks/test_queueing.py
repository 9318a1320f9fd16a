"""The queue's simulation: beside the formulas of queueing theory, and beside what the service does.

L. Kleinrock, "Queueing Systems", volume 1, 1975: chapter 3.
"""

from math import factorial

import numpy as np
import pytest

from benchmarks.queueing.arrivals import Bursts, arrivals
from benchmarks.queueing.plot import draw
from benchmarks.queueing.report import compared, costs, needed
from benchmarks.queueing.results import Compared, Costs, Load, Needed, Results, Spread
from benchmarks.queueing.simulation import Cost, Policy, simulate

RATE = 60.0
MEAN_SECONDS = 0.01
ONE_BY_ONE = Policy(queue_size=np.inf, largest=1, deadline=np.inf, exponential=True)


def outcome(policy, *, rate=RATE, seconds=1500, cost=None):
    times = arrivals(Bursts.steady(rate), seconds, seed=1)
    return simulate(times, cost or Cost(batch=0.0, request=MEAN_SECONDS), policy, seed=2)


def test_one_worker_is_a_queue_of_kind_mm1():
    found = outcome(ONE_BY_ONE)
    load = RATE * MEAN_SECONDS

    mean = MEAN_SECONDS / (1 - load)
    assert np.mean(found.wait) == pytest.approx(load * mean, rel=0.05)
    assert np.mean(found.latency) == pytest.approx(mean, rel=0.05)
    # The time in the system is exponential.
    assert found.quantile(0.99) == pytest.approx(mean * np.log(100), rel=0.1)


@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_wait_as_erlang_says(workers):
    policy = Policy(np.inf, 1, np.inf, workers=workers, exponential=True)
    rate = 0.8 * workers / MEAN_SECONDS

    found = outcome(policy, rate=rate, seconds=160_000 / rate)

    offered = rate * MEAN_SECONDS
    full = offered**workers / factorial(workers) / (1 - offered / workers)
    waits = full / (sum(offered**k / factorial(k) for k in range(workers)) + full)
    assert np.mean(found.wait > 0) == pytest.approx(waits, rel=0.05)
    mean_wait = waits * MEAN_SECONDS / (workers - offered)
    assert np.mean(found.wait) == pytest.approx(mean_wait, rel=0.07)


def test_a_bounded_queue_refuses_as_mm1k_does():
    size, load = 5, RATE * MEAN_SECONDS

    found = outcome(Policy(size, 1, np.inf, exponential=True))

    assert found.refused_share == pytest.approx(
        (1 - load) * load**size / (1 - load ** (size + 1)), rel=0.05
    )


def test_a_seed_gives_the_same_outcome():
    policy = Policy(exponential=True)
    first, second = (outcome(policy, seconds=5) for _ in range(2))

    assert np.array_equal(first.latency, second.latency)


def test_arrivals_keep_to_their_rates():
    load = Bursts(base=100, burst=1000, every=10, lasts=2)

    times = arrivals(load, 1000, seed=3)

    in_burst = times % 10 >= 8
    assert load.mean == 280
    assert len(times) / 1000 == pytest.approx(load.mean, rel=0.02)
    assert in_burst.sum() / 200 == pytest.approx(1000, rel=0.02)
    assert np.all(np.diff(times) >= 0)


def test_what_waits_together_is_read_together():
    # The first is alone; the others come while it is in work.
    found = simulate(np.array([0.0, 0.1, 0.2]), Cost(batch=1.0, request=0.5), Policy(), seed=0)

    assert found.latency == pytest.approx([1.5, 1.5 + 2.0 - 0.1, 1.5 + 2.0 - 0.2])


def test_a_micro_batch_is_bounded():
    cost, policy = Cost(batch=0.0, request=1.0), Policy(largest=2)

    found = simulate(np.array([0.0, 0.1, 0.1, 0.1]), cost, policy, seed=0)

    assert found.latency == pytest.approx([1.0, 2.9, 2.9, 3.9])


def test_a_full_queue_refuses_and_that_costs_the_others_time():
    cost, policy = Cost(batch=0.0, request=1.0, refusal=0.25), Policy(queue_size=1)

    found = simulate(np.array([0.0, 0.5, 2.0]), cost, policy, seed=0)

    assert found.refused.tolist() == [False, True, False]
    assert found.latency[[0, 2]] == pytest.approx([1.0, 1.25])


def test_what_waited_too_long_is_dropped():
    cost, policy = Cost(batch=0.0, request=1.0), Policy(largest=1, deadline=1.5)

    found = simulate(np.zeros(4), cost, policy, seed=0)

    assert found.late.tolist() == [False, False, True, True]
    assert found.refused_share == 0.5


def test_a_caller_also_waits_for_the_way_there_and_back():
    found = simulate(np.zeros(1), Cost(batch=0.0, request=1.0, outside=0.5), Policy(), seed=0)

    assert (found.latency[0], found.wait[0]) == (1.5, 0.0)


def test_the_page_and_the_picture_show_what_was_compared(tmp_path):
    steady = Load(base=100, burst=100, every=1, lasts=0)
    bursts = Load(base=100, burst=300, every=5, lasts=1)
    measured = Spread(quantiles_ms=tuple(range(101)), refused=0.125)
    simulated = Spread(quantiles_ms=tuple(range(1, 102)), refused=0.0)
    found = Results(
        command="c",
        machine="m",
        version="v",
        seed=1,
        costs=(
            Costs(
                model="cnn",
                batch_us=1,
                request_us=2,
                refusal_us=3,
                stray_p99_us=4,
                outside_us=5,
                largest=6,
            ),
        ),
        compared=tuple(
            Compared(model="cnn", load=load, seconds=1, measured=measured, simulated=simulated)
            for load in (steady, bursts)
        ),
        needed=tuple(
            Needed(model="cnn", load=bursts, bound_ms=bound, workers=workers)
            for bound, workers in ((20, 9), (100, 7))
        ),
    )

    draw(found, tmp_path / "queue.png")

    assert (tmp_path / "queue.png").stat().st_size > 10_000
    assert "| `cnn` | 1 µs | 2 µs | 3 µs | 4 µs | 5 µs |" in list(costs(found))
    assert list(compared(found))[2:4] == [
        "| `cnn` | 100 | none | 50.0 ms | 51.0 ms | 99.0 ms | 100.0 ms | 12.5% | 0.0% |",
        "| `cnn` | 100 | 300, 1 s in 5 | 50.0 ms | 51.0 ms | 99.0 ms | 100.0 ms | 12.5% | 0.0% |",
    ]
    assert list(needed(found))[-1] == "| `cnn` | 100 | 300, 1 s in 5 | 9 cores | 7 cores |"
