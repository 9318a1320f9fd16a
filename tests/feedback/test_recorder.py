"""The recorder: requests do not wait for it, and what cannot be recorded is counted."""

import asyncio
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from service.errors import FeedbackUnavailable
from service.feedback.recorder import Recorder
from service.feedback.records import Kind, Prediction, PredictionQuery
from service.inference.decisions import Criteria, decide
from service.inference.digits import Reading
from service.metrics import Metrics
from service.settings import Settings
from tests.service.fakes import CARD

HANGING = """
import asyncio, time
from service.feedback.recorder import Recorder
from service.feedback.records import Kind, PredictionQuery
from service.metrics import Metrics
from service.settings import Settings

class Store:
    def answer(self, *_):
        time.sleep(3600)

    def prune(self, **_):
        time.sleep(3600)

async def main():
    async with Recorder(Store(), Metrics(), Settings()) as recorder:
        asyncio.create_task(recorder.answer(PredictionQuery("mine"), Kind.DIGIT, "1", None))
        await asyncio.sleep(0.5)

asyncio.run(main())
"""


class Store:
    """Collects rows in a list, or raises the errors that it is given; answers if `released`."""

    def __init__(self):
        self.rows = []
        self.errors = []
        self.pruned = 0
        self.closed = False
        self.released = threading.Event()

    def add(self, rows):
        if self.errors:
            raise self.errors.pop(0)
        self.rows += rows

    def answer(self, *_):
        self.released.wait()

    def close(self):
        self.closed = True

    def prune(self, *, days, rows):
        self.pruned += 1
        return 0


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def record(store, metrics):
    """Record one prediction for each id, and wait for `until` before the recorder is closed."""

    async def recording(ids, images, until):
        settings = Settings(feedback_images=images)
        async with Recorder(store, metrics, settings) as recorder:
            for number, request_id in enumerate(ids):
                recorder.record(request_id, "till", [Prediction(2, 5, _reading(number % 10))])
            while not until():
                await asyncio.sleep(0.01)

    def run(*ids, images=False, until=lambda: True):
        asyncio.run(asyncio.wait_for(recording(ids, images, until), 60))

    return run


@pytest.mark.parametrize("images", [False, True])
def test_predictions_are_rows_once_the_recorder_closes(record, store, images):
    record("mine", images=images)

    assert store.closed
    [row] = store.rows
    assert (row["request_id"], row["caller"]) == ("mine", "till")
    assert row["time"] == pytest.approx(time.time(), abs=60)
    assert (row["place"], row["item_id"], row["read"]) == (2, "5", "0")
    assert row["decision"] == "accept"
    assert row["image"] == (bytes(784) if images else None)


def test_many_predictions_are_written_in_order(record, store, metrics):
    ids = [f"r{number}" for number in range(2000)]

    record(*ids)

    assert [row["request_id"] for row in store.rows] == ids
    assert _count(metrics, "kept") == 2000


def test_predictions_wait_while_the_database_is_unavailable(record, store, metrics):
    store.errors = [FeedbackUnavailable("away"), FeedbackUnavailable("away")]

    record("mine", until=lambda: store.rows)

    assert [row["request_id"] for row in store.rows] == ["mine"]
    assert _count(metrics, "dropped") == 0
    assert _failures(metrics, "keep") == 2


def test_a_prediction_that_no_database_accepts_holds_up_nothing(record, store, metrics):
    store.errors = [ValueError("no such value")]

    record(*(f"r{number}" for number in range(65)))

    assert [row["request_id"] for row in store.rows] == ["r64"]
    assert (_count(metrics, "dropped"), _count(metrics, "kept")) == (64, 1)


def test_predictions_beyond_the_limit_are_dropped(record, store, metrics, monkeypatch):
    monkeypatch.setattr("service.feedback.recorder._MAX_PENDING_BYTES", 3 * 1024)

    record(*"abcde")

    assert [row["request_id"] for row in store.rows] == ["a", "b", "c"]
    assert _count(metrics, "dropped") == 2


def test_old_predictions_are_pruned(record, store):
    record(until=lambda: store.pruned)


def test_a_request_does_not_wait_for_a_store_that_hangs(store, metrics, monkeypatch):
    monkeypatch.setattr("service.feedback.recorder._REQUEST_SECONDS", 0.2)
    query = PredictionQuery("mine")

    async def scenario():
        async with Recorder(store, metrics, Settings()) as recorder:
            # More than use the database at once.
            answers = [recorder.answer(query, Kind.DIGIT, "1", None) for _ in range(5)]
            outcomes = await asyncio.gather(*answers, return_exceptions=True)
            store.released.set()
            return outcomes

    outcomes = asyncio.run(asyncio.wait_for(scenario(), 60))

    assert {type(outcome) for outcome in outcomes} == {FeedbackUnavailable}
    assert _failures(metrics, "answer") == 5


def test_a_process_ends_although_its_store_hangs():
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=60)


def _reading(digit):
    row = np.eye(10, dtype=np.float32)[[digit]]
    [answer] = decide(row, [Criteria(0.5, 1.0)], [False])
    return Reading(CARD, answer, row[0], np.zeros((28, 28), np.uint8))


def _count(metrics, outcome):
    name = "numeral_feedback_predictions_total"
    return metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


def _failures(metrics, operation):
    name = "numeral_feedback_database_failures_total"
    return metrics.registry.get_sample_value(name, {"operation": operation})
