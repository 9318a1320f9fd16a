"""The feedback database, in SQLite and in PostgreSQL alike."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from service.errors import AnsweredOtherwise, UnknownPrediction
from service.feedback.errors import AmbiguousPrediction, OtherKind
from service.feedback.notes import Kind
from service.feedback.question import Question
from tests.feedback import row
from tests.postgres import run_postgres

database = pytest.importorskip("service.feedback.database", reason="needs the extra 'feedback'")
from service.feedback.store import Store  # noqa: E402


@pytest.fixture(scope="module")
def postgres():
    with run_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        opened = database.Database(f"sqlite:///{tmp_path}/feedback.db")
    else:
        opened = database.Database(request.getfixturevalue("postgres"))
        with opened.transaction() as connection:
            connection.exec_driver_sql("TRUNCATE numeral_predictions")
    yield Store(opened)
    opened.close()


def test_what_was_predicted_is_found_and_answered(store):
    store.add([row(read="7", confidence=0.75, reasons="low_confidence", decision="review")])

    answered = store.answer(Question("mine"), Kind.DIGIT, "1", "boss")

    assert answered.is_new
    found = answered.row
    assert (found["read"], found["answer"], found["answered_by"]) == ("7", "1", "boss")
    assert (found["confidence"], found["reasons"]) == (0.75, "low_confidence")
    assert found["answered"] == pytest.approx(time.time(), abs=60)


def test_the_first_answer_stays(store):
    store.add([row()])
    store.answer(Question("mine"), Kind.DIGIT, "1", None)

    assert not store.answer(Question("mine"), Kind.DIGIT, "1", None).is_new
    for other in ("2", None):
        with pytest.raises(AnsweredOtherwise):
            store.answer(Question("mine"), Kind.DIGIT, other, None)


def test_that_no_digit_is_to_be_seen_is_an_answer_too(store):
    store.add([row(read=None)])

    assert store.answer(Question("mine"), Kind.DIGIT, None, None).is_new
    assert not store.answer(Question("mine"), Kind.DIGIT, None, None).is_new
    with pytest.raises(AnsweredOtherwise):
        store.answer(Question("mine"), Kind.DIGIT, "3", None)


def test_of_many_answers_at_once_one_is_the_first(store):
    store.add([row()])

    def answer(digit):
        try:
            return store.answer(Question("mine"), Kind.DIGIT, str(digit), None).is_new
        except AnsweredOtherwise:
            return False

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(answer, range(10))) == 1


@pytest.mark.parametrize(
    "question",
    [
        Question("other"),
        Question("mine", place=1),
        Question("mine", item_id="a"),
        Question("mine", caller="till"),
        Question("mine", caller="till", anyone=True),
    ],
)
def test_what_is_not_kept_is_unknown(store, question):
    store.add([row()])

    with pytest.raises(UnknownPrediction):
        store.answer(question, Kind.DIGIT, "1", None)


def test_an_image_of_a_batch_is_found_by_place_or_id(store):
    store.add([row(place=0, item_id="a", read="1"), row(place=4, item_id="5", read="2")])

    for question, read in [
        (Question("mine", place=4), "2"),
        (Question("mine", item_id="a"), "1"),
        (Question("mine", item_id=5), "2"),
    ]:
        assert store.answer(question, Kind.DIGIT, "9", None).row["read"] == read


@pytest.mark.parametrize("question", [Question("mine"), Question("mine", item_id="a")])
def test_several_that_fit_are_told_apart_by_who_asks(store, question):
    store.add([row(place=0, item_id="a"), row(place=1, item_id="a")])

    with pytest.raises(AmbiguousPrediction, match="index"):
        store.answer(question, Kind.DIGIT, "1", None)


def test_of_requests_with_the_same_id_the_later_one_is_meant(store):
    store.add([row(read="1")])
    store.add([row(read="2")])

    assert store.answer(Question("mine"), Kind.DIGIT, "9", None).row["read"] == "2"


def test_an_id_that_two_callers_used_belongs_to_each(store):
    store.add([row(caller="till", read="1"), row(caller="desk", read="2")])
    everyone = Question("mine", anyone=True)

    with pytest.raises(AmbiguousPrediction, match="caller"):
        store.answer(everyone, Kind.DIGIT, "9", "boss")
    theirs = everyone._replace(caller="till")
    assert store.answer(theirs, Kind.DIGIT, "9", "boss").row["read"] == "1"
    assert store.answer(Question("mine", caller="desk"), Kind.DIGIT, "9", "desk").is_new
    with pytest.raises(UnknownPrediction):
        store.answer(Question("mine"), Kind.DIGIT, "9", None)


def test_an_answer_for_a_field_fits_no_digit(store):
    store.add([row(kind="digit")])

    with pytest.raises(OtherKind):
        store.answer(Question("mine"), Kind.FIELD, "18", None)


def test_the_newest_open_reviews_are_listed(store):
    store.add(
        [
            row(request_id="old", decision="review"),
            row(request_id="accepted"),
            row(request_id="done", decision="review"),
            row(request_id="new", decision="review"),
        ]
    )
    store.answer(Question("done"), Kind.DIGIT, "1", None)

    assert [each["request_id"] for each in store.reviews(10)] == ["new", "old"]
    assert [each["request_id"] for each in store.reviews(1)] == ["new"]


def test_a_picture_comes_back_as_it_was(store):
    digit = np.arange(784, dtype=np.uint32).astype(np.uint8).reshape(28, 28)
    strip = np.full((40, 96), 192, np.uint8)
    store.add(
        [
            row(request_id="none", decision="review"),
            row(request_id="strip", decision="review", image=strip.tobytes()),
            row(request_id="digit", decision="review", image=digit.tobytes()),
        ]
    )
    of_digit, of_strip, none = store.reviews(3)

    np.testing.assert_array_equal(store.picture(of_digit["id"]), digit)
    np.testing.assert_array_equal(store.picture(of_strip["id"]), strip)
    assert [each["has_image"] for each in (of_digit, of_strip, none)] == [1, 1, 0]
    for number in (none["id"], 2**62):
        with pytest.raises(UnknownPrediction):
            store.picture(number)


def test_what_is_too_old_is_deleted_with_its_answer(store):
    store.add([row(request_id="old", time=time.time() - 3 * 86_400), row(request_id="new")])
    store.answer(Question("old"), Kind.DIGIT, "1", None)

    assert store.prune(days=2, rows=10) == 1

    store.answer(Question("new"), Kind.DIGIT, "1", None)
    with pytest.raises(UnknownPrediction):
        store.answer(Question("old"), Kind.DIGIT, "1", None)


def test_past_so_many_rows_the_oldest_without_an_answer_go(store, monkeypatch):
    monkeypatch.setattr("service.feedback.pruning._MOST_DELETED", 2)
    store.add([row(request_id=f"r{number}", decision="review") for number in range(10)])
    store.answer(Question("r0"), Kind.DIGIT, "1", None)

    assert store.prune(days=1, rows=4) == 6

    assert [each["request_id"] for each in store.reviews(10)] == ["r9", "r8", "r7"]
    assert not store.answer(Question("r0"), Kind.DIGIT, "1", None).is_new
