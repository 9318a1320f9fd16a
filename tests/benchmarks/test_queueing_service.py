"""What the queue's simulation is told of a running service, and what is sent to it."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks.exchanged import exchange
from benchmarks.queueing.arrivals import Bursts, arrivals
from benchmarks.queueing.calibrate import Caller, cost_of_a_request
from benchmarks.soak.overload import connections_for
from service.settings import Settings
from service.sizing.pictures import draw_digits

DIGIT = Path(__file__).parents[2] / "docs" / "digit.png"


@pytest.fixture(scope="module")
def caller(server):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield Caller(pool, 1, server, draw_digits(10, 28), connections_for(1))


def test_a_request_costs_time_and_the_policy_is_the_services(caller):
    cost, policy = cost_of_a_request(caller, 0.2)

    assert cost.request > 0
    assert len(cost.stray) > 0
    assert policy.queue_size == Settings().queue_size
    assert policy.deadline == Settings().request_timeout
    assert 1 <= policy.largest <= 64


def test_requests_leave_when_they_are_due_and_are_answered(caller):
    times = arrivals(Bursts.steady(40), 0.5, seed=1)

    latencies = caller.open(times)

    assert latencies.shape == times.shape
    assert np.all(latencies > 0)


def test_an_exchange_is_measured_with_its_heads(server):
    found = exchange(server, "/predict", DIGIT)

    assert found.request > DIGIT.stat().st_size
    # The answer names the same as the row, but has a head.
    assert found.answer > found.row > 0
