"""A feedback database that hangs: nothing waits for it for long."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from service.errors import FeedbackUnavailable
from service.feedback.recorder import Recorder
from service.feedback.records import Kind, PredictionQuery
from service.metrics import Metrics
from tests.feedback.rows import row
from tests.feedback.silent import run_silent_server

QUERY = PredictionQuery("mine")

ENDS = """
import asyncio, sys, time
from service.feedback.recorder import Recorder
from service.feedback.records import Kind, PredictionQuery
from service.metrics import Metrics

class Store:
    def answer(self, *_):
        time.sleep(3600)

    def prune(self, **_):
        time.sleep(3600)

async def main():
    async with Recorder(Store(), Metrics(), images=False, days=1, rows=1) as recorder:
        asyncio.create_task(recorder.answer(PredictionQuery("mine"), Kind.DIGIT, "1", None))
        await asyncio.sleep(0.5)

asyncio.run(main())
"""


@pytest.fixture(params=[False, True], ids=["before the login", "after the login"])
def url(request):
    pytest.importorskip("psycopg", reason="requires the extra 'postgres'")
    with run_silent_server(logs_in=request.param) as url:
        yield url


def test_a_server_that_does_not_answer_is_given_up(url):
    from service.feedback.store import Store

    store = Store(url)
    began = time.monotonic()

    with pytest.raises(FeedbackUnavailable, match="timeout"):
        store.add([row()])

    assert time.monotonic() - began < 30
    store.close()


def test_a_request_does_not_wait_for_a_store_that_hangs(monkeypatch):
    monkeypatch.setattr("service.feedback.recorder._REQUEST_SECONDS", 0.2)
    metrics, released = Metrics(), threading.Event()

    class Store:
        def answer(self, *_):
            released.wait()

        def prune(self, **_):
            return 0

        def close(self):
            pass

    async def scenario():
        async with Recorder(Store(), metrics, images=False, days=1, rows=1) as recorder:
            # More than there are threads.
            answers = [recorder.answer(QUERY, Kind.DIGIT, "1", None) for _ in range(5)]
            outcomes = await asyncio.gather(*answers, return_exceptions=True)
            released.set()
            return outcomes

    outcomes = asyncio.run(asyncio.wait_for(scenario(), 60))

    assert {type(outcome) for outcome in outcomes} == {FeedbackUnavailable}
    metrics.flush()
    failures = "numeral_feedback_database_failures_total"
    assert metrics.registry.get_sample_value(failures, {"operation": "answer"}) == 5


def test_a_process_ends_although_its_store_hangs():
    subprocess.run([sys.executable, "-c", ENDS], check=True, timeout=60)
