"""The feedback database, in SQLite and in PostgreSQL alike."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from service.errors import AnsweredOtherwise, InvalidRequest, UnknownPrediction
from service.feedback.records import Kind, PredictionQuery
from tests.feedback.postgres import run_postgres
from tests.feedback.rows import row

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")
from service.feedback.store import Store


@pytest.fixture(scope="module")
def postgres():
    with run_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        opened = Store(f"sqlite:///{tmp_path}/feedback.db")
    else:
        opened = Store(request.getfixturevalue("postgres"))
        with opened.transaction() as connection:
            connection.exec_driver_sql("TRUNCATE numeral_predictions")
    yield opened
    opened.close()


def test_a_prediction_is_found_and_answered(store):
    store.add([row(read="7", confidence=0.75, reasons="low_confidence", decision="review")])

    answered = store.answer(PredictionQuery("mine"), Kind.DIGIT, "1", "owner")

    assert answered.is_new
    found = answered.row
    assert (found["read"], found["answer"], found["answered_by"]) == ("7", "1", "owner")
    assert (found["confidence"], found["reasons"]) == (0.75, "low_confidence")
    assert found["answered"] == pytest.approx(time.time(), abs=60)


def test_answers_to_audited_predictions_are_counted_by_version_as_long_as_they_are_recent(store):
    audits = [("1", "7"), ("1", "1"), ("1", None), ("2", "7")]
    for place, (version, _) in enumerate(audits):
        store.add([row(place=place, version=version, decision="review", reasons="audit")])
    store.add([row(place=4, decision="review", reasons="low_confidence"), row(place=5)])
    for place, answer in enumerate([*(answer for _, answer in audits), "1", "1"]):
        store.answer(PredictionQuery("mine", place), Kind.DIGIT, answer, None)

    counted = {each.version: (each.answers, each.errors) for each in store.audits(days=1)}

    assert counted == {"1": (3, 2), "2": (1, 0)}
    assert store.audits(days=0) == []
    store.prune(days=0, rows=10)
    assert store.audits(days=1) == []


@pytest.mark.parametrize(("first", "others"), [("1", ["2", None]), (None, ["3"])])
def test_the_first_answer_stays(store, first, others):
    store.add([row()])

    assert store.answer(PredictionQuery("mine"), Kind.DIGIT, first, None).is_new
    assert not store.answer(PredictionQuery("mine"), Kind.DIGIT, first, None).is_new
    for other in others:
        with pytest.raises(AnsweredOtherwise):
            store.answer(PredictionQuery("mine"), Kind.DIGIT, other, None)


def test_of_concurrent_answers_one_is_the_first(store):
    store.add([row()])

    def answer(digit):
        try:
            return store.answer(PredictionQuery("mine"), Kind.DIGIT, str(digit), None).is_new
        except AnsweredOtherwise:
            return False

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(answer, range(10))) == 1


@pytest.mark.parametrize(
    "query",
    [
        PredictionQuery("other"),
        PredictionQuery("mine", index=1),
        PredictionQuery("mine", item_id="a"),
        PredictionQuery("mine", caller="till"),
        PredictionQuery("mine", caller="till", any_caller=True),
    ],
)
def test_a_prediction_that_is_not_recorded_is_unknown(store, query):
    store.add([row()])

    with pytest.raises(UnknownPrediction):
        store.answer(query, Kind.DIGIT, "1", None)


def test_an_image_of_a_batch_is_found_by_index_or_id(store):
    store.add([row(place=0, item_id="a", read="1"), row(place=4, item_id="5", read="2")])

    for query, read in [
        (PredictionQuery("mine", index=4), "2"),
        (PredictionQuery("mine", item_id="a"), "1"),
        (PredictionQuery("mine", item_id=5), "2"),
    ]:
        assert store.answer(query, Kind.DIGIT, "9", None).row["read"] == read


@pytest.mark.parametrize("query", [PredictionQuery("mine"), PredictionQuery("mine", item_id="a")])
def test_several_matches_are_refused(store, query):
    store.add([row(place=0, item_id="a"), row(place=1, item_id="a")])

    with pytest.raises(InvalidRequest, match="index"):
        store.answer(query, Kind.DIGIT, "1", None)


def test_a_reused_request_id_means_the_later_request(store):
    store.add([row(read="1")])
    store.add([row(read="2")])

    assert store.answer(PredictionQuery("mine"), Kind.DIGIT, "9", None).row["read"] == "2"


def test_a_number_means_one_of_two_requests_with_the_same_id(store):
    store.add([row(read="1", decision="review"), row(read="2", decision="review")])
    newer, older = store.reviews(2)

    query = PredictionQuery("mine", number=older["id"])

    assert store.answer(query, Kind.DIGIT, "9", None).row["read"] == "1"
    assert [each["id"] for each in store.reviews(2)] == [newer["id"]]


def test_an_id_that_two_callers_used_belongs_to_each(store):
    store.add([row(caller="till", read="1"), row(caller="office", read="2")])
    everyone = PredictionQuery("mine", any_caller=True)

    with pytest.raises(InvalidRequest, match="caller"):
        store.answer(everyone, Kind.DIGIT, "9", "owner")
    theirs = replace(everyone, caller="till")
    assert store.answer(theirs, Kind.DIGIT, "9", "owner").row["read"] == "1"
    assert store.answer(PredictionQuery("mine", caller="office"), Kind.DIGIT, "9", "office").is_new
    with pytest.raises(UnknownPrediction):
        store.answer(PredictionQuery("mine"), Kind.DIGIT, "9", None)


def test_a_digit_cannot_be_answered_as_a_field(store):
    store.add([row(kind="digit")])

    with pytest.raises(InvalidRequest):
        store.answer(PredictionQuery("mine"), Kind.FIELD, "18", None)


def test_the_newest_open_reviews_are_listed(store):
    store.add(
        [
            row(request_id="old", decision="review"),
            row(request_id="accepted"),
            row(request_id="done", decision="review"),
            row(request_id="new", decision="review"),
        ]
    )
    store.answer(PredictionQuery("done"), Kind.DIGIT, "1", None)

    assert [each["request_id"] for each in store.reviews(10)] == ["new", "old"]
    assert [each["request_id"] for each in store.reviews(1)] == ["new"]


def test_a_picture_is_returned_unchanged(store):
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


def test_expired_predictions_are_deleted_with_their_answers(store):
    store.add([row(request_id="old", time=time.time() - 3 * 86_400), row(request_id="new")])
    store.answer(PredictionQuery("old"), Kind.DIGIT, "1", None)

    assert store.prune(days=2, rows=10) == 1

    store.answer(PredictionQuery("new"), Kind.DIGIT, "1", None)
    with pytest.raises(UnknownPrediction):
        store.answer(PredictionQuery("old"), Kind.DIGIT, "1", None)


def test_the_oldest_unanswered_rows_beyond_the_limit_are_deleted(store, monkeypatch):
    monkeypatch.setattr("service.feedback.store._MAX_DELETED", 2)
    store.add([row(request_id=f"r{number}", decision="review") for number in range(10)])
    store.answer(PredictionQuery("r0"), Kind.DIGIT, "1", None)

    assert store.prune(days=1, rows=4) == 6

    assert [each["request_id"] for each in store.reviews(10)] == ["r9", "r8", "r7"]
    assert not store.answer(PredictionQuery("r0"), Kind.DIGIT, "1", None).is_new


def test_the_oldest_reviews_are_claimed_by_one_session_until_they_expire(store):
    store.add([row(request_id="accepted")])
    store.add([row(request_id=f"r{number}", decision="review") for number in range(4)])
    store.answer(PredictionQuery("r0"), Kind.DIGIT, "1", None)

    ann = store.claim("ann", limit=1, seconds=60)
    bob = store.claim("bob", limit=5, seconds=0)
    again = store.claim("ann", limit=5, seconds=60)

    assert [ann.waiting, *(each["request_id"] for each in ann.rows)] == [3, "r1"]
    assert [each["request_id"] for each in bob.rows] == ["r2", "r3"]
    assert not any(each["has_image"] or each["has_page"] for each in bob.rows)
    assert [each["request_id"] for each in again.rows] == ["r1", "r2", "r3"]
    assert store.claim("bob", limit=5, seconds=60).rows == []
    assert len(store.reviews(10)) == 3


def test_concurrent_claims_share_no_review(store):
    store.add([row(request_id=f"r{number}", decision="review") for number in range(100)])

    def claim(session):
        found = [store.claim(f"s{session}-{time}", limit=7, seconds=60).rows for time in range(4)]
        return [each["id"] for rows in found for each in rows]

    with ThreadPoolExecutor(5) as pool:
        claimed = [number for numbers in pool.map(claim, range(5)) for number in numbers]

    assert len(claimed) == len(set(claimed)) == 100


def test_what_is_skipped_waits_no_longer_and_counts_in_no_audit(store):
    store.add([row(decision="review", reasons="audit", page=b"jpeg")])
    skip = PredictionQuery("mine"), None, None, "ann"

    assert store.answer(*skip).row["skipped"]
    assert not store.answer(*skip).is_new
    with pytest.raises(AnsweredOtherwise):
        store.answer(PredictionQuery("mine"), Kind.DIGIT, None, "ann")

    assert store.reviews(10) == []
    assert store.audits(days=1) == []


def test_a_page_is_deleted_with_the_answer_and_a_prediction_by_its_request(store):
    store.add([row(decision="review", page=b"jpeg")])
    [review] = store.reviews(1)
    assert store.page(review["id"]) == b"jpeg"

    store.answer(PredictionQuery("mine"), Kind.DIGIT, "1", None)
    with pytest.raises(UnknownPrediction):
        store.page(review["id"])

    store.delete(PredictionQuery("mine"))
    for use in (store.predictions, store.delete):
        with pytest.raises(UnknownPrediction):
            use(PredictionQuery("mine"))


def test_a_database_of_an_earlier_version_gets_the_missing_columns(store):
    store.add([row(decision="review")])
    url = store._url
    with store.transaction() as connection:
        for name in ("skipped", "alternatives", "page", "claimed_by", "claimed_until"):
            connection.exec_driver_sql(f"ALTER TABLE numeral_predictions DROP COLUMN {name}")
    store.close()

    reader = Store(url, create=False)
    assert reader.labelled_digits() == []
    reader.close()
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda name: Store(url).claim(name, limit=1, seconds=60), "abcd"))

    assert sum(len(each.rows) for each in opened) == 1
    assert store.answer(PredictionQuery("mine"), None, None, None).is_new
