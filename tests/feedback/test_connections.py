"""A feedback database that fails: the error says why, and it is used again once it works."""

import sqlite3
import time
from contextlib import closing

import pytest

from service.errors import FeedbackUnavailable
from service.feedback.records import Kind, PredictionQuery
from tests.feedback.rows import row
from tests.feedback.silent import run_silent_server

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")

from sqlalchemy import event

from service.feedback.store import Store


@pytest.fixture
def file(tmp_path):
    return tmp_path / "feedback.db"


@pytest.fixture
def store(file):
    made = Store(f"sqlite:///{file}")
    yield made
    made.close()


def test_a_removed_file_is_created_again(store, file):
    store.add([row(request_id="lost")])
    file.unlink()

    store.add([row(request_id="later", decision="review")])

    with closing(sqlite3.connect(file)) as seen:
        kept = seen.execute("SELECT request_id FROM numeral_predictions").fetchall()
    assert kept == [("later",)]


def test_a_missing_folder_is_reported_and_used_once_it_is_there(tmp_path):
    folder = tmp_path / "data"
    store = Store(f"sqlite:///{folder}/feedback.db")
    with pytest.raises(FeedbackUnavailable, match="unable to open database file"):
        store.add([row()])

    folder.mkdir()

    store.add([row()])


def test_a_file_that_another_process_locks_is_reported_and_used_again(store, file, monkeypatch):
    monkeypatch.setattr("service.feedback.connections._TIMEOUT_SECONDS", 0.1)
    store.add([row(request_id="before", decision="review")])
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(FeedbackUnavailable, match="locked"):
            store.add([row()])
        assert len(store.reviews(10)) == 1

    store.add([row()])


def test_a_file_that_may_not_be_written_can_be_read(store, file):
    store.add([row(decision="review")])
    store = Store(f"sqlite:///file:{file}?mode=ro&uri=true")

    assert len(store.reviews(10)) == 1
    for work in (
        lambda: store.add([row()]),
        lambda: store.answer(PredictionQuery("mine"), Kind.DIGIT, "1", None),
        lambda: store.prune(days=0.0001, rows=0),
    ):
        with pytest.raises(FeedbackUnavailable, match="readonly"):
            work()


def test_a_full_disk_is_reported(store):
    store.add([row()])
    engine = store._engine
    engine.dispose()

    @event.listens_for(engine, "connect")
    def no_more_pages(connection, _):
        connection.execute("PRAGMA max_page_count = 1")

    with pytest.raises(FeedbackUnavailable, match="full"):
        store.add([row(image=bytes(100_000))])


def test_a_file_that_is_no_database_is_reported_and_left_alone(store, file):
    file.write_text("a letter, which somebody may want to keep\n" * 100)

    with pytest.raises(FeedbackUnavailable, match="not a database"):
        store.add([row()])

    assert file.read_text().startswith("a letter")


def test_a_schema_of_another_version_is_reported(store, file):
    store.add([row()])
    with closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE numeral_schema SET version = 99")
        other.commit()

    with pytest.raises(FeedbackUnavailable, match="version 99, this Numeral supports 1"):
        Store(f"sqlite:///{file}").add([row()])


def test_a_database_that_is_only_read_is_not_created(file):
    with pytest.raises(FeedbackUnavailable, match="no such file"):
        Store(f"sqlite:///{file}", create=False).labelled_digits()

    assert not file.exists()


def test_the_error_for_an_unreachable_server_hides_its_password(tmp_path):
    pytest.importorskip("psycopg", reason="requires the extra 'postgres'")
    away = Store(f"postgresql://numeral:secret@/numeral?host={tmp_path}")

    with pytest.raises(FeedbackUnavailable, match="connection") as raised:
        away.add([row()])

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("logs_in", [False, True])
def test_a_server_that_does_not_answer_is_given_up(logs_in):
    pytest.importorskip("psycopg", reason="requires the extra 'postgres'")
    with run_silent_server(logs_in=logs_in) as url, closing(Store(url)) as store:
        began = time.monotonic()

        with pytest.raises(FeedbackUnavailable, match="timeout"):
            store.add([row()])

    assert time.monotonic() - began < 30
