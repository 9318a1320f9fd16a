"""Stopping under load: no request is lost."""

import os
import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.e2e.callers import callers
from tests.e2e.raw import connected

LONG = 60

one_or_two_workers = pytest.mark.parametrize("workers", [1, 2])


@pytest.mark.own_processes("Ray's proxy turns late clients away")
@pytest.mark.parametrize(("workers", "drain_seconds"), [(1, 0), (2, 0.5)])
def test_no_request_is_lost_when_a_busy_service_stops(start_ready, seven, workers, drain_seconds):
    service = start_ready(workers=workers, drain_seconds=drain_seconds)

    with (
        callers(service.url, seven, number=8) as persistent,
        callers(service.url, seven, number=8, keep_alive=False) as reconnecting,
    ):
        for each in (persistent, reconnecting):
            service.wait_for(lambda each=each: each.answers[200] > 50)
        service.process.terminate()
        for each in (persistent, reconnecting):
            assert each.wait_until_refused().keys() == {200}

    assert service.process.wait(LONG) == 0
    assert "Traceback" not in service.log


@pytest.mark.parametrize(("workers", "second"), [(1, signal.SIGINT), (2, signal.SIGTERM)])
def test_a_draining_service_answers_but_is_not_ready_and_a_second_signal_ends_it(
    start_ready, seven, workers, second
):
    service = start_ready(workers=workers, drain_seconds=LONG)

    service.process.terminate()

    readiness = _get_until(service, "/health/ready", 503)
    assert readiness.json()["type"] == "/problems/stopping"
    assert _get_until(service, "/v2/health/ready", 503).json().keys() == {"error"}
    assert httpx.get(f"{service.url}/health/live").status_code == 200
    answers = []

    def is_closing():
        answers.append(httpx.post(f"{service.url}/predict", content=seven))
        return answers[-1].headers.get("Connection") == "close"

    service.wait_for(is_closing)
    assert {answer.json()["digit"] for answer in answers} == {7}

    service.process.send_signal(second)

    assert service.process.wait(LONG / 2) == 128 + second
    assert "ends at once" in service.log
    assert "Traceback" not in service.log


@one_or_two_workers
def test_an_interrupt_from_the_terminal_does_not_wait(start_ready, workers):
    service = start_ready(own_group=True, workers=workers, drain_seconds=LONG)

    os.killpg(service.process.pid, signal.SIGINT)

    assert service.process.wait(LONG / 2) == 0
    assert "Traceback" not in service.log


@pytest.mark.own_processes("a signal to all processes stops Ray's before the requests finish")
def test_a_service_manager_may_signal_every_process(start_ready, seven):
    service = start_ready(own_group=True, workers=2)

    with callers(service.url, seven) as calling:
        service.wait_for(lambda: calling.answers[200] > 100)
        os.killpg(service.process.pid, signal.SIGTERM)
        assert calling.wait_until_refused().keys() == {200}

    assert service.process.wait(LONG) == 0


def test_an_idle_connection_does_not_hold_up_the_end(start_ready):
    service = start_ready(request_timeout=LONG)

    with connected(service.url):
        service.process.terminate()
        assert service.process.wait(LONG / 2) == 0


@one_or_two_workers
def test_a_signal_during_the_start_ends_it_without_a_traceback(start, workers):
    service = start(workers=workers)

    assert service.stop() == 0
    assert "Traceback" not in service.log


def test_ctrl_c_during_the_start_prints_no_traceback(start):
    service = start(own_group=True, workers=2)

    service.wait_for(
        lambda: len(ids := service.worker_ids()) == 2 and all(map(_handles_interrupts, ids))
    )
    os.killpg(service.process.pid, signal.SIGINT)

    assert service.process.wait(LONG) == 0
    assert "Traceback" not in service.log


def _handles_interrupts(pid):
    """Return whether SIGINT is handled, ignored or blocked."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = re.findall(r"^Sig(?:Blk|Ign|Cgt):\t(\w+)$", status, re.MULTILINE)
    return any(int(mask, 16) & 1 << signal.SIGINT - 1 for mask in masks)


def _get_until(service, path, status):
    """Return the answer once it has `status`; workers are told to stop one after another."""
    found = []

    def has_come():
        found.append(httpx.get(f"{service.url}{path}"))
        return found[-1].status_code == status

    service.wait_for(has_come)
    return found[-1]
