"""A killed worker, a stop and bad clients under load: every answer is still right."""

import json
import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.raw import connected
from tests.e2e.test_workers import _accepted_connections

CALLERS = 8


@pytest.fixture(scope="module")
def pictures(draw):
    """Return pictures by the digit that they are read as."""
    return {digit: draw(digit) for digit in (1, 3, 7)}


@contextmanager
def _checking_clients(url, pictures):
    """Run clients that compare each answer with its picture and continue after a lost connection.

    Yields how many answers were right and wrong, and how many requests were lost.
    """
    counts: Counter = Counter()
    over = threading.Event()
    address = urlsplit(url)

    def call(number):
        connection = HTTPConnection(address.hostname, address.port, timeout=60)
        digits = sorted(pictures)
        while not over.is_set():
            digit = digits[number % len(digits)]
            number += 1
            try:
                connection.connect() if connection.sock is None else None
            except OSError:
                if counts["stopping"]:
                    return
                continue
            try:
                connection.request("POST", "/predict", pictures[digit])
                answer = connection.getresponse()
                found = json.loads(answer.read()).get("digit")
            except (OSError, HTTPException):
                counts["lost"] += 1
                connection.close()
            else:
                counts["right" if (answer.status, found) == (200, digit) else "wrong"] += 1

    with ThreadPoolExecutor(CALLERS) as pool:
        calling = [pool.submit(call, number) for number in range(CALLERS)]
        try:
            yield counts
        finally:
            over.set()
        for each in calling:
            each.result(120)


@pytest.mark.own_processes("Ray starts and replaces replicas itself")
def test_a_killed_worker_costs_its_own_requests_and_no_answer_is_wrong(start_ready, pictures):
    service = start_ready(workers=2)

    with _checking_clients(service.url, pictures) as counts:
        service.wait_for(lambda: counts["right"] > 200)
        os.kill(service.worker_ids()[0], signal.SIGKILL)
        service.wait_until_all_serve(3)
        before = counts["right"]
        service.wait_for(lambda: counts["right"] > before + 200)

    assert counts["wrong"] == 0
    assert counts["lost"] <= CALLERS


@pytest.mark.own_processes("Ray's proxy turns late clients away")
def test_a_stop_in_mid_work_gives_no_wrong_answer(start_ready, pictures):
    service = start_ready(workers=2)

    with _checking_clients(service.url, pictures) as counts:
        service.wait_for(lambda: counts["right"] > 200)
        counts["stopping"] = 1
        assert service.stop() == 0

    assert counts["wrong"] == counts["lost"] == 0


@pytest.mark.own_processes("Ray's proxy has the connections, and logs broken ones")
def test_bad_clients_do_not_affect_others_and_leave_nothing_behind(start_ready, pictures):
    service = start_ready(body_timeout=1)

    with ExitStack() as stack:
        slow = [stack.enter_context(connected(service.url)) for _ in range(20)]
        for number, client in enumerate(slow):
            client.sendall(b"POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\nx")
            if number % 2:
                client.close()
        deaf = [stack.enter_context(connected(service.url)) for _ in range(5)]
        batch = pictures[7] * 1
        for client in deaf:
            client.sendall(_request(batch) * 50)
        with _checking_clients(service.url, pictures) as counts:
            service.wait_for(lambda: counts["right"] > 200)
        for client in slow[::2]:
            assert b" 408 " in client.recv(1000)
        assert counts["wrong"] == counts["lost"] == 0

    service.wait_for(lambda: _accepted_connections(service, service.process.pid) == 0)
    assert httpx.post(f"{service.url}/predict", content=pictures[7]).json()["digit"] == 7
    assert "Traceback" not in service.log


def test_a_client_that_disconnects_makes_room_in_a_full_queue(start_ready, pictures):
    service = start_ready(queue_size=4)

    for _ in range(20):
        with connected(service.url) as client, suppress(OSError):
            client.sendall(_request(pictures[7]))
    service.wait_for(
        lambda: httpx.post(f"{service.url}/predict", content=pictures[7]).status_code == 200
    )
    service.wait_for(lambda: _accepted_connections(service, service.process.pid) == 0)
    assert "Traceback" not in service.log


def _request(picture):
    return b"POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%b" % (
        len(picture),
        picture,
    )
