"""The recorder: requests do not wait for it, and what cannot be recorded is counted."""

import time

import numpy as np
import pytest

from service.errors import FeedbackUnavailable
from service.feedback.recorder import Recorder
from service.feedback.records import Prediction, Record
from service.inference.decisions import Criteria, decide
from service.inference.digits import Reading
from service.metrics import Metrics
from tests.service.fakes import CARD


class Store:
    """Keeps rows in a list, or raises what it is told to."""

    def __init__(self):
        self.rows = []
        self.errors = []
        self.pruned = 0
        self.closed = False

    def add(self, rows):
        if self.errors:
            raise self.errors.pop(0)
        self.rows += rows

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
def make(store, metrics):
    def made(**changes):
        options = {"images": False, "days": 1.0, "rows": 10} | changes
        return Recorder(store, metrics, **options)

    return made


def test_predictions_are_rows_once_the_recorder_closes(make, store):
    recorder = make(images=True)
    recorder._writer.start()
    recorder.record(
        "mine", "till", [Prediction(0, "a", _reading(7)), Prediction(2, 7, _reading(1))]
    )
    recorder.close()

    assert store.closed
    first, second = store.rows
    assert (first["request_id"], first["caller"]) == ("mine", "till")
    assert first["time"] == pytest.approx(time.time(), abs=60)
    assert (first["place"], first["item_id"], first["read"]) == (0, "a", "7")
    assert (second["place"], second["item_id"], second["read"]) == (2, "7", "1")
    assert first["decision"] == "accept"
    assert len(first["image"]) == 784


def test_pictures_are_recorded_only_on_request(make, store):
    recorder = make(images=False)
    recorder._writer.start()
    recorder.record("mine", None, [Prediction(0, None, _reading(7))])
    recorder.close()

    assert store.rows[0]["image"] is None


def test_many_predictions_are_written_in_order(make, store, metrics):
    recorder = make()
    recorder._writer.start()
    for number in range(2000):
        recorder.record(f"r{number}", None, [Prediction(0, None, _reading(number % 10))])
    recorder.close()

    assert [row["request_id"] for row in store.rows] == [f"r{number}" for number in range(2000)]
    assert _count(metrics, "kept") == 2000


def test_predictions_wait_while_the_database_is_unavailable(make, store, metrics):
    store.errors = [FeedbackUnavailable("away"), FeedbackUnavailable("away")]
    recorder = make()
    recorder._writer.start()
    recorder.record("mine", None, [Prediction(0, None, _reading(7))])
    _wait_for(lambda: store.rows)
    recorder.close()

    assert [row["request_id"] for row in store.rows] == ["mine"]
    assert _count(metrics, "dropped") == 0
    labels = {"operation": "keep"}
    failures = "numeral_feedback_database_failures_total"
    assert metrics.registry.get_sample_value(failures, labels) == 2


def test_a_prediction_that_no_database_accepts_holds_up_nothing(make, store, metrics):
    store.errors = [ValueError("no such value")]
    recorder = make()
    recorder._writer.start()
    recorder.record("bad", None, [Prediction(0, None, _reading(7))])
    _wait_for(lambda: not store.errors)
    recorder.record("good", None, [Prediction(0, None, _reading(7))])
    recorder.close()

    assert [row["request_id"] for row in store.rows] == ["good"]
    assert (_count(metrics, "dropped"), _count(metrics, "kept")) == (1, 1)


def test_predictions_beyond_the_limit_are_dropped(make, store, metrics, monkeypatch):
    one = [Prediction(0, None, _reading(7))]
    monkeypatch.setattr(
        "service.feedback.recorder._MAX_PENDING_BYTES", 3 * Record("mine", None, one).size
    )
    recorder = make()
    for _ in range(5):
        recorder.record("mine", None, one)
    recorder._writer.start()
    recorder.close()

    assert len(store.rows) == 3
    assert _count(metrics, "dropped") == 2


def test_a_batch_beyond_the_limit_is_recorded_if_nothing_waits(make, store, monkeypatch):
    monkeypatch.setattr("service.feedback.recorder._MAX_PENDING_BYTES", 1)
    recorder = make()
    recorder.record("large", None, [Prediction(0, None, _reading(7))])
    recorder.record("late", None, [Prediction(0, None, _reading(7))])
    recorder._writer.start()
    recorder.close()

    assert [row["request_id"] for row in store.rows] == ["large"]


def test_old_predictions_are_pruned(make, store):
    recorder = make()
    recorder._writer.start()
    _wait_for(lambda: store.pruned)
    recorder.close()


def _reading(digit):
    row = np.eye(10, dtype=np.float32)[[digit]]
    [answer] = decide(row, [Criteria(0.5, 1.0)], [False])
    return Reading(CARD, answer, row[0], np.zeros((28, 28), np.uint8))


def _count(metrics, outcome):
    metrics.flush()
    name = "numeral_feedback_predictions_total"
    return metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


def _wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
