"""Feedback under failures: killed workers, and a database that is locked, hanging or full."""

import io
import os
import resource
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import numpy as np
import pytest

from tests.e2e.feedback import feedback, metric, predict, rows
from tests.feedback.postgres import run_postgres
from tests.feedback.silent import run_silent_server

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")

FAILURES = "numeral_feedback_database_failures_total"


@pytest.fixture(scope="module")
def postgres():
    with run_postgres() as url:
        yield url


@pytest.fixture
def file(tmp_path):
    return tmp_path / "feedback.db"


@pytest.fixture
def service(start_ready, file):
    return start_ready(feedback_database=f"sqlite:///{file}", feedback_images=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_workers_share_their_database(start_ready, draw, file, request, kind):
    url = f"sqlite:///{file}" if kind == "sqlite" else request.getfixturevalue("postgres")
    service = start_ready(workers=2, feedback_database=url)

    def predict_and_answer(number):
        digit = number % 10
        request_id = predict(service, draw(digit))
        return feedback(service, request_id, digit=digit).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(predict_and_answer, range(40)))

    assert statuses == [201] * 40
    assert len(set(_processes(service, "/feedback"))) == 2


@pytest.mark.own_processes("Ray starts the replicas, which are no children of the command")
def test_a_killed_worker_loses_at_most_its_last_moment(start_ready, seven, file):
    service = start_ready(workers=2, feedback_database=f"sqlite:///{file}")
    before = [predict(service, seven) for _ in range(20)]
    service.wait_for(lambda: rows(file) == 20)

    for pid in service.worker_ids():
        os.kill(pid, signal.SIGKILL)
    service.wait_until_all_serve(4)

    after = [predict(service, seven) for _ in range(5)]
    for request_id in before + after:
        assert feedback(service, request_id, digit=7).status_code == 201


def test_predictions_go_on_while_the_database_is_locked(service, seven, file):
    early = predict(service, seven)
    service.wait_for(lambda: rows(file) == 1)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")
        late = predict(service, seven)
        refused = feedback(service, early, digit=7)
        service.wait_for(lambda: "feedback cannot record for now" in service.log)
        predict(service, seven)
        ready = httpx.get(f"{service.url}/health/ready")
        failures = metric(service, FAILURES, operation="answer")

    assert refused.status_code == 503
    assert refused.json()["type"] == "/problems/feedback-unavailable"
    assert str(file) not in refused.text
    assert int(refused.headers["Retry-After"]) > 0
    assert ready.status_code == 200
    assert failures > 0
    service.wait_for(lambda: "feedback can record again" in service.log)
    for request_id in (early, late):
        assert feedback(service, request_id, digit=7).status_code == 201


def test_a_database_that_hangs_delays_neither_answers_nor_the_stop(start_ready, seven):
    pytest.importorskip("psycopg", reason="requires the extra 'postgres'")
    with run_silent_server(logs_in=True) as url:
        service = start_ready(feedback_database=url)

        answer = feedback(service, predict(service, seven), digit=7)
        again = predict(service, seven)

        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/feedback-unavailable"
        assert again
        assert service.stop() == 0


@pytest.mark.own_processes("limits the command's process, which writes nothing there")
def test_a_full_disk_leaves_the_service_ready(service, seven, file):
    first = predict(service, seven)
    service.wait_for(lambda: rows(file) == 1)
    # What the log and the database may still grow by.
    size = 64 * 1024 + max(file.stat().st_size, service.log_file.stat().st_size)
    pid, limit = service.process.pid, resource.RLIMIT_FSIZE
    unlimited = resource.prlimit(pid, limit)
    resource.prlimit(pid, limit, (size, unlimited[1]))
    noise = np.random.default_rng(1).integers(0, 256, (200, 28, 28), np.uint8)
    for _ in range(2):
        httpx.post(
            f"{service.url}/predict/batch",
            content=_npy(noise),
            headers={"Content-Type": "application/x-npy"},
        ).raise_for_status()

    service.wait_for(lambda: metric(service, FAILURES, operation="keep") > 0)
    assert httpx.get(f"{service.url}/health/ready").status_code == 200
    assert predict(service, seven)

    resource.prlimit(pid, limit, unlimited)
    service.wait_for(lambda: rows(file) > 400)
    assert feedback(service, first, digit=7).status_code == 201


def _processes(service, path) -> list[str]:
    lines = [line for line in service.log.splitlines() if f"path={path} " in line]
    return [line.split("process=")[1].split()[0] for line in lines]


def _npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
