"""The writer of notes: nobody waits for it, and what cannot be kept is counted."""

import time

import numpy as np
import pytest

from service.errors import FeedbackUnavailable
from service.feedback.notes import Note, Place, note_of_one
from service.inference.decisions import Criteria, decide
from service.inference.digits import Reading
from service.metrics import Metrics
from tests.service.fakes import CARD

pytest.importorskip("sqlalchemy", reason="needs the extra 'feedback'")

from service.feedback.health import Health
from service.feedback.writer import Writer


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
        return Writer(store, metrics, Health(metrics), **options)

    return made


def test_notes_are_rows_once_the_writer_closes(make, store):
    writer = make(images=True)
    writer.start()
    writer.note(Note("mine", "till", 3.0, [Place(0, "a"), Place(2, 7)], [_reading(7), _reading(1)]))
    writer.close()

    assert store.closed
    first, second = store.rows
    assert (first["request_id"], first["caller"], first["time"]) == ("mine", "till", 3.0)
    assert (first["place"], first["item_id"], first["read"]) == (0, "a", "7")
    assert (second["place"], second["item_id"], second["read"]) == (2, "7", "1")
    assert first["decision"] == "accept"
    assert len(first["image"]) == 784


def test_pictures_are_kept_only_where_they_are_asked_for(make, store):
    writer = make(images=False)
    writer.start()
    writer.note(note_of_one("mine", None, _reading(7)))
    writer.close()

    assert store.rows[0]["image"] is None


def test_many_notes_are_written_in_their_order(make, store, metrics):
    writer = make()
    writer.start()
    for number in range(2000):
        writer.note(note_of_one(f"r{number}", None, _reading(number % 10)))
    writer.close()

    assert [row["request_id"] for row in store.rows] == [f"r{number}" for number in range(2000)]
    assert _count(metrics, "kept") == 2000


def test_what_a_database_that_is_away_does_not_take_waits(make, store, metrics):
    store.errors = [FeedbackUnavailable("away"), FeedbackUnavailable("away")]
    writer = make()
    writer.start()
    writer.note(note_of_one("mine", None, _reading(7)))
    _wait_for(lambda: store.rows)
    writer.close()

    assert [row["request_id"] for row in store.rows] == ["mine"]
    assert _count(metrics, "dropped") == 0
    labels = {"operation": "keep"}
    failures = "numeral_feedback_database_failures_total"
    assert metrics.registry.get_sample_value(failures, labels) == 2


def test_what_no_database_takes_holds_up_nothing(make, store, metrics):
    store.errors = [ValueError("no such value")]
    writer = make()
    writer.start()
    writer.note(note_of_one("bad", None, _reading(7)))
    _wait_for(lambda: not store.errors)
    writer.note(note_of_one("good", None, _reading(7)))
    writer.close()

    assert [row["request_id"] for row in store.rows] == ["good"]
    assert (_count(metrics, "dropped"), _count(metrics, "kept")) == (1, 1)


def test_past_its_bytes_what_comes_is_dropped_and_counted(make, store, metrics, monkeypatch):
    one = note_of_one("mine", None, _reading(7))
    monkeypatch.setattr("service.feedback.writer._MOST_BYTES", 3 * one.size)
    writer = make()
    for _ in range(5):
        writer.note(one)
    writer.start()
    writer.close()

    assert len(store.rows) == 3
    assert _count(metrics, "dropped") == 2


def test_a_batch_that_never_fits_is_kept_where_nothing_waits(make, store, monkeypatch):
    monkeypatch.setattr("service.feedback.writer._MOST_BYTES", 1)
    writer = make()
    writer.note(note_of_one("large", None, _reading(7)))
    writer.note(note_of_one("late", None, _reading(7)))
    writer.start()
    writer.close()

    assert [row["request_id"] for row in store.rows] == ["large"]


def test_it_prunes_as_it_goes(make, store):
    writer = make()
    writer.start()
    _wait_for(lambda: store.pruned)
    writer.close()


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
