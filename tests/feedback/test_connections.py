"""A feedback database that fails: the error says why, and it is used again once it works."""

import sqlite3
from contextlib import closing

import pytest

from service.errors import FeedbackUnavailable
from service.feedback.records import Kind, PredictionQuery
from tests.feedback.rows import row

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


def test_a_file_that_was_removed_is_begun_anew(store, file):
    store.add([row(request_id="lost")])
    file.unlink()

    store.add([row(request_id="later", decision="review")])

    with closing(sqlite3.connect(file)) as seen:
        kept = seen.execute("SELECT request_id FROM numeral_predictions").fetchall()
    assert kept == [("later",)]


def test_a_folder_that_was_removed_is_told_and_used_again_once_it_is_there(tmp_path):
    folder = tmp_path / "data"
    store = Store(f"sqlite:///{folder}/feedback.db")
    with pytest.raises(FeedbackUnavailable, match="unable to open database file"):
        store.add([row()])

    folder.mkdir()

    store.add([row()])


def test_a_file_that_another_process_locks_is_told_and_used_again(store, file, monkeypatch):
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


def test_a_full_disk_is_told(store):
    store.add([row()])
    engine = store._engine
    engine.dispose()

    @event.listens_for(engine, "connect")
    def no_more_pages(connection, _):
        connection.execute("PRAGMA max_page_count = 1")

    with pytest.raises(FeedbackUnavailable, match="full"):
        store.add([row(image=bytes(100_000))])


def test_a_file_that_is_no_database_is_told_and_left_alone(store, file):
    file.write_text("a letter, which somebody may want to keep\n" * 100)

    with pytest.raises(FeedbackUnavailable, match="not a database"):
        store.add([row()])

    assert file.read_text().startswith("a letter")


def test_a_schema_of_another_version_is_told_and_left_alone(store, file):
    store.add([row()])
    with closing(sqlite3.connect(file)) as other:
        other.execute("UPDATE numeral_schema SET version = 99")
        other.commit()

    with pytest.raises(FeedbackUnavailable, match="version 99, this Numeral supports 1"):
        Store(f"sqlite:///{file}").add([row()])


def test_what_is_only_read_is_not_created(file):
    with pytest.raises(FeedbackUnavailable, match="no such file"):
        Store(f"sqlite:///{file}", create=False).labelled_digits()

    assert not file.exists()


def test_a_server_that_is_not_there_is_told_without_its_password(tmp_path):
    pytest.importorskip("psycopg", reason="requires the extra 'postgres'")
    away = Store(f"postgresql://numeral:secret@/numeral?host={tmp_path}")

    with pytest.raises(FeedbackUnavailable, match="connection") as told:
        away.add([row()])

    assert "secret" not in str(told.value)
